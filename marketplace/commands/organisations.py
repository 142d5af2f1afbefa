"""Organisations: they apply, accept the entry agreement, are reviewed by the operator, and can be stopped.

Who applies is nobody yet: a token, shown once, is how the application is followed, corrected, and in the end
turned into the first account. The log names an application by the hash of that token until it is admitted: its
name is a stranger's text, and the log is public and for ever.
"""

import hmac
from collections.abc import Iterable, Sequence

from audit.entry import EntryKind as Kind
from compute.at_rest import AtRest
from compute.market.organisations import Desk, OrganisationProfile
from marketplace.commands.members import Invited, Members, require_confirmed
from marketplace.credentials import digest, new_halves
from marketplace.errors import ConflictError, ForbiddenError, missing
from marketplace.flow import agreement as agreeing
from marketplace.flow import organisation as entering
from marketplace.flow.actor import Principal
from marketplace.flow.event import MOVED
from marketplace.flow.notice import Topic
from marketplace.flow.organisation import Organisation
from marketplace.flow.permission import AccessRole
from marketplace.flow.states import ORGANISATION, Move, OrganisationState, Role
from marketplace.gate import Gate, Setting
from marketplace.store import organisations, parties
from marketplace.throttle import Throttle
from marketplace.titles import titles_of
from marketplace.transaction import Transaction

PREFIX = "vma_"
"""Of an applicant's token."""
HALF_PLACE = ("organisations", "kept_half")
"""Where the second half of an entered application's token is sealed for, before the name."""
SHOWN = (OrganisationState.ADMITTED, OrganisationState.SUSPENDED)
"""In which states everybody here sees an organisation."""
CORRECTIONS, ALL_CORRECTIONS = 20, 200
"""Within an hour of one application, and of all: each is in the log."""
Found = tuple[Organisation, int | None]
"""An organisation, and the newest version of the entry agreement that it has accepted."""


class Organisations:
    """The commands about organisations, behind the exchange's gate."""

    def __init__(self, gate: Gate, setting: Setting, members: Members) -> None:
        self._gate, self._setting, self._members = gate, setting, members
        self._sealed = AtRest.of(setting.key)

    # --- applicants -------------------------------------------------------------------------------------------

    def apply(
        self, name: str, profile: OrganisationProfile, throttle: Throttle | None = None
    ) -> tuple[Organisation, str]:
        """Apply to take part under a name; gives the application and its token, which is nowhere else."""
        with self._gate.unproven() as step:
            if throttle is not None:
                throttle.count(step.connection, step.now)
            return self._apply(step, name, profile, entered=False)

    def enter(self, actor: str | Principal, name: str, profile: OrganisationProfile) -> tuple[Organisation, str]:
        """Enter an application that came on paper, as the operator; somebody else admits it.

        Gives the first half of its token, for the applicant; the second half somebody else hands over. So nobody
        at the operator can accept the entry agreement for an organisation, or name its first administrator.
        """
        with self._gate.command("enter_organisation", actor) as step:
            _require_operator(step)
            return self._apply(step, name, profile, entered=True)

    def hand_over(self, actor: str | Principal, name: str) -> str:
        """Give the second half of an entered application's token, once, and never to who entered it."""
        with self._gate.command("hand_over_organisation", actor) as step:
            found = organisations.load(step.connection, name)
            if found is None or found.entered_by is None:
                raise missing("application", name)
            entering.require_second(found, step.actor)
            require_confirmed(step)
            second = self._sealed.open(organisations.hand_over(step.connection, name), *HALF_PLACE, name)
            step.record(Kind.ORGANISATION_HANDED_OVER, application=found.application)
            return second.decode()

    def follow(self, name: str, token: str) -> Found:
        """What has become of an application, for who has its token."""
        with self._gate.unproven_glance() as step:
            return self._of_token(step, name, token)

    def correct(self, name: str, token: str, profile: OrganisationProfile, revision: str) -> Found:
        """Correct an application that is not decided yet, as read under `revision`; it is applied for again."""
        with self._gate.unproven() as step:
            old, accepted = self._of_token(step, name, token)
            old.require(revision)
            Throttle("corrections", old.application, CORRECTIONS, ALL_CORRECTIONS).count(step.connection, step.now)
            new = entering.correct(old, profile, step.now)
            organisations.replace(step.connection, old, new)
            step.record(Kind.ORGANISATION_APPLIED, application=new.application, party_kind=new.kind.value)
            return new, accepted

    def accept(self, name: str, token: str, version: int, text: str, signatory: str) -> Found:
        """Accept the entry agreement for an applicant; `text` is the SHA-256 of what was read, in hex."""
        with self._gate.unproven() as step:
            found, _ = self._of_token(step, name, token)
            if found.is_in or found.state is OrganisationState.REJECTED:
                raise ConflictError(f"{name} is {found.state}", "an administrator accepts for an organisation")
            newest = organisations.agreement(step.connection)
            made = agreeing.accept(newest, name, version, text, signatory, None, step.now)
            organisations.accept(step.connection, made)
            step.record(
                Kind.AGREEMENT_ACCEPTED, application=found.application, version=version, agreement=made.digest
            )
            return found, version

    def claim(self, name: str, token: str, login: str, person: str) -> Invited:
        """Name the first administrator of an admitted organisation, and give the invitation; once."""
        with self._gate.unproven() as step:
            found, _ = self._of_token(step, name, token)
            if found.state is not OrganisationState.ADMITTED:
                raise ConflictError(f"{name} is {found.state}", "wait until it is admitted")
            organisations.claim(step.connection, name, step.now)
            return self._members.found(step, found.name, login, person, AccessRole.ADMINISTRATOR)

    # --- the operator -----------------------------------------------------------------------------------------

    def return_for_correction(self, actor: str | Principal, name: str, reason: str, opinion: str) -> Organisation:
        """Return an application for correction."""
        return self._review("return_organisation", actor, name, Move.RETURN, reason, opinion)

    def reject(self, actor: str | Principal, name: str, reason: str, opinion: str) -> Organisation:
        """Reject an application for good; its name is free again."""
        return self._review("reject_organisation", actor, name, Move.REJECT, reason, opinion)

    def admit(self, actor: str | Principal, name: str, revision: str) -> Organisation:
        """Admit an organisation that has accepted the entry agreement; never by who entered it.

        `revision` is the one that was read: an applicant may correct the application at any time until then.
        """
        return self._review("admit_organisation", actor, name, Move.ADMIT, None, None, revision)

    def suspend(self, actor: str | Principal, name: str, reason: str, opinion: str | None = None) -> Organisation:
        """Stop an organisation: it can command nothing, and no permit that its party takes part in stands."""
        return self._review("suspend_organisation", actor, name, Move.SUSPEND, reason, opinion)

    def reinstate(self, actor: str | Principal, name: str, opinion: str | None = None) -> Organisation:
        """End an organisation's suspension."""
        return self._review("reinstate_organisation", actor, name, Move.REINSTATE, None, opinion)

    def found_operator(self, profile: OrganisationProfile, login: str, person: str) -> Invited:
        """Invite a first administrator of the operator, whose organisation is made if it is not there.

        For who runs the marketplace's own host: so the first account comes without a default password, and so
        the operator comes back in when all its administrators have lost theirs.
        """
        with self._gate.housekeeping() as step:
            name = self._setting.operator
            if organisations.load(step.connection, name) is None:
                organisations.add(step.connection, entering.found(name, profile, step.now))
                step.record(Kind.ORGANISATION_ADMITTED, counterparty=name, party_kind=profile.kind.value)
            return self._members.found(step, name, login, person, AccessRole.OPERATOR_ADMINISTRATOR)

    # --- reading and keeping up to date -----------------------------------------------------------------------

    def page(
        self, actor: str | Principal, after: str, limit: int, state: OrganisationState | None = None
    ) -> Sequence[Found]:
        """Organisations behind a name, in any state or the one asked for: to all but the operator who is in."""
        with self._gate.query("organisations", actor) as step:
            states: tuple[OrganisationState, ...] | None = None if state is None else (state,)
            if step.actor.office is not Role.OPERATOR:
                states = SHOWN if state is None else tuple(each for each in SHOWN if each is state)
            found = organisations.page(step.connection, after, limit, states)
            return [_seen(step, each) for each in found]

    def load(self, actor: str | Principal, name: str) -> Found:
        """One organisation, for itself and the operator; for others what everybody may know, if it takes part."""
        with self._gate.query("organisation", actor, suspended_too=True) as step:
            found = organisations.load(step.connection, name)
            mine = name == step.actor.name or step.actor.office is Role.OPERATOR
            if found is None or not (mine or found.is_in):
                raise missing("organisation", name)
            return _seen(step, found)

    def titles(self, names: Iterable[str]) -> dict[str, tuple[str, str]]:
        """What organisations are called, in Chinese and English, by their names."""
        with self._gate.reading() as connection:
            return titles_of(connection, sorted({*names}))

    def relocate(self, actor: str | Principal, name: str, desk: Desk, address: str, revision: str) -> Found:
        """Change where the actor's own organisation is reached; `revision` is the one that was read."""
        with self._gate.command("relocate_organisation", actor, enrolled=False) as step:
            old = organisations.load(step.connection, name)
            if old is None or name != step.actor.name:
                raise missing("organisation", name)
            old.require(revision)
            new = entering.relocate(old, desk, address)
            organisations.replace(step.connection, old, new)
            return _seen(step, new)

    # --- shared steps -----------------------------------------------------------------------------------------

    def _apply(
        self, step: Transaction, name: str, profile: OrganisationProfile, *, entered: bool
    ) -> tuple[Organisation, str]:
        if name in self._setting.pins:
            raise ConflictError(f"the name {name} is taken", "choose another name")
        first, second = new_halves(PREFIX)
        token = first + second
        new = entering.apply(name, profile, step.actor if entered else None, digest(token), step.now)
        organisations.add(step.connection, new)
        if entered:
            half = self._sealed.seal(second.encode(), *HALF_PLACE, name)
            organisations.keep_half(step.connection, name, half)
        step.record(Kind.ORGANISATION_APPLIED, application=new.application, party_kind=new.kind.value)
        return new, first if entered else token

    def _of_token(self, step: Transaction, name: str, token: str) -> Found:
        found = organisations.load(step.connection, name)
        if found is None or not hmac.compare_digest(found.application, digest(token)):
            raise missing("application", name)
        return found, organisations.accepted(step.connection, name)

    def _review(
        self,
        command: str,
        actor: str | Principal,
        name: str,
        move: Move,
        reason: str | None,
        opinion: str | None,
        revision: str | None = None,
    ) -> Organisation:
        with self._gate.command(command, actor) as step:
            old = organisations.load(step.connection, name)
            if old is None or (step.actor.office is not Role.OPERATOR and not old.is_in):
                raise missing("organisation", name)
            if revision is not None:
                old.require(revision)
            new = entering.review(old, move, step.actor, reason, opinion, step.now)
            if move is Move.ADMIT:
                if old.entered_by is not None:
                    require_confirmed(step)
                accepted = organisations.accepted(step.connection, name)
                agreeing.require_accepted(organisations.agreement(step.connection), accepted, name)
                entering.require_unlike(new, organisations.of_code(step.connection, new.profile.code))
            organisations.replace(step.connection, old, new)
            self._record(step, new, move)
            return new

    def _record(self, step: Transaction, new: Organisation, move: Move) -> None:
        kind, why = MOVED[ORGANISATION.noun, move], {} if new.reason is None else {"reason": new.reason}
        if not new.is_in:
            step.record(kind, application=new.application, **why)
            return
        named = {"application": new.application, "party_kind": new.kind.value} if move is Move.ADMIT else {}
        step.record(kind, counterparty=new.name, **named, **why)
        if move is Move.ADMIT:
            step.notify(new.name, Topic.ORGANISATION_ADMITTED, new.name)  # read at the first login
        twin = {Move.SUSPEND: Kind.PARTY_SUSPENDED, Move.REINSTATE: Kind.PARTY_REINSTATED}.get(move)
        if twin is not None and parties.load(step.connection, new.name) is not None:
            step.record(twin, counterparty=new.name)  # to who reads of permits: they stand again, or no more


def _require_operator(step: Transaction) -> None:
    if step.actor.office is not Role.OPERATOR:
        raise ForbiddenError("to enter an application is not yours", "apply for your own organisation")


def _seen(step: Transaction, found: Organisation) -> Found:
    """Give what the actor sees: why somebody else was stopped is between that one and the operator."""
    if step.actor.name != found.name and step.actor.office is not Role.OPERATOR:
        return found.seen_by_others(), None
    return found, organisations.accepted(step.connection, found.name)
