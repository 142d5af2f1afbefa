"""A model under review: who decided what, by four eyes; pure rules over one frozen value.

Once a case is decided, whichever way, its opening is erased; what stays is what :class:`Case` holds.
"""

from collections.abc import Callable, Iterable
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from compute.canonical import Bytes32, Message, Milliseconds, Name, Version
from compute.protocols.risk_score.assessment import Assessment
from compute.protocols.risk_score.case_states import (
    UNDECIDED,
    Actor,
    FourEyesError,
    ModelCaseState,
    Move,
    RefusalCode,
    WrongCaseStateError,
    advance,
)
from compute.protocols.risk_score.comparison import FeatureMark
from compute.protocols.risk_score.dossier import Line
from compute.protocols.risk_score.messages import ModelApproval, Withdrawal
from compute.signing import Signed, digest

CaseId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z", description="32 hexadecimal digits in lower case")]
Reason = Line
"""An examiner's own words: for reviewer and bank, in no log."""
Sign = Callable[[ModelApproval], Signed[ModelApproval]]


class Step(Message, frozen=True):
    """A move that was made with a case."""

    move: Move
    actor: Actor
    examiner: Name | None
    at: Milliseconds
    code: RefusalCode | None = None
    reason: Reason | None = None


class Reading(Message, frozen=True):
    """That a member of the staff looked at the opened model, and how often: at all of it, or at what differs."""

    examiner: Name
    first: Milliseconds
    last: Milliseconds
    times: Annotated[int, Meta(ge=0)]
    """At the case itself."""
    compared: Annotated[int, Meta(ge=0)] = 0
    """At another case, which was compared with this one."""


class Case(Message, frozen=True):
    """A case without the opening: what the reviewer keeps of a model for good."""

    case: CaseId
    submission: Bytes32
    """The digest of the submission; the submission itself is not kept."""
    bank: Name
    model: Name
    model_version: Version
    state: ModelCaseState
    opened_at: Milliseconds
    lapses_at: Milliseconds
    draft: ModelApproval
    """What is signed once the case is approved, but for its expiry."""
    assessment: Assessment
    marks: tuple[FeatureMark, ...]
    """What later versions are compared with."""
    steps: tuple[Step, ...] = ()
    readings: tuple[Reading, ...] = ()
    approval: Signed[ModelApproval] | None = None
    withdrawal: Signed[Withdrawal] | None = None

    @property
    def approvers(self) -> tuple[str, ...]:
        """The examiners who approved it, in order."""
        approving = (step for step in self.steps if step.move in {Move.APPROVE, Move.GRANT})
        return tuple(step.examiner for step in approving if step.examiner is not None)

    @property
    def due(self) -> int | None:
        """When the clock moves the case on, if nobody does before."""
        if self.state in UNDECIDED:
            return self.lapses_at
        if self.state is ModelCaseState.APPROVED and self.approval is not None:
            return self.approval.statement.expires
        return None

    def last(self, move: Move) -> Step | None:
        """Give the latest step that was this move."""
        return next((step for step in reversed(self.steps) if step.move is move), None)


def aged(case: Case, now: int) -> Case:
    """Give the case as the clock has it: lapsed or expired, once it is due."""
    if case.due is None or now < case.due:
        return case
    move = Move.LAPSE if case.state in UNDECIDED else Move.EXPIRE
    return _moved(case, Step(move=move, actor=Actor.CLOCK, examiner=None, at=case.due))


def read(case: Case, examiner: str, now: int, *, whole: bool = True) -> Case:
    """Give the case with one more look at its opened model; not ``whole`` where it was only compared."""
    readings = {reading.examiner: reading for reading in case.readings}
    known = readings.get(examiner) or Reading(examiner=examiner, first=now, last=now, times=0)
    times, compared = known.times + whole, known.compared + (not whole)
    readings[examiner] = replace(known, last=now, times=times, compared=compared)
    return replace(case, readings=tuple(readings.values()))


def approve(case: Case, examiner: str, needed: int, now: int, expires: int, sign: Sign) -> Case:
    """Give the case with an examiner's approval; with as many as are `needed` it is signed, until `expires`.

    Raises :class:`CaseError`.

    1. The case is open.
    2. The examiner has read the opened model, and not only what of it differs from another.
    3. The examiner has not approved it before: two pairs of eyes are two people.
    """
    grants = len(case.approvers) + 1 >= needed
    step = Step(move=Move.GRANT if grants else Move.APPROVE, actor=Actor.EXAMINER, examiner=examiner, at=now)
    moved = _moved(case, step)  # 1
    if not any(reading.examiner == examiner and reading.times for reading in case.readings):  # 2
        raise FourEyesError(f"{examiner} has not read case {case.case}; read it, then decide")
    if examiner in case.approvers:  # 3
        raise FourEyesError(f"{examiner} has approved case {case.case} already; another examiner has to")
    return replace(moved, approval=sign(replace(case.draft, expires=expires))) if grants else moved


def grant_by_rule(case: Case, standing: Case, now: int, expires: int, sign: Sign) -> Case:
    """Give a new case approved without examiners, as it tells nothing that a `standing` one does not.

    It expires no later than that, and names it.
    """
    if standing.approval is None:
        raise WrongCaseStateError(f"case {standing.case} has no approval to rest on; review case {case.case}")
    base = standing.approval.statement
    moved = _moved(case, Step(move=Move.GRANT, actor=Actor.RULE, examiner=None, at=now))
    draft = replace(case.draft, expires=min(expires, base.expires), rests_on=digest(base))
    return replace(moved, draft=draft, approval=sign(draft))


def refuse(case: Case, examiner: str, code: RefusalCode, reason: str, now: int) -> Case:
    """Give the case refused for good; any one examiner may. Raises :class:`CaseError`."""
    step = Step(move=Move.REFUSE, actor=Actor.EXAMINER, examiner=examiner, at=now, code=code, reason=reason)
    return _moved(case, step)


def withdraw(case: Case, examiner: str | None, reason: str, now: int, withdrawal: Signed[Withdrawal]) -> Case:
    """Give the case with its approval taken back for good; without an examiner, by rule, with what it rests on.

    Raises :class:`CaseError`.
    """
    actor = Actor.RULE if examiner is None else Actor.EXAMINER
    step = Step(move=Move.WITHDRAW, actor=actor, examiner=examiner, at=now, reason=reason)
    return replace(_moved(case, step), withdrawal=withdrawal)


def rests_on(draft: ModelApproval, standing: Case, now: int) -> bool:
    """Whether a new model is one that was examined and approved before, for as long as that stands.

    1. The approval is in force, and was given by examiners: none rests on one that rests on another.
    2. It is the same bank's, for the same purpose, over the same products in any version.
    3. Both models have one `points_id`: whoever has a score of the one learns nothing from the other's.
    """
    if aged(standing, now).state is not ModelCaseState.APPROVED or standing.approval is None:  # 1
        return False
    base = standing.approval.statement
    products = [[(part.provider, part.product) for part in each.tables] for each in (draft, base)]
    return (
        base.rests_on is None  # 1
        and (base.bank, base.purpose) == (draft.bank, draft.purpose)  # 2
        and products[0] == products[1]
        and base.points_id == draft.points_id  # 3
    )


def resting_on(standing: Case, approved: Iterable[Case]) -> int:
    """Give how many of these cases rest on the standing one."""
    if standing.approval is None:
        return 0
    base = digest(standing.approval.statement)
    return sum(case.draft.rests_on == base for case in approved)


def _moved(case: Case, step: Step) -> Case:
    state = advance(case.case, case.state, step.move, step.actor)
    return replace(case, state=state, steps=(*case.steps, step))
