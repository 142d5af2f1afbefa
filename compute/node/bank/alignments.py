"""The bank's alignments: the order of each cohort, and while one goes on the secret with which it is resumed.

Both are sealed (`compute.at_rest`). Without the order no label vector could be made over the cohort: it is
kept. The secret is erased once the alignment is complete, or given up.
"""

from sqlalchemy import BigInteger, Column, Engine, LargeBinary, MetaData, Table, Text, delete, select, update
from sqlalchemy import insert as plain_insert

from audit.database import reader
from compute.at_rest import AtRest
from compute.canonical import decode, encode
from compute.node.wiping import wipe
from compute.protocols.alignment.bank import BankAlignment
from compute.protocols.alignment.messages import AlignmentStatement
from compute.signing import Signed

_METADATA = MetaData()
_ALIGNMENTS = Table(
    "bank_alignments",
    _METADATA,
    Column("alignment", LargeBinary(32), primary_key=True),
    Column("contract", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("cohort", Text, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("secret", LargeBinary),  # sealed; until it is complete or given up
    Column("at", BigInteger),  # when it was complete: UTC, milliseconds
    Column("subjects", LargeBinary, nullable=False),  # sealed, in the order that was drawn
)
_SEPARATOR = "\n"


class BankAlignmentStore:
    """The table over an engine of ``audit.database``; `at_rest` seals secrets and subjects."""

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        _METADATA.create_all(engine)

    def add(self, begun: BankAlignment) -> None:
        """Keep a new alignment, before its first message is sent."""
        statement, name = begun.statement.statement, begun.name
        subjects = _SEPARATOR.join(begun.subjects).encode("ascii")
        row = {
            "alignment": name,
            "contract": statement.contract,
            "provider": statement.provider,
            "cohort": statement.cohort,
            "statement": encode(begun.statement),
            "secret": self._at_rest.seal(begun.secret, *_place("secret", name)),
            "subjects": self._at_rest.seal(subjects, *_place("subjects", name)),
        }
        with self._engine.begin() as connection:
            connection.execute(plain_insert(_ALIGNMENTS).values(row))

    def unfinished(self, contract: str, provider: str, cohort: str) -> BankAlignment | None:
        """Give an alignment of this cohort that is neither complete nor given up, to go on with it."""
        place = {"contract": contract, "provider": provider, "cohort": cohort}
        query = select(_ALIGNMENTS).filter_by(**place).where(_ALIGNMENTS.c.secret.is_not(None))
        with self._reader.begin() as connection:
            row = connection.execute(query.limit(1)).one_or_none()
        if row is None:
            return None
        secret = self._at_rest.open(row.secret, *_place("secret", row.alignment))
        subjects = self._subjects(row.alignment, row.subjects)
        return BankAlignment(decode(row.statement, Signed[AlignmentStatement]), secret, subjects)

    def complete(self, alignment: bytes, now: int) -> None:
        """Erase the secret: the provider has taken the points that came back."""
        self._end(alignment, now)

    def give_up(self, alignment: bytes) -> None:
        """Erase the secret: the provider refused it, or it lapsed there."""
        self._end(alignment, None)

    def find(self, contract: str, provider: str, cohort: str) -> bytes | None:
        """Give the name of the latest complete alignment of this cohort."""
        place = {"contract": contract, "provider": provider, "cohort": cohort}
        query = select(_ALIGNMENTS.c.alignment).filter_by(**place).where(_ALIGNMENTS.c.at.is_not(None))
        with self._reader.begin() as connection:
            name: bytes | None = connection.scalar(query.order_by(_ALIGNMENTS.c.at.desc()).limit(1))
        return name

    def subjects(self, alignment: bytes) -> tuple[str, ...]:
        """Give the cohort's subjects in the order of its places; raise LookupError for what is no alignment."""
        query = select(_ALIGNMENTS.c.subjects).where(_ALIGNMENTS.c.alignment == alignment)
        with self._reader.begin() as connection:
            sealed = connection.execute(query).scalar_one_or_none()
        if sealed is None:
            raise LookupError(f"no alignment {alignment.hex()} is kept here")
        return self._subjects(alignment, sealed)

    def destroy(self, contract: str) -> int:
        """Delete the alignments of a contract with their subjects, and give how many there were."""
        with self._engine.begin() as connection:
            return connection.execute(delete(_ALIGNMENTS).where(_ALIGNMENTS.c.contract == contract)).rowcount

    def _end(self, alignment: bytes, at: int | None) -> None:
        this = update(_ALIGNMENTS).where(_ALIGNMENTS.c.alignment == alignment, _ALIGNMENTS.c.secret.is_not(None))
        with self._engine.begin() as connection:
            connection.execute(this.values(secret=None, at=at))
        wipe(self._engine)

    def _subjects(self, alignment: bytes, sealed: bytes) -> tuple[str, ...]:
        opened = self._at_rest.open(sealed, *_place("subjects", alignment))
        return tuple(opened.decode("ascii").split(_SEPARATOR))


def _place(column: str, alignment: bytes) -> tuple[str, ...]:
    return _ALIGNMENTS.name, column, alignment.hex()
