"""The models that the bank has submitted to reviewers, by name and version, and what became of each.

A scorecard lies sealed: it is the bank's, and the database is backed up with less care than a key.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Engine, Integer, LargeBinary, MetaData, Table, Text, select, update
from sqlalchemy.dialects.sqlite import insert

from audit.database import reader
from compute.at_rest import AtRest
from compute.canonical import decode, encode
from compute.node.console.submission_states import SubmissionState
from compute.protocols.risk_score.submitted import SubmittedModel

_METADATA = MetaData()
_SUBMISSIONS = Table(
    "submissions",
    _METADATA,
    Column("number", Integer, primary_key=True),  # in the order in which they were made
    Column("submission", LargeBinary(32), nullable=False, unique=True),
    Column("name", Text, nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("at", BigInteger, nullable=False),  # UTC, milliseconds
    Column("state", Text, nullable=False),
    Column("reason", Text),  # what the reviewer said that ended it
    Column("approval", LargeBinary(32)),
    Column("expires", BigInteger),  # of the approval
    Column("scorecard", LargeBinary, nullable=False),  # the file as it was handed in, sealed
    Column("message", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class Submission:
    """A model that was submitted; the scorecard is not here."""

    name: str
    version: str
    submission: bytes
    reviewer: str
    at: int
    state: SubmissionState
    reason: str | None
    approval: bytes | None
    expires: int | None


class SubmissionStore:
    """The table over an engine of ``audit.database``; scorecards are sealed by `at_rest`."""

    def __init__(self, engine: Engine, at_rest: AtRest) -> None:
        self._engine, self._reader, self._at_rest = engine, reader(engine), at_rest
        _METADATA.create_all(engine)

    def add(self, name: str, version: str, scorecard: bytes, submitted: SubmittedModel, now: int) -> None:
        """Keep a model that the reviewer has received; the same again changes nothing."""
        row = {
            "submission": submitted.submission,
            "name": name,
            "version": version,
            "reviewer": submitted.reviewer,
            "at": now,
            "state": SubmissionState.UNDER_REVIEW,
            "scorecard": self._at_rest.seal(scorecard, *_place(submitted.submission)),
            "message": encode(submitted),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(_SUBMISSIONS).values(row).on_conflict_do_nothing())

    def all(self) -> list[Submission]:
        """Give all that were submitted, the newest first."""
        with self._reader.begin() as connection:
            return [Submission(*row) for row in connection.execute(_VIEW)]

    def latest(self, name: str, version: str) -> Submission | None:
        """Give the latest submission of this name and version."""
        query = _VIEW.where(_SUBMISSIONS.c.name == name, _SUBMISSIONS.c.version == version).limit(1)
        with self._reader.begin() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Submission(*row)

    def read(self, submission: bytes) -> tuple[bytes, SubmittedModel]:
        """Give the scorecard of a submission that is kept here, and what is registered once it is approved."""
        query = select(_SUBMISSIONS.c.scorecard, _SUBMISSIONS.c.message).filter_by(submission=submission)
        with self._reader.begin() as connection:
            row = connection.execute(query).one()
        return self._at_rest.open(row.scorecard, *_place(submission)), decode(row.message, SubmittedModel)

    def note_registered(self, submission: bytes, approval: bytes, expires: int) -> None:
        """Note under which approval it is registered, and until when."""
        state = SubmissionState.REGISTERED
        self._note(submission, state=state, reason=None, approval=approval, expires=expires)

    def note_refused(self, submission: bytes, reason: str) -> bytes | None:
        """Note what the reviewer said that ended it; give the approval that it was registered under, if any."""
        approval = select(_SUBMISSIONS.c.approval).filter_by(submission=submission)
        with self._reader.begin() as connection:
            registered = connection.scalar(approval)
        self._note(submission, state=SubmissionState.REFUSED, reason=reason)
        return registered

    def _note(self, submission: bytes, **values: object) -> None:
        row = update(_SUBMISSIONS).where(_SUBMISSIONS.c.submission == submission)
        with self._engine.begin() as connection:
            connection.execute(row.values(**values))


_VIEW = select(
    _SUBMISSIONS.c.name,
    _SUBMISSIONS.c.version,
    _SUBMISSIONS.c.submission,
    _SUBMISSIONS.c.reviewer,
    _SUBMISSIONS.c.at,
    _SUBMISSIONS.c.state,
    _SUBMISSIONS.c.reason,
    _SUBMISSIONS.c.approval,
    _SUBMISSIONS.c.expires,
).order_by(_SUBMISSIONS.c.number.desc())


def _place(submission: bytes) -> tuple[str, str, str]:
    return _SUBMISSIONS.name, _SUBMISSIONS.c.scorecard.name, submission.hex()
