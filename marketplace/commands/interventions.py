"""Interventions: the operator completes an organisation's records, or gives it an administrator, two by two.

Who may be hurt by it is told before it is done: organisation and supervisors, at once when it is proposed.
"""

import secrets

from audit.entry import EntryKind as Kind
from compute.market.interventions import AdministratorProposal, ProfileProposal
from compute.market.organisations import OrganisationProfile
from compute.records import PartyKind
from marketplace.commands import deadlines
from marketplace.commands.members import Members, require_confirmed
from marketplace.errors import StaleError, missing
from marketplace.flow import intervention as intervening
from marketplace.flow import organisation as entering
from marketplace.flow import working_days
from marketplace.flow.actor import Principal
from marketplace.flow.event import MOVED
from marketplace.flow.intervention import INTERVENTION, Intervention, Proposal
from marketplace.flow.member import MemberState
from marketplace.flow.notice import Notice, Topic
from marketplace.flow.organisation import Organisation
from marketplace.flow.permission import AccessRole
from marketplace.flow.states import Move, Role
from marketplace.gate import Gate, Setting
from marketplace.revision import revision_of
from marketplace.store import interventions, members, organisations
from marketplace.transaction import Transaction

NOUN = INTERVENTION.noun


class Interventions:
    """The commands about interventions, behind the exchange's gate."""

    def __init__(self, gate: Gate, setting: Setting, people: Members) -> None:
        self._gate, self._setting, self._people = gate, setting, people

    def complete(
        self, actor: str | Principal, name: str, profile: OrganisationProfile, evidence: str, revision: str
    ) -> Intervention:
        """Propose what an organisation of before is; `revision` is the one that was read, `evidence` a SHA-256."""
        proposal = ProfileProposal(profile=profile, evidence=evidence)
        return self._propose("propose_completion", actor, name, proposal, revision)

    def readminister(self, actor: str | Principal, name: str, proposal: AdministratorProposal) -> Intervention:
        """Propose who is to be administrator of an organisation that has lost its own."""
        return self._propose("propose_administrator", actor, name, proposal, None)

    def confirm(self, actor: str | Principal, name: str, revision: str) -> Intervention:
        """Confirm as another member of the operator, by the `revision` that was read: it is carried out."""
        with self._gate.command("confirm_intervention", actor) as step:
            require_confirmed(step)
            old = self._found(step, name)
            if revision != revision_of(old):
                raise StaleError(f"{name} has changed since you read it", "read it again, then confirm it")
            organisation = self._organisation(step, old.organisation)
            new = intervening.confirm(
                old, organisation, step.actor, stands=self._stands(step, old.proposer), now=step.now
            )
            interventions.decide(step.connection, old, new)
            self._carry_out(step, organisation, new.proposal)
            self._decided(step, new, Move.CONFIRM)
            return new

    def reject(self, actor: str | Principal, name: str, opinion: str) -> Intervention:
        """Take it back as the operator, or object as an administrator of the organisation."""
        with self._gate.command("reject_intervention", actor, suspended_too=True, enrolled=False) as step:
            old = self._found(step, name)
            new = intervening.reject(old, step.actor, opinion, step.now)
            interventions.decide(step.connection, old, new)
            self._decided(step, new, Move.REJECT)
            return new

    def load(self, actor: str | Principal, name: str) -> Intervention:
        """One proposal: for the organisation, the operator and supervisors."""
        with self._gate.query(NOUN, actor, suspended_too=True) as step:
            return self._found(step, name)

    def page(self, actor: str | Principal, behind: tuple[int, str] | None, limit: int) -> list[Intervention]:
        """Proposals, the newest first: about one's own organisation, to the operator and supervisors all."""
        with self._gate.query("interventions", actor, suspended_too=True) as step:
            sees_all = step.actor.office in {Role.OPERATOR, Role.SUPERVISOR}
            return interventions.page(step.connection, None if sees_all else step.actor.name, behind, limit)

    # --- shared steps -----------------------------------------------------------------------------------------

    def _propose(
        self, command: str, actor: str | Principal, name: str, proposal: Proposal, revision: str | None
    ) -> Intervention:
        with self._gate.command(command, actor) as step:
            require_confirmed(step)
            organisation = self._organisation(step, name)
            if revision is not None:
                organisation.require(revision)
            made = intervening.propose(
                f"intervention-{secrets.token_hex(16)}",
                organisation,
                proposal,
                step.actor,
                self._setting.operator,
                administrators=sum(each.administers for each in members.active(step.connection, name)),
                now=step.now,
            )
            interventions.add(step.connection, made)
            due = working_days.due(made.not_before, intervening.CONFIRMATION_DAYS)
            operator, reviewer = self._setting.operator, AccessRole.OPERATOR_REVIEWER.value
            deadlines.set(step, NOUN, made.id, operator, due, role=reviewer)
            self._record(step, Kind.INTERVENTION_PROPOSED, made)
            self._tell(step, made, Topic.INTERVENTION_PROPOSED, until=made.not_before)
            step.notify(operator, Topic.INTERVENTION_PROPOSED, made.id, role=reviewer, whom=name, until=due)
            return made

    def _carry_out(self, step: Transaction, organisation: Organisation, proposal: Proposal) -> None:
        if isinstance(proposal, AdministratorProposal):
            role, name = AccessRole.ADMINISTRATOR, organisation.name
            self._people.expect(step, name, proposal.login, proposal.name, role, proposal.invitation)
            return
        new = entering.complete(organisation, proposal.profile)
        entering.require_unlike(new, organisations.of_code(step.connection, new.profile.code))
        organisations.replace(step.connection, organisation, new)

    def _decided(self, step: Transaction, new: Intervention, move: Move) -> None:
        deadlines.clear(step, NOUN, new.id)
        self._record(step, MOVED[NOUN, move], new)
        self._tell(step, new, Topic.INTERVENTION_DECIDED, state=new.state.value)
        step.notify(
            self._setting.operator,
            Topic.INTERVENTION_DECIDED,
            new.id,
            member=new.proposer,
            whom=new.organisation,
            state=new.state.value,
        )

    def _record(self, step: Transaction, kind: Kind, of: Intervention) -> None:
        detail = {"matter": of.matter.value, "reason": of.reason, "evidence": of.evidence}
        step.record(kind, counterparty=of.organisation, intervention=of.id, **detail)

    def _tell(self, step: Transaction, of: Intervention, topic: Topic, **data: str | int) -> None:
        """Tell the organisation and every supervisor."""
        told: dict[str, str | int] = {"whom": of.organisation, **data}
        supervisors = organisations.admitted(step.connection, PartyKind.SUPERVISOR)
        for name in dict.fromkeys((of.organisation, *supervisors)):
            step.told(Notice(name, topic, of.id, step.now, data=told))

    def _found(self, step: Transaction, name: str) -> Intervention:
        found = interventions.load(step.connection, name)
        if found is None or not intervening.is_visible(found, step.actor):
            raise missing(NOUN, name)
        return found

    def _organisation(self, step: Transaction, name: str) -> Organisation:
        found = organisations.load(step.connection, name)
        if found is None or (step.actor.office is not Role.OPERATOR and not found.is_in):
            raise missing("organisation", name)
        return found

    def _stands(self, step: Transaction, member: str) -> bool:
        found = members.load(step.connection, self._setting.operator, member)
        return found is not None and found.state is MemberState.ACTIVE and found.is_confirmed
