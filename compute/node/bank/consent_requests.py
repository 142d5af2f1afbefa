"""The requests for consent that a bank has made, whom each is to, and what became of it.

The subject lies sealed: the marketplace names requests by their names, and only here is known who they are to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Engine, LargeBinary, MetaData, Row, Table, Text, func, select, update
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.at_rest import AtRest
from compute.canonical import decode, encode
from compute.records import ConsentReceipt, SubjectType
from compute.signing import Signed

OPEN, GRANTED = "open", "granted"
_METADATA = MetaData()
_REQUESTS = Table(
    "consent_requests",
    _METADATA,
    Column("request", Text, primary_key=True),
    Column("contract", Text, nullable=False, index=True),
    Column("reference", Text, nullable=False),
    Column("subject", LargeBinary, nullable=False),  # sealed
    Column("subject_type", Text, nullable=False),
    Column("at", BigInteger, nullable=False),  # UTC, milliseconds
    Column("until", BigInteger, nullable=False),
    Column("state", Text, nullable=False, index=True),  # the marketplace's, or registered, once a batch names it
    Column("receipt", LargeBinary),
)


@dataclass(frozen=True)
class AskedConsent:
    """One request: whom it is to, and the receipt once it was decided."""

    request: str
    contract: str
    reference: str
    subject: str
    subject_type: SubjectType
    at: int
    until: int
    state: str
    receipt: Signed[ConsentReceipt] | None = None


class ConsentRequestStore:
    """The table over an engine of ``audit.database``; subjects are sealed by `at_rest`."""

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        _METADATA.create_all(engine)

    def add(self, asked: AskedConsent) -> None:
        """Keep a request that the marketplace has taken; the same again changes nothing."""
        row = {
            "request": asked.request,
            "contract": asked.contract,
            "reference": asked.reference,
            "subject": self._at_rest.seal(asked.subject.encode(), *_place(asked.request)),
            "subject_type": asked.subject_type.value,
            "at": asked.at,
            "until": asked.until,
            "state": asked.state,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(_REQUESTS).values(row).on_conflict_do_nothing())

    def of(self, contract: str) -> list[AskedConsent]:
        """Give the requests under a contract, the oldest first."""
        query = select(_REQUESTS).where(_REQUESTS.c.contract == contract)
        return self._all(query.order_by(_REQUESTS.c.at, _REQUESTS.c.request))

    def waiting(self) -> list[AskedConsent]:
        """Give those that wait for their subject, or that were granted and that no batch names yet."""
        return self._all(select(_REQUESTS).where(_REQUESTS.c.state.in_([OPEN, GRANTED])))

    def count_waiting(self) -> int:
        """Give how many wait."""
        with self._reader.begin() as connection:
            query = select(func.count()).where(_REQUESTS.c.state.in_([OPEN, GRANTED]))
            return connection.scalars(query).one()

    def move(self, request: str, state: str, receipt: Signed[ConsentReceipt] | None = None) -> None:
        """Keep what became of a request."""
        changed: dict[str, object] = {"state": state}
        if receipt is not None:
            changed["receipt"] = encode(receipt)
        with self._engine.begin() as connection:
            connection.execute(update(_REQUESTS).where(_REQUESTS.c.request == request).values(**changed))

    def _all(self, query: object) -> list[AskedConsent]:
        with self._reader.begin() as connection:
            return [self._asked(row) for row in connection.execute(query)]  # type: ignore[call-overload]  # a select

    def _asked(self, row: Row[tuple[object, ...]]) -> AskedConsent:
        return AskedConsent(
            request=row.request,
            contract=row.contract,
            reference=row.reference,
            subject=self._at_rest.open(row.subject, *_place(row.request)).decode(),
            subject_type=SubjectType(row.subject_type),
            at=row.at,
            until=row.until,
            state=row.state,
            receipt=None if row.receipt is None else decode(row.receipt, Signed[ConsentReceipt]),
        )


def _place(request: str) -> Sequence[str]:
    return _REQUESTS.name, "subject", request
