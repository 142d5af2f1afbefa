"""The salts under a contract, at its bank and at each provider: one tree each, in which single salts are erased.

The bank draws the seed, a provider is shown it with the permit. Nobody keeps the seed beside the tree: once a salt
is erased the seed is gone too, and only its digest tells whether it is the same that is shown again. The tree is
sealed (`compute.at_rest`), and its old bytes are overwritten all the same: the node could still open them.
"""

import hashlib
import secrets

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from audit.salts import KEY_SIZE, SaltTree, seed_digest
from compute.at_rest import AtRest
from compute.node import salted
from compute.node.salted import Salted

_METADATA = MetaData()
_TREES = Table(
    "salt_trees",
    _METADATA,
    Column("contract", Text, primary_key=True),
    Column("seed", LargeBinary(32), nullable=False),  # its digest
    Column("tree", LargeBinary, nullable=False),  # sealed
)


class SaltStore:
    """The table over an engine of ``audit.database``.

    Its methods raise :class:`compute.at_rest.AtRestError` for a tree that was altered.
    """

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        _METADATA.create_all(engine)
        salted.METADATA.create_all(engine)

    def draw(self, contract: str) -> SaltTree:
        """Give the contract's salts, for ever under one seed; it is drawn when it is first needed."""
        with self._engine.begin() as connection:
            self._put(connection, contract, secrets.token_bytes(KEY_SIZE))
            return _opened(self._at_rest, contract, connection.execute(_tree(contract)).scalar_one())

    def keep(self, contract: str, seed: bytes) -> bool:
        """Keep the contract's salts under a seed that is shown; False, and nothing, if they are under another.

        The same seed again brings nothing back that was erased.
        """
        query = select(_TREES.c.seed).where(_TREES.c.contract == contract)
        with self._engine.begin() as connection:
            self._put(connection, contract, seed)
            return bytes(connection.execute(query).scalar_one()) == seed_digest(seed)

    def find(self, contract: str) -> SaltTree | None:
        """Give the contract's salts as they are now, without those that were erased; None if it has none."""
        found = self.find_marked(contract)
        return None if found is None else found[0]

    def find_marked(self, contract: str) -> tuple[SaltTree, bytes] | None:
        """Give the contract's salts as they are now, and their mark: after an erasure they have another."""
        with self._reader.begin() as connection:
            found = connection.execute(_tree(contract)).scalar_one_or_none()
        return None if found is None else (_opened(self._at_rest, contract, found), _mark(found))

    def salted(self, contract: str, job: bytes) -> Salted | None:
        """Give what :meth:`keep_salted` kept for the job with this digest; None if a salt was erased since."""
        with self._reader.begin() as connection:
            return salted.find_in(connection, self._at_rest, contract, job)

    def keep_salted(self, contract: str, job: bytes, derived: Salted, mark: bytes, now: int) -> None:
        """Keep what was derived from the salts with this mark; nothing if they are others by now."""
        with self._engine.begin() as connection:
            present = connection.execute(_tree(contract)).scalar_one_or_none()
            if present is not None and _mark(present) == mark:
                salted.keep_in(connection, self._at_rest, contract, job, derived, now)

    def forget_salted(self, job: bytes) -> None:
        """Delete what is kept for the job with this digest."""
        with self._engine.begin() as connection:
            salted.drop_in(connection, job)

    def contracts(self) -> list[str]:
        """Give the contracts that there are salts of, by name."""
        with self._reader.begin() as connection:
            return list(connection.scalars(select(_TREES.c.contract).order_by(_TREES.c.contract)))

    def destroy(self, contract: str) -> int:
        """Destroy all salts of a contract; give 1, or 0 if there were none. Nobody is told of its uses then."""
        with self._engine.begin() as connection:
            salted.forget_in(connection, contract)
            return connection.execute(delete(_TREES).where(_TREES.c.contract == contract)).rowcount

    def _put(self, connection: Connection, contract: str, seed: bytes) -> None:
        tree = _sealed(self._at_rest, contract, SaltTree.from_seed(seed))
        row = {"contract": contract, "seed": seed_digest(seed), "tree": tree}
        connection.execute(insert(_TREES).values(row).on_conflict_do_nothing())


def tree_in(connection: Connection, at_rest: AtRest, contract: str) -> SaltTree | None:
    """Give the contract's salts within a transaction; None if it has none."""
    found = connection.execute(_tree(contract)).scalar_one_or_none()
    return None if found is None else _opened(at_rest, contract, found)


def replace_in(connection: Connection, at_rest: AtRest, contract: str, tree: SaltTree) -> None:
    """Put a tree in the place of the contract's, within a transaction; the old bytes are overwritten.

    What was derived from the old one is deleted with it.
    """
    sealed = _sealed(at_rest, contract, tree)
    connection.execute(update(_TREES).where(_TREES.c.contract == contract).values(tree=sealed))
    salted.forget_in(connection, contract)


def _sealed(at_rest: AtRest, contract: str, tree: SaltTree) -> bytes:
    return at_rest.seal(tree.encode(), *_place(contract))


def _opened(at_rest: AtRest, contract: str, sealed: bytes) -> SaltTree:
    return SaltTree.parse(at_rest.open(sealed, *_place(contract)))


def _mark(sealed: bytes) -> bytes:
    return hashlib.sha256(sealed).digest()  # sealed anew the same tree would have another, which does no harm


def _place(contract: str) -> tuple[str, ...]:
    return _TREES.name, "tree", contract


def _tree(contract: str) -> Select[bytes]:
    return select(_TREES.c.tree).where(_TREES.c.contract == contract)
