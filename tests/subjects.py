"""Subjects of tests: everybody can be told, by a number that follows from their code, and nothing leaves here."""

import hashlib
import re
from dataclasses import dataclass, field

from compute.records import Capacity, IdentityMethod
from marketplace.flow.subject import Identity
from marketplace.identity.ports import MessageError


def telephone(subject: str) -> str:
    """The number that is registered for a subject."""
    return f"+86139{int.from_bytes(hashlib.sha256(subject.encode()).digest()[:4]) % 10**8:08d}"


class Everybody:
    """Knows every subject but those in `unknown`; agents have the number of their principal with 138 in it."""

    def __init__(self, *unknown: str) -> None:
        self.unknown = set(unknown)

    def telephone(self, subject: str) -> str | None:
        return None if subject in self.unknown else telephone(subject)

    def identify(self, subject: str, given: str) -> Identity | None:
        own = self.telephone(subject)
        if own is None:
            return None
        if given == own:
            return Identity(subject, Capacity.LEGAL_REPRESENTATIVE, IdentityMethod.SMS)
        if given == agent_telephone(subject):
            return Identity(subject, Capacity.AGENT, IdentityMethod.SMS)
        return None


def agent_telephone(subject: str) -> str:
    return telephone(subject).replace("+86139", "+86138")


@dataclass
class Mailbox:
    """Takes messages, unless it is down."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    is_down: bool = False

    def send(self, telephone: str, text: str) -> None:
        if self.is_down:
            raise MessageError("the mailbox is down")
        self.sent.append((telephone, text))

    def code(self, subject: str) -> str:
        """The last code that was sent to a subject's number."""
        own = [text for to, text in self.sent if to[-8:] == telephone(subject)[-8:]]
        return str(re.findall("验证码([0-9]{6})", " ".join(own))[-1])
