"""Sessions: a person proves by password and one-time code who it is, and gets a token for a working day.

1. Account and source are not slowed down by failures before: nothing is looked at until their delay is over. For a
   device from which the account's owner has logged in lately only its own failures count, so that no stranger's
   guessing keeps the owner out.
2. The password is checked, for an account that does not exist by the same work.
3. The code is of the present time step or a neighbour of it, and of none that was used before; or it is a
   recovery code, which is used up. Two logins at once with one code: one wins.
4. What failed is not told. A failure counts for account, source and both, or for the device. In the log stand the
   first, second, fourth, eighth … of each account, without the account, so many in an hour at most: no flood fills
   it. How many more there were is told each hour (`marketplace.refusals`).
"""

from dataclasses import dataclass
from typing import Self

from audit.entry import EntryKind as Kind
from compute.at_rest import AtRest
from marketplace import credentials, matrix, refusals
from marketplace.commands.members import TOTP_PLACE
from marketplace.errors import InvalidError, NotProvenError, TooManyError
from marketplace.flow import login as pace
from marketplace.flow import password as passwords
from marketplace.flow.actor import Principal
from marketplace.flow.event import event
from marketplace.flow.member import Member, MemberState
from marketplace.flow.permission import AccessRole
from marketplace.gate import Gate, Setting
from marketplace.store import members, sessions
from marketplace.store.members import Proof
from marketplace.throttle import subject
from marketplace.transaction import Transaction

PREFIX = "vms_"
"""Of a session's token."""
DEVICE_PREFIX = "vmd_"
"""Of a known device's."""
MAX_RECORDED = 60
"""Failed logins that stand in the log within an hour, of all accounts together."""


@dataclass(frozen=True)
class Opened:
    """A session that was begun; the token is nowhere else."""

    token: str
    member: Member
    expires: int
    recovery_codes_left: int
    device: str
    """The token by which this device is known at the next login; it opens nothing by itself."""


@dataclass(frozen=True)
class _Asked:
    """Under what a login is counted: hashes of the account, of where it comes from, and of both."""

    account: str
    source: str
    pair: str

    @classmethod
    def of(cls, organisation: str, login: str, source: str) -> Self:
        """Give what a login from a source is counted under."""
        return cls(
            subject("account", organisation, login),
            subject("source", source),
            subject("pair", organisation, login, source),
        )

    @classmethod
    def from_device(cls, device: str) -> Self:
        """Give what a login from a known device is counted under: itself."""
        return cls(*[subject("device", device)] * 3)

    @classmethod
    def within(cls, member: Member) -> Self:
        """Give what a proof within a session is counted under: apart from logins, which strangers try."""
        return cls(*[subject("password", member.organisation, member.login)] * 3)


class Sessions:
    """The commands about sessions, behind the exchange's gate."""

    def __init__(self, gate: Gate, setting: Setting, hasher: credentials.Passwords) -> None:
        self._gate, self._setting, self._hasher = gate, setting, hasher
        self._sealed = AtRest.of(setting.key)

    def login(
        self, organisation: str, login: str, password: str, code: str, source: str, device: str | None = None
    ) -> Opened:
        """Begin a session; raise `NotProvenError` for anything wrong, `TooManyError` for who has to wait.

        `device` is the token that an earlier login from the same device was given.
        """
        asked = _Asked.of(organisation, login, source)
        with self._gate.unproven_glance() as step:
            found = members.by_login(step.connection, organisation, login)
            member, proof = found or (None, None)
            is_known = self._is_known(step, member, device)
            if is_known and device is not None:
                asked = _Asked.from_device(device)
            self._require_free(step, asked)  # 1
        matches = self._hasher.match(proof.password if proof else None, password)  # 2
        with self._gate.unproven() as step:
            if member is not None and matches and self._second(step, member, proof, code):  # 3
                sessions.succeed(step.connection, asked.pair)
                return self._open(step, member, device if is_known else None)
            self._fail(step, asked)  # 4
        raise NotProvenError("organisation, login, password or code is wrong", "try again, with a new code")

    def principal(self, token: str) -> Principal | None:
        """Give who has a session under this token, None if there is none; a use is written down once a minute."""
        if not token.startswith(PREFIX):
            return None
        kept = credentials.digest(token)
        with self._gate.unproven_glance() as step:
            found = sessions.find(step.connection, kept)
        if found is None or not pace.lives(found.created, found.used, step.now):
            return None
        if step.now - found.used >= pace.TOUCH:
            with self._gate.unproven() as writing:
                sessions.touch(writing.connection, kept, writing.now)
        permissions = matrix.load().permissions(AccessRole(each) for each in found.roles)
        return Principal(found.organisation, found.member, permissions=permissions)

    def end(self, token: str) -> int:
        """End the session of this token; gives how many there were."""
        with self._gate.unproven() as step:
            return sessions.end(step.connection, credentials.digest(token))

    def change_password(self, actor: Principal, token: str, old: str, new: str, code: str) -> int:
        """Set another password, by the old one and a code; gives how many other sessions have ended.

        Raises `NotProvenError` for wrong proofs, which count as failed logins do, and `InvalidError` for a
        password that cannot be.
        """
        with self._gate.unproven_glance() as step:
            member = members.load(step.connection, actor.organisation, actor.member or "")
            if member is None or member.state is not MemberState.ACTIVE:
                raise InvalidError("only a person has a password", "log in as one")
            asked = _Asked.within(member)
            self._require_free(step, asked)
            proof = members.proof(step.connection, member.id)
        matches = self._hasher.match(proof.password if proof else None, old)
        passwords.check(new, member.login, member.organisation)
        kept = self._hasher.hash(new)
        with self._gate.unproven() as step:
            if matches and self._second(step, member, proof, code):
                members.set_password(step.connection, member.id, kept)
                return sessions.end_all(step.connection, member.id, but=credentials.digest(token))
            self._fail(step, asked)
        raise NotProvenError("the old password or the code is wrong", "try again, with a new code")

    def forget_due(self, step: Transaction) -> int:
        """Forget sessions that are over and failures that count no more; nothing of it is told, so it counts 0."""
        sessions.forget(step.connection, step.now)
        return 0

    # --- shared steps -----------------------------------------------------------------------------------------

    def _is_known(self, step: Transaction, member: Member | None, device: str | None) -> bool:
        if member is None or device is None:
            return False
        return sessions.is_known(step.connection, credentials.digest(device), member.id, step.now)

    def _require_free(self, step: Transaction, asked: "_Asked") -> None:
        connection, now = step.connection, step.now
        waits = (
            pace.pair_wait(sessions.failed(connection, asked.pair), now),
            pace.source_wait(sessions.failed(connection, asked.source), now),
            pace.account_wait(sessions.failed(connection, asked.account), now),
        )
        if (wait := max(waits)) > 0:
            raise TooManyError("too many logins have failed", wait)

    def _second(self, step: Transaction, member: Member, checked: Proof | None, code: str) -> bool:
        """Use the second factor up, if the first, which was checked outside, is still the member's."""
        proof = members.proof(step.connection, member.id)
        if proof is None or checked is None or proof.password != checked.password:
            return False
        if len(code) == 6 and code.isascii() and code.isdigit():  # noqa: PLR2004 -- RFC 6238
            secret = self._sealed.open(proof.totp, *TOTP_PLACE, member.id).decode()
            used = credentials.step_of(secret, code, step.now)
            return used is not None and members.use_step(step.connection, member.id, used)
        return members.use_recovery_code(step.connection, member.id, credentials.digest(code.lower()))

    def _open(self, step: Transaction, member: Member, device: str | None) -> Opened:
        token = credentials.new_token(PREFIX)
        device = device or credentials.new_token(DEVICE_PREFIX)
        sessions.know(step.connection, credentials.digest(device), member.id, step.now)
        sessions.add(step.connection, credentials.digest(token), member.id, step.now)
        left = members.recovery_codes_left(step.connection, member.id)
        return Opened(token, member, step.now + pace.SESSION_TERM, left, device)

    def _fail(self, step: Transaction, asked: "_Asked") -> None:
        for each in {asked.source, asked.pair} - {asked.account}:
            self._add(step, each)
        of_account = self._add(step, asked.account)
        told = {"command": "login", "reason": NotProvenError.code}
        made = event(Kind.REFUSED, self._setting.market, None, step.now, told)
        hour = subject("recorded", str(step.now // 3_600_000))
        if of_account.is_recorded and self._add(step, hour).count <= MAX_RECORDED:
            step.report(made)
        else:
            refusals.count(step.connection, made, subject("refused", "login"))

    def _add(self, step: Transaction, counted: str) -> pace.Failures:
        failed = sessions.failed(step.connection, counted).add(step.now)
        sessions.set_failed(step.connection, counted, failed)
        return failed
