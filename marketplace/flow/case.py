"""An auditor's case: under it a supervisor reads what others contract about, once somebody else has approved it.

Its reads are in the log at once, sealed, and for all to read when it is closed (`audit.tracing.seals`). So nobody
is tipped off while it lasts, and nobody reads without being seen in the end.
"""

from dataclasses import dataclass, replace

from audit.tracing.seals import case_digest
from compute.canonical import DAY
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, WrongStateError
from marketplace.flow.actor import Actor
from marketplace.flow.states import CASE, CaseState, Move, Role, advance

MAX_DAYS = 366
"""For how long reads may stay sealed."""


@dataclass(frozen=True)
class AuditCase:
    """A case, as the marketplace keeps it; the log has its digest only."""

    number: str
    """The supervisor's own: 案号."""
    salt: bytes
    opener: str
    until: int
    """When it is closed at the latest: UTC, milliseconds since 1970-01-01."""
    approver: str | None = None
    state: CaseState = CaseState.OPENED

    @property
    def id(self) -> str:
        """The digest of salt and number, in hex: by it the log and all others name the case."""
        return case_digest(self.salt, self.number)


def open_case(number: str, until: int, actor: Actor, salt: bytes, now: int) -> AuditCase:
    """Give the case that a supervisor opens; that the number is new the store decides.

    Raises `ForbiddenError` for others, `InvalidError` unless it ends within a year.
    """
    if actor.office is not Role.SUPERVISOR:
        raise ForbiddenError(f"{actor.name} is no supervisor", "ask one to open the case")
    if not now < until <= now + MAX_DAYS * DAY:
        raise InvalidError(f"the case ends at {until}, not within {MAX_DAYS} days", "choose another end")
    return AuditCase(number, salt, actor.name, until)


def approve(case: AuditCase, actor: Actor, now: int) -> AuditCase:
    """Give the case with its second approver, who is not the one that opened it.

    Raises as `advance` does, `ForbiddenError` for the opener, `ConflictError` when its time is over.
    """
    state = advance(CASE, case.id, case.state, Move.APPROVE, actor.office)
    if actor.name == case.opener:
        raise ForbiddenError(
            f"{actor.name} has opened the case", "have another supervisor or the operator approve it"
        )
    if now >= case.until:
        raise ConflictError(f"the time of case {case.id} is over", "open another")
    return replace(case, approver=actor.name, state=state)


def close(case: AuditCase, actor: Actor) -> AuditCase:
    """Give the case closed, by who opened it or by the market; raises as `advance` does."""
    state = advance(CASE, case.id, case.state, Move.CLOSE, actor.office)
    if actor.office is not Role.MARKET and actor.name != case.opener:
        raise ForbiddenError(f"{case.opener} has opened the case", "ask it to close it")
    return replace(case, state=state)


def admit(case: AuditCase, actor: Actor, now: int) -> Actor:
    """Give the supervisor as one who reads under the case.

    Raises `ForbiddenError` unless the actor opened it, `WrongStateError` unless it is approved and not over.
    """
    if actor.name != case.opener or actor.office is not Role.SUPERVISOR:
        raise ForbiddenError(f"case {case.id} is not {actor.name}'s", "read under a case of your own")
    if case.state is not CaseState.APPROVED or now >= case.until:
        over = case.state if now < case.until else "over"
        waits = [Move.APPROVE] if case.state is CaseState.OPENED and now < case.until else []
        raise WrongStateError(f"case {case.id} is {over}, so nothing is read under it", waits)
    return replace(actor, case=case.id)


def require_case(actor: Actor) -> None:
    """Return unless the actor is a supervisor, who reads about contracts under a case; raise `ForbiddenError`.

    Whether there is such a contract is not looked at before.
    """
    if actor.office is Role.SUPERVISOR:
        raise ForbiddenError(
            "a supervisor reads what is about a contract under an approved case",
            "open a case, have it approved, and name it as `case`",
        )
