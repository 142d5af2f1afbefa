"""What a reviewer approved, so that a submission that comes again gets the same approval."""

from sqlalchemy import Column, Engine, LargeBinary, MetaData, Table, select
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.canonical import decode, encode
from compute.protocols.risk_score.messages import ModelApproval
from compute.signing import Signed

_METADATA = MetaData()
_APPROVALS = Table(
    "approvals",
    _METADATA,
    Column("submission", LargeBinary(32), primary_key=True),  # SHA-256: the submission itself is not kept
    Column("approval", LargeBinary, nullable=False),
)


class ApprovalStore:
    """The table over an engine of ``audit.database``."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, reader(engine)
        _METADATA.create_all(engine)

    def find(self, submission: bytes) -> Signed[ModelApproval] | None:
        """Give the approval of the submission with this digest."""
        query = select(_APPROVALS.c.approval).where(_APPROVALS.c.submission == submission)
        with self._reader.begin() as connection:
            stored = connection.execute(query).scalar_one_or_none()
        return None if stored is None else decode(stored, Signed[ModelApproval])

    def put(self, submission: bytes, approval: Signed[ModelApproval]) -> Signed[ModelApproval]:
        """Store the approval unless the submission has one; give the one that is stored, durably."""
        row = {"submission": submission, "approval": encode(approval)}
        query = select(_APPROVALS.c.approval).where(_APPROVALS.c.submission == submission)
        with self._engine.begin() as connection:
            connection.execute(insert(_APPROVALS).values(row).on_conflict_do_nothing())
            return decode(connection.execute(query).scalar_one(), Signed[ModelApproval])
