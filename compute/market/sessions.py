"""Sessions: a person logs in with a password and a one-time code, and gets a bearer token."""

from typing import ClassVar

from compute.canonical import Message, Milliseconds, Name


class Login(Message, frozen=True):
    """Who logs in, by password and a one-time code, or a recovery code in its place."""

    hidden: ClassVar = frozenset({"password", "code", "device"})

    organisation: Name
    login: Name
    password: str
    code: str
    device: str | None = None
    """That of the last session from the same device: whoever has it is slowed down by nobody else's guessing."""


class Session(Message, frozen=True):
    """A session: the token is sent as `Authorization: Bearer …` (RFC 6750) and shown once."""

    hidden: ClassVar = frozenset({"token", "device"})

    token: str
    member: Name
    expires: Milliseconds
    """At the latest; it also ends when nothing was asked for half an hour."""
    recovery_codes_left: int
    device: str
    """For the next login from this device; by itself it opens nothing."""


class PasswordChange(Message, frozen=True):
    """A new password, by who knows the old one and has the authenticator; it ends all other sessions."""

    hidden: ClassVar = frozenset({"old", "new", "code"})

    old: str
    new: str
    code: str


class Ended(Message, frozen=True):
    """How many sessions have ended."""

    sessions: int


class Identity(Message, frozen=True):
    """Who asks, as the marketplace sees it."""

    organisation: Name
    member: str | None
    key: str | None
    permissions: tuple[str, ...]
