"""What banks brought to a provider: keys, tables, permits, each kept as the message that was accepted.

Of a permit's presentation all but the seed of the salts: that is in the store of salts, where it can be erased.
"""

from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.canonical import Bytes32, Message, Milliseconds, Name, decode, encode
from compute.paillier.public import PublicKey
from compute.protocols.key_enrolment.messages import KeyStatement
from compute.protocols.permit_presentation.messages import Presentation
from compute.protocols.risk_score.messages import RegisterTables
from compute.protocols.risk_score.provider_stores import Registration
from compute.signing import Signed, digest
from compute.terms import Terms

_METADATA = MetaData()
# Keys that were enrolled before Π_mod and Π_fac are in the table "enrolments", which nothing reads: they are as if
# they had never been enrolled, until their bank proves them.
_ENROLMENTS = Table(
    "proven_keys",
    _METADATA,
    Column("bank", Text, primary_key=True),
    Column("issued_at", BigInteger, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),  # when it was first taken: UTC, milliseconds, as all times here
)
_REGISTRATIONS = Table(
    "registrations",
    _METADATA,
    Column("approval", LargeBinary(32), primary_key=True),
    Column("bank", Text, nullable=False, index=True),
    Column("message", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("snapshot", Text, nullable=False),  # of the table on which every bin last held a cohort
)
_WITHDRAWN = Table(
    "withdrawn_approvals",
    _METADATA,
    Column("approval", LargeBinary(32), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
_PROBES = Table(
    "probes",
    _METADATA,
    Column("bank", Text, primary_key=True),
    Column("small_bins", Integer, nullable=False),  # looks at the data that were refused, or are going on
)
_QUESTIONS = Table(
    "histogram_questions",
    _METADATA,
    Column("bank", Text, primary_key=True),
    Column("bins", LargeBinary(32), primary_key=True),  # digest of the bins that it asked about
)
_PERMITS = Table(
    "permits",
    _METADATA,
    Column("permit", Text, primary_key=True),
    Column("bank", Text, nullable=False, index=True),
    Column("issued_at", BigInteger, nullable=False),
    Column("presentation", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
_REVOKED = Table(
    "revoked_permits",
    _METADATA,
    Column("permit", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

_KEPT = 256
"""Messages that are kept as they were decoded: by their bytes, so that none is ever another."""
_decode = lru_cache(_KEPT)(decode)


class KeptPresentation(Message, frozen=True):
    """A presentation that was accepted, without the seed that it showed."""

    bank: Name
    issued_at: Milliseconds
    token: str
    contract: tuple[Signed[Terms], ...]
    digest: Bytes32
    """SHA-256 of the presentation as it was signed: the very same again is known by it."""

    @classmethod
    def of(cls, presentation: Signed[Presentation]) -> "KeptPresentation":
        """Give what is kept of a presentation."""
        shown = presentation.statement
        return cls(
            bank=shown.bank,
            issued_at=shown.issued_at,
            token=shown.token,
            contract=shown.contract,
            digest=digest(presentation),
        )


class RegistryStore:
    """The tables over an engine of ``audit.database``: the risk score's ``Registry``, and permits beside it."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)

    # --- keys -------------------------------------------------------------------------------------------------

    def enrolment(self, bank: str) -> tuple[Signed[KeyStatement], int] | None:
        """Give the statement that brought the bank's key in force, and when it was first taken."""
        with self._reader.begin() as connection:
            row = connection.execute(select(_ENROLMENTS).where(_ENROLMENTS.c.bank == bank)).one_or_none()
        return None if row is None else (_decode(row.statement, Signed[KeyStatement]), row.at)

    def keys(self) -> list[PublicKey]:
        """Give all keys in force."""
        with self._reader.begin() as connection:
            rows = connection.execute(select(_ENROLMENTS.c.statement)).scalars().all()
        return [PublicKey.from_bytes(decode(row, Signed[KeyStatement]).statement.n) for row in rows]

    def enrol(self, statement: Signed[KeyStatement], now: int) -> int | None:
        """Put the key in force and give the time; None, and nothing, if as late a statement is in force."""
        row = {
            "bank": statement.statement.bank,
            "issued_at": statement.statement.issued_at,
            "statement": encode(statement),
            "at": now,
        }
        with self._engine.begin() as connection:
            return _put_later(connection, _ENROLMENTS, row)

    # --- tables -----------------------------------------------------------------------------------------------

    def registration(self, approval: bytes) -> Registration | None:
        """Give what was registered under this approval."""
        query = select(_REGISTRATIONS).where(_REGISTRATIONS.c.approval == approval)
        with self._reader.begin() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Registration(_decode(row.message, RegisterTables), row.at, row.snapshot)

    def open_probe(self, bank: str, max_models: int, max_small_bins: int) -> bool:
        """Count a look at the data that may be refused; False, and no count, if the bank has none left."""
        count = update(_PROBES).where(_PROBES.c.bank == bank, _PROBES.c.small_bins < max_small_bins)
        with self._engine.begin() as connection:
            if connection.execute(_models(bank)).scalar_one() >= max_models:
                return False
            connection.execute(insert(_PROBES).values(bank=bank, small_bins=0).on_conflict_do_nothing())
            return connection.execute(count.values(small_bins=_PROBES.c.small_bins + 1)).rowcount == 1

    def register(
        self, approval: bytes, message: RegisterTables, snapshot: str, now: int, max_models: int
    ) -> int | None:
        """Keep the tables, take the bank's last look off its count, and give the time at which they were taken.

        None, and nothing, if others filled the bank's number of models meanwhile.
        """
        bank = message.tables.bank
        row = {"approval": approval, "bank": bank, "message": encode(message), "at": now, "snapshot": snapshot}
        at = select(_REGISTRATIONS.c.at).where(_REGISTRATIONS.c.approval == approval)
        passed = update(_PROBES).where(_PROBES.c.bank == bank).values(small_bins=_PROBES.c.small_bins - 1)
        with self._engine.begin() as connection:
            kept: int | None = connection.execute(at).scalar_one_or_none()
            if kept is None:
                if connection.execute(_models(bank)).scalar_one() >= max_models:
                    return None
                connection.execute(insert(_REGISTRATIONS).values(row))
            connection.execute(passed)
        return now if kept is None else kept

    def open_question(self, bank: str, bins: bytes, most: int) -> bool:
        """Count the bins with this digest, once; False, and no count, if the bank asked of ``most`` others."""
        of_bank = select(func.count()).select_from(_QUESTIONS).where(_QUESTIONS.c.bank == bank)
        same = select(_QUESTIONS).where(_QUESTIONS.c.bank == bank, _QUESTIONS.c.bins == bins)
        with self._engine.begin() as connection:
            if connection.execute(same).first() is not None:
                return True
            if connection.execute(of_bank).scalar_one() >= most:
                return False
            connection.execute(insert(_QUESTIONS).values(bank=bank, bins=bins))
            return True

    def confirm(self, approval: bytes, snapshot: str) -> None:
        """Note that every bin of these tables holds a cohort on this snapshot too."""
        row = update(_REGISTRATIONS).where(_REGISTRATIONS.c.approval == approval)
        with self._engine.begin() as connection:
            connection.execute(row.values(snapshot=snapshot))

    def withdraw(self, approval: bytes, now: int) -> int:
        """Note for good that this approval was withdrawn; give when that was first heard."""
        at = select(_WITHDRAWN.c.at).where(_WITHDRAWN.c.approval == approval)
        with self._engine.begin() as connection:
            connection.execute(insert(_WITHDRAWN).values(approval=approval, at=now).on_conflict_do_nothing())
            return int(connection.execute(at).scalar_one())

    def is_withdrawn(self, approval: bytes) -> bool:
        """Say whether this approval was withdrawn."""
        query = select(_WITHDRAWN.c.at).where(_WITHDRAWN.c.approval == approval)
        with self._reader.begin() as connection:
            return connection.execute(query).first() is not None

    # --- permits ----------------------------------------------------------------------------------------------

    def presented(self, permit: str) -> tuple[KeptPresentation, int] | None:
        """Give what is kept of the latest presentation of this permit, and when it was taken."""
        with self._reader.begin() as connection:
            row = connection.execute(select(_PERMITS).where(_PERMITS.c.permit == permit)).one_or_none()
        return None if row is None else (_decode(row.presentation, KeptPresentation), row.at)

    def permits_of(self, bank: str) -> list[str]:
        """Give the permits that a bank presented, the latest first."""
        query = select(_PERMITS.c.permit).where(_PERMITS.c.bank == bank).order_by(_PERMITS.c.at.desc())
        with self._reader.begin() as connection:
            return list(connection.scalars(query))

    def present(self, permit: str, presentation: Signed[Presentation], now: int) -> int | None:
        """Keep the presentation, but for its seed, and give the time.

        None, and nothing, if as late a one of the permit is kept.
        """
        row = {
            "permit": permit,
            "bank": presentation.statement.bank,
            "issued_at": presentation.statement.issued_at,
            "presentation": encode(KeptPresentation.of(presentation)),
            "at": now,
        }
        with self._engine.begin() as connection:
            return _put_later(connection, _PERMITS, row)

    def revoke(self, permit: str, now: int) -> None:
        """Note that this provider took the permit back, for good."""
        with self._engine.begin() as connection:
            connection.execute(insert(_REVOKED).values(permit=permit, at=now).on_conflict_do_nothing())

    def is_revoked(self, permit: str) -> bool:
        """Say whether this provider took the permit back."""
        with self._reader.begin() as connection:
            return connection.execute(select(_REVOKED).where(_REVOKED.c.permit == permit)).first() is not None


def _models(bank: str) -> Select[int]:
    return select(func.count()).select_from(_REGISTRATIONS).where(_REGISTRATIONS.c.bank == bank)


def _put_later(connection: Connection, table: Table, row: dict[str, object]) -> int | None:
    """Insert the row, or replace one of an earlier `issued_at`; give its `at`, None if neither."""
    put = insert(table).values(row)
    put = put.on_conflict_do_update(set_=row, where=table.c.issued_at < put.excluded.issued_at)
    stored: int | None = connection.execute(put.returning(table.c.at)).scalar_one_or_none()
    return stored
