"""How somebody is identified as acting for a subject: a code by short message, an assertion, an OpenID provider.

Nothing that strangers try is in the log, which they could fill; it is counted here, and limited.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from compute.records import Capacity, IdentityMethod
from marketplace.errors import ConflictError, ForbiddenError
from marketplace.flow import identification as rules
from marketplace.flow.subject import Acting, Identity
from marketplace.gate import Gate
from marketplace.identity.oidc import Asking
from marketplace.identity.ports import IdentityError
from marketplace.store import identities
from marketplace.subjects import SubjectSetting
from marketplace.transaction import Transaction

TOKEN_BYTES = 32


class NotIdentifiedError(ForbiddenError):
    """Whoever tried is not identified; why is not said."""

    code = "not_identified"


@dataclass(frozen=True)
class Session:
    """What a browser keeps once somebody is identified, and who it is."""

    cookie: str
    acting: Acting


def digest(value: str) -> bytes:
    """Give what is kept of a random value that a browser has."""
    return hashlib.sha256(value.encode()).digest()


class Identification:
    """The commands by which somebody is identified, behind the exchange's gate.

    `visit` is a random value that a browser keeps, `source` the network that it comes from.
    """

    def __init__(self, gate: Gate, subjects: SubjectSetting | None) -> None:
        self._gate, self._subjects = gate, subjects

    @property
    def setting(self) -> SubjectSetting:
        """How subjects are known; raise `ConflictError` where they are not."""
        if self._subjects is None:
            raise ConflictError("subjects are not identified here", "have the operator configure [identity]")
        return self._subjects

    @property
    def methods(self) -> list[IdentityMethod]:
        """How somebody can be identified here."""
        desk = self.setting.desk
        others = [IdentityMethod.E_LICENCE] * (desk.e_licence is not None)
        return [IdentityMethod.SMS, *others, *[IdentityMethod.OIDC] * (desk.oidc is not None)]

    def send_code(self, visit: str, source: str, subject: str, telephone: str, wanted: bytes | None) -> None:
        """Send a code to a subject's registered number, if the number is that; nothing tells whether it was.

        `wanted` is the tag of the only subject that is meant; None for any. Raises `TooManyError` for a source
        that tries too often.
        """
        setting, code = self.setting, rules.new_code()
        with self._gate.by_anybody() as step:
            self._count(step, ("source", source), rules.OF_SOURCE)
            identity = setting.desk.contacts.identify(subject, telephone)
            tag = setting.tag(subject)
            if identity is not None and wanted not in {None, tag}:
                identity = None
            if identity is not None:
                try:
                    self._count(step, ("subject", tag.hex()), rules.OF_SUBJECT)
                except rules.TooManyError:
                    identity = None  # to say so would tell that there is such a subject
            sealed = None if identity is None else self._seal_identity(identity, visit)
            until = step.now + rules.CODE_LIFE
            identities.put_code(step.connection, digest(visit), self._fingerprint(visit, code), sealed, until)
            if identity is not None:
                setting.tell(step, [(telephone, setting.notice_text("code", code=code))], at_once=True)

    def verify_code(self, visit: str, source: str, code: str) -> Session:
        """Give the session of who was sent this code; raise `NotIdentifiedError` for a wrong or late one."""
        with self._gate.by_anybody() as step:
            self._count(step, ("source", source), rules.OF_SOURCE)
            sent = identities.try_code(step.connection, digest(visit))
            given = self._fingerprint(visit, code)
            found = None
            # A code that was sent to nobody is compared as well: it takes as long.
            if sent is not None and rules.is_right(given, sent.code, sent.tries, sent.until, step.now):
                found = sent.identity
            if found is not None:
                identities.drop_code(step.connection, digest(visit))
                return self._begin(step, self._open_identity(found, visit))
        raise NotIdentifiedError("the code is wrong or too old", "ask for another one")

    def challenge(self, visit: str, source: str, goal: str) -> str:
        """Give the nonce that an assertion for this visit has to carry; `goal` is where the browser goes then."""
        asking = Asking.new()
        self._put(visit, source, asking, goal)
        return asking.nonce

    def verify_assertion(self, visit: str, source: str, nonce: str, assertion: str) -> tuple[Session, str]:
        """Give the session of who a signed assertion names, and where the browser goes then.

        Raises `NotIdentifiedError` for one that is not genuine, or not for this visit.
        """
        issuer = self.setting.desk.e_licence
        with self._gate.by_anybody() as step:
            self._count(step, ("source", source), rules.OF_SOURCE)
            taken = self._take(step, visit, nonce)
            if issuer is not None and taken is not None:
                try:
                    identity = issuer.identify(assertion, nonce, IdentityMethod.E_LICENCE, step.now)
                    return self._begin(step, identity), taken[1]
                except IdentityError:
                    pass  # told below, as every other failure is
        raise NotIdentifiedError("the assertion is not genuine, or not for this page", "begin again")

    def openid_address(self, visit: str, source: str, goal: str) -> str:
        """Give where the browser is sent to be identified."""
        provider = self.setting.desk.oidc
        if provider is None:
            raise ConflictError("there is no identity provider here", "choose another way")
        asking = Asking.new()
        self._put(visit, source, asking, goal)
        return provider.address(asking, self._redirect)

    def verify_openid(self, visit: str, source: str, state: str, code: str) -> tuple[Session, str]:
        """Give the session of who the provider says it is, and where the browser goes then.

        Raises `NotIdentifiedError` for a state that is not this visit's.
        """
        provider = self.setting.desk.oidc
        with self._gate.by_anybody() as step:
            self._count(step, ("source", source), rules.OF_SOURCE)
            taken, now = self._take(step, visit, state), step.now
        if provider is not None and taken is not None:
            try:  # with no transaction open: the provider may take its time
                identity = provider.identify(code, taken[0], self._redirect, now)
            except IdentityError as error:
                raise _unknown() from error
            with self._gate.by_anybody() as step:
                return self._begin(step, identity), taken[1]
        raise _unknown()

    def session(self, cookie: str | None) -> Acting | None:
        """Give who is identified by this cookie now, if anybody is."""
        if cookie is None:
            return None
        with self._gate.glance() as step:
            return identities.session(step.connection, digest(cookie), step.now)

    def end(self, cookie: str) -> None:
        """Forget who is identified by this cookie."""
        with self._gate.by_anybody() as step:
            identities.end_session(step.connection, digest(cookie))

    def due(self, step: Transaction) -> int:
        """Delete what has no use any more; nothing of it is an event."""
        identities.forget(step.connection, step.now, step.now - rules.REMEMBERED)
        return 0

    @property
    def _redirect(self) -> str:
        return f"{self.setting.url}/identify/back"

    def _count(self, step: Transaction, who: tuple[str, str], allowed: Mapping[int, int]) -> None:
        whom = self.setting.sealing.fingerprint(who[1].encode(), "identity_attempts", who[0])
        counted = {period: identities.attempts(step.connection, whom, step.now - period) for period in allowed}
        rules.require_few(counted, allowed)
        identities.add_attempt(step.connection, whom, step.now)

    def _begin(self, step: Transaction, identity: Identity) -> Session:
        """Begin a session; whom an agent acts for is told, since it may know nothing of that."""
        acting = Acting(self.setting.tag(identity.subject), identity.capacity, identity.method)
        principal = self.setting.desk.contacts.telephone(identity.subject)
        if identity.capacity is Capacity.AGENT and principal is not None:
            self.setting.tell(step, [(principal, self.setting.notice_text("agent"))])
        cookie = secrets.token_urlsafe(TOKEN_BYTES)
        identities.add_session(step.connection, digest(cookie), acting, step.now + rules.SESSION_LIFE)
        return Session(cookie, acting)

    def _fingerprint(self, visit: str, code: str) -> bytes:
        return self.setting.sealing.fingerprint(code.encode(), "identity_codes", visit)

    def _seal_identity(self, identity: Identity, visit: str) -> bytes:
        members = [identity.subject, identity.capacity.value, identity.method.value]
        return self.setting.sealing.seal(json.dumps(members).encode(), "identity_codes", visit)

    def _open_identity(self, sealed: bytes, visit: str) -> Identity:
        subject, capacity, method = json.loads(self.setting.sealing.open(sealed, "identity_codes", visit))
        return Identity(subject, Capacity(capacity), IdentityMethod(method))

    def _put(self, visit: str, source: str, asking: Asking, goal: str) -> None:
        members = [asking.state, asking.nonce, asking.verifier, goal]
        sealed = self.setting.sealing.seal(json.dumps(members).encode(), "identity_challenges", visit)
        with self._gate.by_anybody() as step:
            self._count(step, ("source", source), rules.OF_SOURCE)
            until = step.now + rules.CHALLENGE_LIFE
            for key in (asking.state, asking.nonce):
                identities.put_challenge(step.connection, digest(key), digest(visit), sealed, until)

    def _take(self, step: Transaction, visit: str, key: str) -> tuple[Asking, str] | None:
        sealed = identities.take_challenge(step.connection, digest(key), digest(visit), step.now)
        if sealed is None:
            return None
        state, nonce, verifier, goal = json.loads(self.setting.sealing.open(sealed, "identity_challenges", visit))
        return Asking(state, nonce, verifier), goal


def _unknown() -> NotIdentifiedError:
    return NotIdentifiedError("the identity provider did not say who you are", "begin again")
