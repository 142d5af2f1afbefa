"""Approvals within an organisation: started by a command, passed step by step, carried out after the last.

    command by a member → rehearsed → approval, which waits → pass → pass → the command, in the same transaction

The rehearsal carries the command out and takes it back: an office does not work on what would be refused anyway.
What has changed by the end is found out then: if the command is refused, so is the last pass, and the approval
stays at its last step. So it is if its initiator has left the office meanwhile: what nobody there stands for any
more takes no effect, and its holders reject it.
"""

import secrets
from collections.abc import Callable, Mapping

import msgspec
from sqlalchemy import Connection

from audit.entry import EntryKind as Kind
from marketplace.command import COMMANDS, ApprovalStarted, Command
from marketplace.commands import deadlines
from marketplace.commands.kept_arguments import KeptArguments
from marketplace.commands.members import require_confirmed
from marketplace.errors import ConflictError, ForbiddenError, missing
from marketplace.flow import deputy as deputising
from marketplace.flow import office, working_days
from marketplace.flow.actor import Principal
from marketplace.flow.notice import Topic
from marketplace.flow.office import Approval, Staff
from marketplace.flow.office_states import ApprovalMove, ApprovalState
from marketplace.gate import Gate
from marketplace.store import approval_rules, approvals, deputies, members
from marketplace.transaction import Transaction

NOUN = "approval"
Staffing = Callable[[Connection, str], Staff]
"""Gives an organisation's active members with their roles."""
_RECORDED = {
    ApprovalMove.PASS: Kind.APPROVAL_PASSED,
    ApprovalMove.RETURN: Kind.APPROVAL_RETURNED,
    ApprovalMove.REJECT: Kind.APPROVAL_REJECTED,
    ApprovalMove.WITHDRAW: Kind.APPROVAL_WITHDRAWN,
    ApprovalMove.RESUBMIT: Kind.APPROVAL_STARTED,
}


class Approvals:
    """The commands about approvals, behind the gate whose commands they come before."""

    def __init__(self, gate: Gate, staffing: Staffing, kept: KeptArguments) -> None:
        self._gate, self._staffing, self._kept = gate, staffing, kept
        self._methods: Mapping[str, Callable[..., object]] = {}

    def serve(self, methods: Mapping[str, Callable[..., object]]) -> None:
        """Come before these commands from now on; raise ValueError unless they are all that can be kept."""
        if absent := sorted(COMMANDS.keys() - methods.keys()):
            raise ValueError(f"nobody carries out {', '.join(absent)}")
        self._methods = dict(methods)
        self._gate.office = self

    # --- the commands of others -------------------------------------------------------------------------------

    def intercept(self, command: Command, actor: str | Principal, arguments: msgspec.Struct) -> None:
        """Return if the command goes on: its organisation has no steps, or lets its node act without them.

        Raises `ApprovalStarted` for a member, once its command waits; `ConflictError` for a node that has to leave
        it to the members, and for every machine's key; and what the command itself would raise.
        """
        who = Principal(actor) if isinstance(actor, str) else actor
        with self._gate.reading() as connection:
            rule = approval_rules.load(connection, who.organisation, command.matter)
        if rule is None:
            return
        if who.member is None:
            if rule.node and who.key is None:  # a key is its issuer's, whom the steps are for
                return
            with self._gate.refusing(command.name, actor):
                raise ConflictError(
                    f"{who.organisation} has steps of its own for {command.matter}, and no member starts them",
                    "have a member send this, or have the administrator allow the node to act alone",
                )
        with self._gate.command("start_approval", who, enrolled=False) as step:
            started = self._start(step, command, arguments, who.member, rule)
        raise ApprovalStarted(started)

    def _start(
        self, step: Transaction, command: Command, arguments: msgspec.Struct, member: str, rule: office.Rule
    ) -> Approval:
        organisation, about = step.actor.name, command.about(arguments)
        require_confirmed(step)
        held = approvals.open_one(step.connection, organisation, command.name, about)
        if held is not None and held.state is not ApprovalState.RETURNED:
            raise office.open_conflict(held)
        if held is not None:
            kept = self._kept.seal(held.id, command, arguments)
            return self._store(step, held, office.resubmit(held, member, step.now, arguments=kept))
        name = f"approval-{secrets.token_hex(16)}"
        asked = Approval(
            id=name,
            organisation=organisation,
            matter=command.matter,
            command=command.name,
            about=about,
            arguments=self._kept.seal(name, command, arguments),
            initiator=member,
            steps=rule.steps,
        )
        made = office.start(asked, self._staff(step), step.now)
        self._rehearse(step, made)
        approvals.add(step.connection, made, step.now)
        step.record(Kind.APPROVAL_STARTED, process=made.id, matter=made.matter.value, round=made.round)
        self._await(step, made)
        return made

    # --- what members do --------------------------------------------------------------------------------------

    def pass_step(
        self, actor: Principal, name: str, text: str | None = None, on_behalf_of: str | None = None
    ) -> Approval:
        """Pass the present step; with the last one the command is carried out, or nothing is done at all."""
        return self._decide("pass_approval", ApprovalMove.PASS, actor, name, text, on_behalf_of)

    def return_for_correction(
        self, actor: Principal, name: str, text: str | None = None, on_behalf_of: str | None = None
    ) -> Approval:
        """Return it to its initiator, for correction."""
        return self._decide("return_approval", ApprovalMove.RETURN, actor, name, text, on_behalf_of)

    def reject(
        self, actor: Principal, name: str, text: str | None = None, on_behalf_of: str | None = None
    ) -> Approval:
        """End it: the organisation does not act."""
        return self._decide("reject_approval", ApprovalMove.REJECT, actor, name, text, on_behalf_of)

    def withdraw(self, actor: Principal, name: str, text: str | None = None) -> Approval:
        """Take it back, as its initiator."""
        with self._gate.command("withdraw_approval", actor, enrolled=False) as step:
            old = self._own(step, name)
            return self._store(step, old, office.withdraw(old, self._member(step), step.now, text))

    def resubmit(self, actor: Principal, name: str, text: str | None = None) -> Approval:
        """Submit a returned one again as it is, as its initiator; the command sent again does it with changes."""
        with self._gate.command("resubmit_approval", actor, enrolled=False) as step:
            old = self._own(step, name)
            require_confirmed(step)
            return self._store(step, old, office.resubmit(old, self._member(step), step.now, text))

    def load(self, actor: str | Principal, name: str) -> Approval:
        """One approval, for the organisation itself."""
        with self._gate.query("approval", actor) as step:
            return self._own(step, name)

    def page(
        self,
        actor: str | Principal,
        behind: tuple[int, str] | None,
        limit: int,
        state: ApprovalState | None = None,
    ) -> list[tuple[int, Approval, frozenset[str]]]:
        """The organisation's own approvals, newest first: its start, itself, and whom it waits for."""
        with self._gate.query("approvals", actor) as step:
            staff = self._staff(step)
            found = approvals.page(step.connection, step.actor.name, behind, limit, state)
            return [(at, each, office.waits_for(each, staff)) for at, each in found]

    def waiting(self, actor: str | Principal, approval: Approval) -> frozenset[str]:
        """Whom an approval waits for."""
        with self._gate.query("approval", actor) as step:
            return office.waits_for(approval, self._staff(step))

    # --- shared steps -----------------------------------------------------------------------------------------

    def _decide(
        self,
        command: str,
        move: ApprovalMove,
        actor: Principal,
        name: str,
        text: str | None,
        on_behalf_of: str | None,
    ) -> Approval:
        with self._gate.command(command, actor, enrolled=False) as step:
            old, member, staff = self._own(step, name), self._member(step), self._staff(step)
            require_confirmed(step)
            if move is ApprovalMove.PASS:
                office.require_initiator(old, staff, is_unconfirmed=self._unconfirmed(step, old))
            named = deputies.of(step.connection, old.organisation, member)
            represented = deputising.represented_by(member, named, staff, step.now)
            new = office.decide(
                old, move, member, staff, represented, now=step.now, text=text, on_behalf_of=on_behalf_of
            )
            self._store(step, old, new)
            if new.is_complete:
                self._carry_out(step, new)
                step.record(Kind.APPROVAL_COMPLETED, process=new.id, matter=new.matter.value)
            return new

    def _store(self, step: Transaction, old: Approval, new: Approval) -> Approval:
        approvals.move(step.connection, old, new)
        move = new.history[-1].move
        if move is ApprovalMove.RESUBMIT:
            self._rehearse(step, new)
        step.record(_RECORDED[move], process=new.id, matter=new.matter.value, step=old.step, round=new.round)
        if (new.state, new.step, new.round) != (old.state, old.step, old.round):  # not while a joint step goes on
            self._await(step, new)
        return new

    def _await(self, step: Transaction, approval: Approval) -> None:
        """Tell whoever it waits for now, and by when; of what is over, its initiator."""
        organisation, matter = approval.organisation, approval.matter.value
        deadlines.clear(step, NOUN, approval.id)
        if approval.state is ApprovalState.RUNNING:
            due = working_days.due(step.now, approval.present.working_days)
            role = None if approval.present.role is None else approval.present.role.value
            deadlines.set(step, NOUN, approval.id, organisation, due, role=role or "leader")
            for member in sorted(office.waits_for(approval, self._staff(step))):
                step.notify(
                    organisation, Topic.APPROVAL_WAITING, approval.id, member=member, matter=matter, due=due
                )
        elif approval.history[-1].member != approval.initiator:
            state = approval.state.value
            step.notify(
                organisation,
                Topic.APPROVAL_DECIDED,
                approval.id,
                member=approval.initiator,
                matter=matter,
                state=state,
            )

    def _rehearse(self, step: Transaction, approval: Approval) -> None:
        """Carry the command out and take it back; raise what it raises."""
        if step.batch is None:
            raise RuntimeError("a rehearsal needs a transaction that writes")
        mark, savepoint = step.batch.mark(), step.connection.begin_nested()
        try:
            self._carry_out(step, approval)
        finally:
            savepoint.rollback()
            step.batch.undo(mark)

    def _carry_out(self, step: Transaction, approval: Approval) -> None:
        method, arguments = self._methods[approval.command], self._kept.open(approval)
        with self._gate.joined(step):
            method(Principal(approval.organisation), **arguments)

    def _own(self, step: Transaction, name: str) -> Approval:
        found = approvals.load(step.connection, name)
        if found is None or found.organisation != step.actor.name:
            raise missing(NOUN, name)
        return found

    def _staff(self, step: Transaction) -> Staff:
        return self._staffing(step.connection, step.actor.name)

    def _unconfirmed(self, step: Transaction, approval: Approval) -> bool:
        return not members.is_confirmed(step.connection, approval.organisation, approval.initiator)

    def _member(self, step: Transaction) -> str:
        if step.actor.member is None:
            raise ForbiddenError(
                "steps are passed by members, and this is a node or a machine", "log in as a member"
            )
        return step.actor.member
