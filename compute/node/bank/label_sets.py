"""The sets of labels that the bank registers, by contract and name: at which providers, and how far.

The labels are not here: while a registration goes on they are in its job, sealed, and afterwards nobody needs
them. Their ciphertexts are kept until the set is complete, so that what is registered is not encrypted anew; they
are what providers are sent, and the signed statement tells whether they were altered.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.at_rest import AtRest
from compute.canonical import decode, encode
from compute.node.console.statistics_messages import LabelRegistration
from compute.protocols.label_vector.messages import DisclosedCohort, LabelStatement
from compute.signing import Signed, digest

_METADATA = MetaData()
_SETS = Table(
    "label_sets",
    _METADATA,
    Column("contract", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),  # of subjects, labels, classes and kind
    Column("kind", Text, nullable=False),
    Column("classes", LargeBinary, nullable=False),  # their names, sealed: a line each
    Column("subjects", Integer, nullable=False),  # their number
    Column("at", BigInteger, nullable=False),  # UTC, milliseconds
)
_VECTORS = Table(
    "label_set_vectors",
    _METADATA,
    Column("contract", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("vector", LargeBinary(32), nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("registered", Integer, nullable=False),  # so many parts from the first on
)
_CIPHERTEXTS = Table(
    "label_ciphertexts",
    _METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("ciphertexts", LargeBinary, nullable=False),
)
_LABELS = ("subjects", "labels", "classes", "width", "legal_basis")
"""What makes two registrations ones of the same labels."""


@dataclass(frozen=True)
class SetVector:
    """The label vector that a provider is to hold of a set, and how much of it is there."""

    provider: str
    vector: bytes
    statement: Signed[LabelStatement]
    registered: int

    @property
    def parts(self) -> int:
        """In how many parts it is registered."""
        return len(self.statement.statement.parts)

    @property
    def is_complete(self) -> bool:
        """Whether statistics may name it."""
        return self.registered == self.parts

    @property
    def alignment(self) -> bytes | None:
        """The alignment that its cohort came of, if that is disclosed."""
        cohort = self.statement.statement.cohort
        return cohort.alignment if isinstance(cohort, DisclosedCohort) else None


@dataclass(frozen=True)
class LabelSet:
    """A set of labels, without the labels."""

    contract: str
    name: str
    is_hidden: bool
    classes: tuple[str, ...]
    subjects: int
    at: int
    vectors: tuple[SetVector, ...]

    def at_provider(self, provider: str) -> SetVector | None:
        """Give what a provider holds of it; None where nothing was begun."""
        return next((each for each in self.vectors if each.provider == provider), None)


class LabelSetStore:
    """The tables over an engine of ``audit.database``; the names of classes are sealed by `at_rest`."""

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        _METADATA.create_all(engine)

    def is_other(self, asked: LabelRegistration) -> bool:
        """Say whether the name stands for other labels under this contract."""
        query = select(_SETS.c.fingerprint).filter_by(contract=asked.contract, name=asked.name)
        with self._reader.begin() as connection:
            kept = connection.scalar(query)
        return kept is not None and bytes(kept) != self._fingerprint(asked)

    def begin(self, asked: LabelRegistration, now: int) -> bool:
        """Keep a new set; the same again changes nothing. False, and nothing, if the name stands for another."""
        row = {
            "contract": asked.contract,
            "name": asked.name,
            "fingerprint": self._fingerprint(asked),
            "kind": "hidden" if asked.legal_basis is None else "disclosed",
            "classes": self._at_rest.seal("\n".join(asked.classes).encode(), *_place(asked.contract, asked.name)),
            "subjects": len(asked.subjects),
            "at": now,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(_SETS).values(row).on_conflict_do_nothing())
        return not self.is_other(asked)

    def all(self) -> list[LabelSet]:
        """Give all sets, by contract and name."""
        return self._sets()

    def find(self, contract: str, name: str) -> LabelSet | None:
        """Give a set."""
        return next(iter(self._sets(contract=contract, name=name)), None)

    def put_vector(
        self,
        place: tuple[str, str],
        providers: Sequence[str],
        statement: Signed[LabelStatement],
        parts: Sequence[bytes],
    ) -> None:
        """Keep the vector that these providers are to hold, before it is sent; `place` is contract and name."""
        contract, name = place
        row = {"contract": contract, "name": name, "vector": digest(statement.statement), "registered": 0}
        rows = [row | {"provider": provider, "statement": encode(statement)} for provider in providers]
        with self._engine.begin() as connection:
            for part in parts:
                kept = {"digest": hashlib.sha256(part).digest(), "ciphertexts": part}
                connection.execute(insert(_CIPHERTEXTS).values(kept).on_conflict_do_nothing())
            for each in rows:
                upsert = insert(_VECTORS).values(each)
                connection.execute(upsert.on_conflict_do_update(set_=each))

    def ciphertexts(self, statement: LabelStatement) -> tuple[bytes, ...] | None:
        """Give the ciphertexts of which a statement speaks, by parts; None if these are not kept any more."""
        query = select(_CIPHERTEXTS.c.digest, _CIPHERTEXTS.c.ciphertexts)
        with self._reader.begin() as connection:
            rows = connection.execute(query.where(_CIPHERTEXTS.c.digest.in_(statement.parts))).all()
        found = {bytes(row.digest): bytes(row.ciphertexts) for row in rows}
        parts = tuple(found.get(name, b"") for name in statement.parts)
        named = tuple(hashlib.sha256(part).digest() for part in parts)
        return parts if named == statement.parts else None

    def note_registered(self, place: tuple[str, str], provider: str, registered: int) -> None:
        """Note that a provider holds so many parts of its vector."""
        with self._engine.begin() as connection:
            connection.execute(update(_VECTORS).where(*_at(place, provider)).values(registered=registered))

    def forget_vector(self, place: tuple[str, str], provider: str) -> None:
        """Forget a vector that its provider will not take any more."""
        with self._engine.begin() as connection:
            connection.execute(delete(_VECTORS).where(*_at(place, provider)))

    def destroy(self, contract: str) -> int:
        """Delete the label sets of a contract with their classes and ciphertexts; give how many there were."""
        for each in self._sets(contract=contract):
            self.forget_ciphertexts((each.contract, each.name))
        with self._engine.begin() as connection:
            connection.execute(delete(_VECTORS).where(_VECTORS.c.contract == contract))
            return connection.execute(delete(_SETS).where(_SETS.c.contract == contract)).rowcount

    def forget_ciphertexts(self, place: tuple[str, str]) -> None:
        """Delete the ciphertexts of a set that is complete: providers have them."""
        found = self.find(*place)
        parts = {part for each in found.vectors for part in each.statement.statement.parts} if found else set()
        with self._engine.begin() as connection:
            connection.execute(delete(_CIPHERTEXTS).where(_CIPHERTEXTS.c.digest.in_(parts)))

    def _sets(self, **which: str) -> list[LabelSet]:
        sets = select(_SETS).filter_by(**which).order_by(_SETS.c.contract, _SETS.c.name)
        vectors = select(_VECTORS).filter_by(**which).order_by(_VECTORS.c.provider)
        with self._reader.begin() as connection:
            rows, kept = connection.execute(sets).all(), connection.execute(vectors).all()
        by_set: dict[tuple[str, str], list[SetVector]] = {}
        for each in kept:
            statement = decode(each.statement, Signed[LabelStatement])
            vector = SetVector(each.provider, bytes(each.vector), statement, each.registered)
            by_set.setdefault((each.contract, each.name), []).append(vector)
        return [
            LabelSet(
                contract=row.contract,
                name=row.name,
                is_hidden=row.kind == "hidden",
                classes=tuple(
                    self._at_rest.open(row.classes, *_place(row.contract, row.name)).decode().split("\n")
                ),
                subjects=row.subjects,
                at=row.at,
                vectors=tuple(by_set.get((row.contract, row.name), ())),
            )
            for row in rows
        ]

    def _fingerprint(self, asked: LabelRegistration) -> bytes:
        labels = repr([getattr(asked, name) for name in _LABELS]).encode()
        return self._at_rest.fingerprint(labels, _SETS.name, "fingerprint")


def _at(place: tuple[str, str], provider: str) -> tuple[ColumnElement[bool], ...]:
    contract, name = place
    columns = _VECTORS.c
    return columns.contract == contract, columns.name == name, columns.provider == provider


def _place(contract: str, name: str) -> tuple[str, ...]:
    return _SETS.name, "classes", contract, name
