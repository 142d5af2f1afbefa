"""How an office decides: steps one after the other (经办 → 科长 → 分管领导), before the organisation acts outside.

Whoever gives a command that its organisation has steps for starts an approval instead. Each step's holders pass
it, return it for correction (退回补正) or reject it (驳回); when the last has passed, the marketplace carries the
command out in the organisation's name. A step is single, done by any of its holders, or joint (会签), by all.

The steps are kept with the approval: who changes an organisation's rules changes those of later approvals.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from marketplace.errors import ConflictError, ForbiddenError, InvalidError
from marketplace.flow import office_states as states
from marketplace.flow.office_states import ApprovalMove, ApprovalState, Part

Staff = Mapping[str, frozenset[str]]
"""The active members of one organisation by their ids, each with the roles that it has."""

MAX_STEPS = 8
_HANDLERS = frozenset({"handler", "operator_clerk"})
"""Whose step the initiator may pass: it is their own."""
_OPINION_NEEDED = frozenset({ApprovalMove.RETURN, ApprovalMove.REJECT})


class OfficeRole(StrEnum):
    """The roles that a step may name, in rising order; of the operator's own office the last two."""

    HANDLER = "handler"
    SECTION_CHIEF = "section_chief"
    LEADER = "leader"
    OPERATOR_CLERK = "operator_clerk"
    OPERATOR_REVIEWER = "operator_reviewer"


_OFFICES = frozenset(role.value for role in OfficeRole)


class Matter(StrEnum):
    """What an organisation may have steps for."""

    APPLICATION_SUBMIT = "application_submit"
    APPLICATION_APPROVE = "application_approve"
    APPLICATION_REJECT = "application_reject"
    PRODUCT_SUBMIT = "product_submit"
    PRODUCT_WITHDRAW = "product_withdraw"
    CONTRACT_SIGN_READY = "contract_sign_ready"
    CONTRACT_END = "contract_end"
    DEMAND_POST = "demand_post"
    DEMAND_ANSWER = "demand_answer"
    STATEMENT_CONFIRM = "statement_confirm"


@dataclass(frozen=True)
class StepRule:
    """One step: held by all who have `role`, or by the `members` named."""

    role: OfficeRole | None
    members: tuple[str, ...]
    joint: bool
    """Whether all of its holders must pass it, or any one."""
    working_days: int

    def holders(self, staff: Staff) -> frozenset[str]:
        """Give who holds the step now: members that have left hold nothing."""
        if self.role is None:
            return frozenset(staff.keys() & set(self.members))
        return frozenset(member for member, roles in staff.items() if self.role.value in roles)


@dataclass(frozen=True)
class Rule:
    """An organisation's steps for one matter; `node` says whether its node may act alone."""

    matter: Matter
    steps: tuple[StepRule, ...]
    node: bool = False


@dataclass(frozen=True)
class Opinion:
    """What one member did, for itself or for another, and said."""

    round: int
    step: int
    move: ApprovalMove
    member: str
    on_behalf_of: str | None
    """The member whose deputy it was."""
    text: str | None
    at: int
    """UTC, milliseconds since 1970-01-01."""

    @property
    def people(self) -> frozenset[str]:
        """Who stands behind it: the member, and for whom it acted."""
        return frozenset({self.member} | ({self.on_behalf_of} if self.on_behalf_of is not None else set()))


@dataclass(frozen=True)
class Approval:
    """A command that waits for an organisation's own steps."""

    id: str
    organisation: str
    matter: Matter
    command: str
    about: str
    """The name of what the command is about."""
    arguments: bytes
    """The command's arguments, sealed."""
    initiator: str
    steps: tuple[StepRule, ...]
    state: ApprovalState = ApprovalState.RUNNING
    step: int = 0
    """The number of the step it waits at, from 0."""
    round: int = 1
    """How often it was submitted."""
    history: tuple[Opinion, ...] = field(default=())

    @property
    def present(self) -> StepRule:
        """The step it waits at, or waited at last."""
        return self.steps[self.step]

    @property
    def passed(self) -> tuple[Opinion, ...]:
        """The passes of this round."""
        return tuple(each for each in self.history if each.round == self.round and each.move is ApprovalMove.PASS)

    def holders(self, staff: Staff) -> frozenset[str]:
        """Give who may pass the present step, or has: neither who passed another step nor its initiator."""
        return _may_pass(self.present, self.initiator, staff) - self._earlier

    @property
    def _earlier(self) -> frozenset[str]:
        return frozenset(who for each in self.passed if each.step != self.step for who in each.people)

    @property
    def is_complete(self) -> bool:
        """Whether every step is passed, so that the command is carried out."""
        return self.state is ApprovalState.COMPLETED


def check_rule(rule: Rule, staff: Staff) -> Rule:
    """Give the rule if it can be followed; raise `InvalidError`, naming the step, if nobody ever could.

    1. Each step names a role or members, not both, and at most `MAX_STEPS` stand in a rule.
    2. The members named are active ones, each once.
    3. Different people can pass all steps: nobody has to pass two of them.
    """
    if len(rule.steps) > MAX_STEPS:  # 1
        raise InvalidError(f"{len(rule.steps)} steps", f"take {MAX_STEPS} at most", {"steps": "Too many."})
    for number, step in enumerate(rule.steps):
        place = f"steps.{number}"
        if (step.role is None) == (not step.members):  # 1
            raise InvalidError(
                f"step {number + 1} names {'nobody' if step.role is None else 'a role and members'}",
                "name a role, or members",
                {place: "Name either a role or members."},
            )
        if unknown := sorted(set(step.members) - staff.keys()):  # 2
            raise InvalidError(
                f"step {number + 1} names {', '.join(unknown)}, no active member",
                "name active members",
                {f"{place}.members": "Not an active member."},
            )
        if len(set(step.members)) < len(step.members):  # 2
            raise InvalidError(
                f"step {number + 1} names a member twice",
                "name each once",
                {f"{place}.members": "Twice the same."},
            )
    stuck = _first_stuck([(step.holders(staff), step.joint) for step in rule.steps])
    if stuck is not None:  # 3
        raise InvalidError(
            f"step {stuck + 1} has nobody who has not to pass another step",
            "give the role to another member, or name other members",
            {f"steps.{stuck}": "Nobody is left for it: nobody passes two steps."},
        )
    return rule


def start(approval: Approval, staff: Staff, now: int, text: str | None = None) -> Approval:
    """Give the approval with its first opinion: that its initiator has started it.

    Raises `ConflictError` if nobody is left for a step: of the handlers' own only may the initiator pass one.
    """
    stuck = _first_stuck([(_may_pass(step, approval.initiator, staff), step.joint) for step in approval.steps])
    if stuck is not None:
        raise ConflictError(
            f"nobody but {approval.initiator} could pass step {stuck + 1} of {approval.matter}",
            "have another member start it, or the administrator change the steps",
        )
    opinion = Opinion(1, 0, ApprovalMove.START, approval.initiator, None, text, now)
    return replace(approval, history=(opinion,))


def decide(
    approval: Approval,
    move: ApprovalMove,
    member: str,
    staff: Staff,
    represented: Collection[str],
    *,
    now: int,
    text: str | None = None,
    on_behalf_of: str | None = None,
) -> Approval:
    """Give the approval after a holder passed, returned or rejected its present step.

    `represented` are the members whose deputy `member` is now; `on_behalf_of` says for which of them it acts, if
    it could be several.

    1. The state has the move.
    2. The member, or one whose deputy it is, holds the step and has not passed it yet. Four eyes: who has passed
       another step of this round holds none, nor does the initiator, except the handlers' own.
    3. Nor may any of these do it as another's deputy; and in a joint step one person passes for one holder.
    4. A return and a rejection say why.

    Raises `WrongStateError`, `ForbiddenError`, `InvalidError`.
    """
    state, part = states.following(approval.id, approval.state, move)  # 1
    if part is not Part.HOLDER:
        raise ValueError(f"{move} is not for a step's holder")
    principal = _acts_for(approval, member, staff, represented, on_behalf_of)  # 2
    opinion = Opinion(
        approval.round, approval.step, move, member, None if principal == member else principal, text, now
    )
    if move is ApprovalMove.PASS:
        _require_four_eyes(approval, opinion)  # 3
    if move in _OPINION_NEEDED and text is None:  # 4
        raise InvalidError(f"to {move} it takes an opinion", "say why", {"opinion": "Say why."})
    noted = replace(approval, state=state, history=(*approval.history, opinion))
    if move is not ApprovalMove.PASS or not _is_passed(noted, staff):
        return noted
    if noted.step + 1 < len(noted.steps):
        return replace(noted, step=noted.step + 1)
    return replace(noted, state=ApprovalState.COMPLETED)


def require_initiator(approval: Approval, staff: Staff, *, is_unconfirmed: bool) -> None:
    """Return if somebody still stands for what is passed: its initiator, in the office and confirmed.

    Raises `ConflictError`: who was removed, or has no office any more, or whose account somebody else may have,
    has nothing done in the organisation's name. The holders of the step can return or reject it.
    """
    if staff.keys().isdisjoint({approval.initiator}) or staff[approval.initiator].isdisjoint(_OFFICES):
        problem = f"{approval.initiator}, who has started {approval.id}, is in this office no more"
    elif is_unconfirmed:
        problem = f"the account of {approval.initiator}, who has started {approval.id}, waits for a confirmation"
    else:
        return
    raise ConflictError(problem, "have that put right, or reject it and have somebody start it anew")


def withdraw(approval: Approval, member: str, now: int, text: str | None = None) -> Approval:
    """Give the approval taken back by its initiator; raises `WrongStateError`, `ForbiddenError` for others."""
    return _by_initiator(approval, ApprovalMove.WITHDRAW, member, now, text)


def resubmit(
    approval: Approval, member: str, now: int, text: str | None = None, arguments: bytes | None = None
) -> Approval:
    """Give the returned approval at its first step again, with other arguments of the command if there are any.

    Raises `WrongStateError`, `ForbiddenError` for anybody but its initiator.
    """
    again = _by_initiator(approval, ApprovalMove.RESUBMIT, member, now, text)
    return replace(again, step=0, round=approval.round + 1, arguments=arguments or approval.arguments)


def waits_for(approval: Approval, staff: Staff) -> frozenset[str]:
    """Give the members whom it waits for now, deputies aside; of a single step those who could pass it."""
    if approval.state is ApprovalState.RETURNED:
        return frozenset({approval.initiator} & staff.keys())
    if approval.state is not ApprovalState.RUNNING:
        return frozenset()
    return approval.holders(staff) - _principals(approval)


def _by_initiator(approval: Approval, move: ApprovalMove, member: str, now: int, text: str | None) -> Approval:
    state, _ = states.following(approval.id, approval.state, move)
    if member != approval.initiator:
        raise ForbiddenError(
            f"{approval.initiator} has started {approval.id}", f"ask {approval.initiator} to {move} it"
        )
    opinion = Opinion(approval.round, approval.step, move, member, None, text, now)
    return replace(approval, state=state, history=(*approval.history, opinion))


def _acts_for(
    approval: Approval, member: str, staff: Staff, represented: Collection[str], on_behalf_of: str | None
) -> str:
    """Give as whom the member acts at the present step: itself, or one whose deputy it is."""
    waiting = approval.holders(staff) - _principals(approval)
    if on_behalf_of is not None:
        if on_behalf_of in waiting and on_behalf_of in represented:
            return on_behalf_of
        raise ForbiddenError(
            f"{on_behalf_of:.64} does not hold this step, or you are not the deputy", "act for who named you"
        )
    if member in waiting:
        return member
    match sorted(waiting & set(represented)):
        case [principal]:
            return principal
        case []:
            who = ", ".join(sorted(waiting)) or "nobody now"
            raise ForbiddenError(f"{approval.id} waits for {who}, not for you", "wait, or have them name a deputy")
        case several:
            raise InvalidError(
                f"you are the deputy of {', '.join(several)}",
                "say for whom you act",
                {"on_behalf_of": "Say for whom."},
            )


def _require_four_eyes(approval: Approval, opinion: Opinion) -> None:
    """Raise `ForbiddenError` for a deputy who has started it or passed already, by itself or for another."""
    started = set() if approval.present.role in _HANDLERS else {approval.initiator}
    here = {each.member for each in approval.passed if each.step == approval.step}
    earlier = {who for each in approval.passed if each.step != approval.step for who in each.people}
    if again := sorted(opinion.people & (earlier | started) | {opinion.member} & here):
        raise ForbiddenError(
            f"{', '.join(again)} has started {approval.id} or passed a step of it already",
            "have somebody else pass this step",
        )


def _principals(approval: Approval) -> frozenset[str]:
    """Give those for whom the present step is passed."""
    return frozenset(each.on_behalf_of or each.member for each in approval.passed if each.step == approval.step)


def _is_passed(approval: Approval, staff: Staff) -> bool:
    done = _principals(approval)
    return approval.holders(staff) <= done if approval.present.joint else bool(done)


def _may_pass(step: StepRule, initiator: str, staff: Staff) -> frozenset[str]:
    return step.holders(staff) - (frozenset() if step.role in _HANDLERS else {initiator})


def _first_stuck(steps: Sequence[tuple[frozenset[str], bool]]) -> int | None:
    """Give the first step for which nobody is left, however people are chosen, if there is one.

    A joint step takes all of its holders. Single ones are matched to the others by augmenting paths (Kuhn's
    algorithm for bipartite matching).
    """
    taken: set[str] = set()
    for number, (holders, joint) in enumerate(steps):
        if joint and (not holders or holders & taken):
            return number
        if joint:
            taken |= holders
    chosen: dict[str, int] = {}

    def place(number: int, seen: set[str]) -> bool:
        for member in sorted(steps[number][0] - taken - seen):
            seen.add(member)
            if member not in chosen or place(chosen[member], seen):
                chosen[member] = number
                return True
        return False

    for number, (_, joint) in enumerate(steps):
        if not joint and not place(number, set()):
            return number
    return None


def open_conflict(approval: Approval) -> ConflictError:
    """Give the error for whoever starts what is started already."""
    return ConflictError(
        f"{approval.id} about {approval.about} is {approval.state} already",
        "follow it, or have its initiator withdraw it",
    )
