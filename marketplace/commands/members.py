"""People of an organisation: its administrator invites them, gives them roles, and removes them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from audit.entry import EntryKind as Kind
from compute.at_rest import AtRest
from compute.records import PartyKind
from marketplace import credentials
from marketplace.errors import ConflictError, InvalidError, NotProvenError, StaleError, missing
from marketplace.flow import member as belonging
from marketplace.flow import password as passwords
from marketplace.flow.actor import Principal
from marketplace.flow.address import OF_ACCOUNT, OF_ACCOUNTS, OF_ALL_ACCOUNTS
from marketplace.flow.member import INVITATION_TERM, Member, MemberState
from marketplace.flow.notice import Topic
from marketplace.flow.permission import AccessRole
from marketplace.flow.states import Role
from marketplace.gate import Gate, Setting
from marketplace.revision import revision_of
from marketplace.store import api_keys, members, organisations, sessions, webhooks
from marketplace.store.members import Proof
from marketplace.throttle import Throttle, subject
from marketplace.transaction import Transaction

PREFIX = "vmi_"
"""Of an invitation's token."""
TOTP_PLACE = ("members", "totp")
"""Where the secret of one-time codes is sealed for, before the member's id."""


EACH, ALL = 60, 10_000
"""Accounts that are taken within an hour from one source, and from all, or tried."""


@dataclass(frozen=True)
class Invited:
    """An invitation: the token is nowhere else."""

    member: Member
    token: str
    expires: int


@dataclass(frozen=True)
class Taken:
    """An account that was taken, with what its owner keeps."""

    member: Member
    totp: str
    recovery_codes: Sequence[str]


@dataclass(frozen=True)
class Removal:
    """A member who was removed, and how many sessions and keys ended with that."""

    member: Member
    sessions: int
    keys: int


class Members:
    """The commands about members, behind the exchange's gate."""

    def __init__(self, gate: Gate, setting: Setting, hasher: credentials.Passwords) -> None:
        self._gate, self._setting, self._hasher = gate, setting, hasher
        self._sealed = AtRest.of(setting.key)

    def invite(
        self, actor: str | Principal, login: str, name: str, roles: Collection[str], email: str | None
    ) -> Invited:
        """Invite a person into the actor's organisation; gives the one-time token that takes the account."""
        with self._gate.command("invite_member", actor, enrolled=False) as step:
            wanted = self._roles(step, roles)
            return self._invite(step, step.actor.name, login, name, wanted, email, (_by(step),))

    def found(self, step: Transaction, organisation: str, login: str, name: str, role: AccessRole) -> Invited:
        """Invite the first person of an organisation, within another command's transaction."""
        return self._invite(step, organisation, login, name, (role,), None, ())

    def expect(
        self, step: Transaction, organisation: str, login: str, name: str, role: AccessRole, invitation: str
    ) -> Member:
        """Invite a person who alone has the token, of which `invitation` is the SHA-256, in hex.

        Within another command's transaction. Raises `ConflictError` if the login is taken, or the token.
        """
        if members.invited(step.connection, invitation, step.now) is not None:
            raise ConflictError("the token is that of another invitation", "have the person draw another one")
        new = Member(credentials.new_id("member"), organisation, login, name, (role,), None, MemberState.INVITED)
        members.add(step.connection, new, invitation, step.now + INVITATION_TERM)
        return new

    def take(self, token: str, password: str, source: str) -> Taken:
        """Take the account that an invitation is for: sets the password, gives the authenticator's secret.

        Raises `NotProvenError` for a token that stands for nothing, `InvalidError` for a password that cannot be,
        `TooManyError` for a source that tries too often.
        """
        with self._gate.unproven() as step:
            Throttle("invitations", source, EACH, ALL).count(step.connection, step.now)
        invitation = credentials.digest(token)
        with self._gate.unproven_glance() as step:
            member = self._invited(step, invitation)
        passwords.check(password, member.login, member.organisation)
        kept, totp = (
            self._hasher.hash(password),
            credentials.new_totp(),
        )  # outside: no other command waits for it
        codes = credentials.new_recovery_codes()
        with self._gate.unproven() as step:
            member = self._invited(step, invitation)
            proof = Proof(kept, self._sealed.seal(totp.encode(), *TOTP_PLACE, member.id), 0)
            members.take(step.connection, member.id, invitation, proof, [*map(credentials.digest, codes)])
            step.record(Kind.MEMBER_ADDED, counterparty=member.organisation, roles=tuple(sorted(member.roles)))
            if not member.is_confirmed:
                self._ask(step, member)
        return Taken(member, totp, codes)

    def change(
        self,
        actor: str | Principal,
        member: str,
        revision: str,
        *,
        name: str,
        roles: Collection[str],
        email: str | None,
    ) -> Member:
        """Change what a person is; the last administrator stays one. `revision` is the one that was read."""
        with self._gate.command("change_member", actor, enrolled=False) as step:
            old = self._load(step, member)
            if revision != revision_of(old):
                raise StaleError(f"{old.login} has changed since you read it", "read it again, then change it")
            administrators, by = self._administrators(step), _by(step)
            new = belonging.change(old, name, self._roles(step, roles), email, administrators, by=by)
            members.replace(step.connection, old, new)
            if new.email != old.email or new.unconfirmed_by != old.unconfirmed_by:
                self._tell(step, old)
            if new.roles != old.roles:
                step.record(Kind.MEMBER_CHANGED, roles=tuple(sorted(new.roles)))
            return new

    def reinvite(self, actor: str | Principal, member: str) -> Invited:
        """Invite a person anew, who has lost the password or the authenticator; all sessions end."""
        with self._gate.command("reinvite_member", actor, enrolled=False) as step:
            old = self._load(step, member)
            self._tell(step, old)
            new = belonging.reinvite(old, _by(step))
            members.replace(step.connection, old, new)
            sessions.end_all(step.connection, new.id)
            sessions.forget_devices(step.connection, new.id)
            step.record(Kind.MEMBER_CHANGED, roles=tuple(sorted(new.roles)))
            return self._send(step, new)

    def confirm(self, actor: str | Principal, member: str, organisation: str | None = None) -> Member:
        """Confirm that an account is its person's, who then counts as one of two; of others, as operator.

        Never by who invited or changed it (`flow.member.confirm` has the rules): whoever alone makes an account
        could use it alone.
        """
        with self._gate.command("confirm_member", actor, enrolled=False) as step:
            own = organisation is None or organisation == step.actor.name
            if not own and step.actor.office is not Role.OPERATOR:
                raise missing("member", member)
            old = members.load(step.connection, organisation or step.actor.name, member)
            if old is None:
                raise missing("member", member)
            by = _by(step)
            is_confirmed = not own or members.is_confirmed(step.connection, step.actor.name, by)
            new = belonging.confirm(old, by, is_confirmed=is_confirmed)
            members.replace(step.connection, old, new)
            step.record(Kind.MEMBER_CONFIRMED, counterparty=new.organisation, roles=tuple(sorted(new.roles)))
            return new

    def remove(self, actor: str | Principal, member: str) -> Removal:
        """Remove a person, not the last administrator; sessions end, and the keys that the person has issued."""
        with self._gate.command("remove_member", actor, enrolled=False) as step:
            old = self._load(step, member)
            new = belonging.remove(old, self._administrators(step))
            members.replace(step.connection, old, new)
            members.invite(step.connection, new.id, None, None)
            ended = sessions.end_all(step.connection, new.id)
            keys = api_keys.revoke_of(step.connection, new.id, step.now)
            step.record(Kind.MEMBER_REMOVED, roles=tuple(sorted(old.roles)), keys=keys)
            return Removal(new, ended, keys)

    def load(self, actor: str | Principal, member: str) -> Member:
        """One person of the actor's organisation."""
        with self._gate.query("member", actor) as step:
            return self._load(step, member)

    def page(self, actor: str | Principal, after: str, limit: int) -> Sequence[Member]:
        """People of the actor's organisation behind a login, by login."""
        with self._gate.query("members", actor) as step:
            return members.page(step.connection, step.actor.name, after, limit)

    # --- shared steps -----------------------------------------------------------------------------------------

    def _invite(
        self,
        step: Transaction,
        organisation: str,
        login: str,
        name: str,
        roles: tuple[AccessRole, ...],
        email: str | None,
        unconfirmed_by: tuple[str, ...],
    ) -> Invited:
        id_ = credentials.new_id("member")
        new = Member(id_, organisation, login, name, roles, email, MemberState.INVITED, unconfirmed_by)
        token, until = credentials.new_token(PREFIX), step.now + INVITATION_TERM
        members.add(step.connection, new, credentials.digest(token), until)
        return Invited(new, token, until)

    def _send(self, step: Transaction, member: Member) -> Invited:
        token, until = credentials.new_token(PREFIX), step.now + INVITATION_TERM
        members.invite(step.connection, member.id, credentials.digest(token), until)
        return Invited(member, token, until)

    def _invited(self, step: Transaction, invitation: str) -> Member:
        member = members.invited(step.connection, invitation, step.now)
        if member is None:
            raise NotProvenError("the invitation stands for nothing, or no more", "ask your administrator for one")
        return member

    def _tell(self, step: Transaction, old: Member) -> None:
        """Tell a person where it was reached until now that an administrator changes its account."""
        wish = webhooks.preference(step.connection, old.organisation, old.id)
        # Also where an administrator said, unconfirmed: whoever is locked out has no inbox to read it in.
        known = {old.email, None if wish is None or wish.confirmed is None else wish.email} - {None}
        if known:  # refused rather than untold: who changes accounts in silence could use up what is allowed
            of_all = subject(old.organisation)
            Throttle("account changes told", of_all, OF_ACCOUNTS, OF_ALL_ACCOUNTS).count(step.connection, step.now)
        for each in known:
            whose = subject(old.organisation, str(each).lower())
            Throttle("account changes told to one", whose, OF_ACCOUNT, OF_ALL_ACCOUNTS).count(
                step.connection, step.now
            )
        addresses = " ".join(sorted(map(str, known)))
        topic = Topic.ACCOUNT_CHANGED
        step.notify(old.organisation, topic, old.login, member=old.id, addresses=addresses)

    def _ask(self, step: Transaction, member: Member) -> None:
        """Ask whoever can confirm an account for it: other administrators, or the operator if there is none."""
        name, topic = member.organisation, Topic.ACCOUNT_WAITING
        others = [
            each
            for each in members.active(step.connection, name)
            if each.administers and each.is_confirmed and each.id not in {member.id, *member.unconfirmed_by}
        ]
        for each in others:
            step.notify(name, topic, member.id, member=each.id, whose=name)
        if not others:
            role = AccessRole.OPERATOR_REVIEWER.value
            step.notify(self._setting.operator, topic, member.id, role=role, whose=name)

    def _roles(self, step: Transaction, roles: Collection[str]) -> tuple[AccessRole, ...]:
        if not roles:
            raise InvalidError("a member without a role", "give one", fields={"roles": "Give at least one."})
        return belonging.checked_roles(roles, self._kind(step))

    def _kind(self, step: Transaction) -> PartyKind | None:
        if step.actor.name == self._setting.operator:
            return None
        found = organisations.load(step.connection, step.actor.name)
        return None if found is None else found.kind

    def _administrators(self, step: Transaction) -> list[str]:
        return [each.id for each in members.active(step.connection, step.actor.name) if each.administers]

    def _load(self, step: Transaction, member: str) -> Member:
        if (found := members.load(step.connection, step.actor.name, member)) is None:
            raise missing("member", member)
        return found


def require_confirmed(step: Transaction) -> None:
    """Return unless the actor is a person whose account waits for a confirmation; raise `ForbiddenError`."""
    actor = step.actor
    if actor.member is not None and not members.is_confirmed(step.connection, actor.name, actor.member):
        raise belonging.unconfirmed()


def _by(step: Transaction) -> str:
    """Give who acts: the member, or for its key the organisation."""
    return step.actor.member or step.actor.name
