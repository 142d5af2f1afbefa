"""Deputies: members name who acts for them while they are away."""

import secrets

from audit.entry import EntryKind as Kind
from marketplace.commands.approvals import Staffing
from marketplace.commands.members import require_confirmed
from marketplace.errors import ForbiddenError, missing
from marketplace.flow import deputy as deputising
from marketplace.flow.actor import Principal
from marketplace.flow.deputy import Deputation
from marketplace.flow.notice import Topic
from marketplace.gate import Gate
from marketplace.store import deputies


class Deputies:
    """The commands about deputies."""

    def __init__(self, gate: Gate, staffing: Staffing) -> None:
        self._gate, self._staffing = gate, staffing

    def name(self, actor: Principal, deputy: str, not_before: int, not_after: int) -> Deputation:
        """Have a colleague act for oneself from a time until another: UTC, milliseconds."""
        with self._gate.command("name_deputy", actor, enrolled=False) as step:
            if step.actor.member is None:
                raise ForbiddenError("a deputy acts for a member, and this is a node or a machine", "log in")
            require_confirmed(step)
            staff = self._staffing(step.connection, step.actor.name)
            asked = Deputation(
                f"deputy-{secrets.token_hex(16)}",
                step.actor.name,
                step.actor.member,
                deputy,
                not_before,
                not_after,
            )
            made = deputising.name(asked, staff, step.now)
            deputies.add(step.connection, made)
            step.record(Kind.DEPUTY_NAMED, not_before=not_before, not_after=not_after)
            step.notify(step.actor.name, Topic.DEPUTY_NAMED, made.id, member=deputy, until=not_after)
            return made

    def end(self, actor: Principal, name: str) -> Deputation:
        """End a deputation before its time, as the one who is represented."""
        with self._gate.command("end_deputy", actor, enrolled=False) as step:
            found = deputies.load(step.connection, name)
            if found is None or found.organisation != step.actor.name or step.actor.member is None:
                raise missing("deputy", name)
            if found.member != step.actor.member:
                raise ForbiddenError(f"{found.member} named the deputy", f"ask {found.member} to end it")
            deputies.remove(step.connection, name)
            step.record(Kind.DEPUTY_ENDED, not_after=found.not_after)
            return found

    def all_of(self, actor: str | Principal) -> list[Deputation]:
        """The deputations of the organisation, by their start."""
        with self._gate.query("deputies", actor) as step:
            return deputies.of(step.connection, step.actor.name)
