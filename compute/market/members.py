"""Members: people of an organisation, with roles in it; and the keys of its machines."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from compute.canonical import Line, Message, Milliseconds, Name
from compute.market.organisations import Email

MemberRole = Literal[
    "administrator",
    "handler",
    "section_chief",
    "leader",
    "auditor_reader",
    "operator_clerk",
    "operator_reviewer",
    "operator_administrator",
    "supervisor_officer",
]
"""What a person may be in an organisation: `config/permissions.toml` says what each may do."""
MemberRoles = Annotated[tuple[MemberRole, ...], Meta(min_length=1, max_length=9)]
_PERMISSION = "scope:resource:action, in lower-case letters and _"
Permission = Annotated[str, Meta(pattern=r"\A[a-z_]{1,32}(:[a-z_]{1,64}){2}\Z", description=_PERMISSION)]
Permissions = Annotated[tuple[Permission, ...], Meta(min_length=1, max_length=500)]
MAX_KEY_DAYS = 366
KeyDays = Annotated[int, Meta(ge=1, le=MAX_KEY_DAYS)]


class MemberDraft(Message, frozen=True):
    """A person to be invited."""

    login: Name
    """By which the person logs in; once in an organisation."""
    name: Line
    roles: MemberRoles
    email: Email | None = None
    """Where notices go; without, they are in the inbox only."""


class MemberChange(Message, frozen=True):
    """What a member is from now on."""

    name: Line
    roles: MemberRoles
    email: Email | None = None


class MemberRecord(Message, frozen=True):
    """A person of an organisation."""

    member: Name
    login: Name
    name: Line
    roles: tuple[str, ...]
    email: str | None
    state: str
    confirmed: bool
    """Whether somebody else than who invited or changed the person has confirmed whose account it is."""
    revision: str


class Members(Message, frozen=True):
    """A page of the people of an organisation, by login."""

    items: tuple[MemberRecord, ...]
    next: str | None


class Invitation(Message, frozen=True):
    """The one-time token by which a person sets the password of an account; it is shown once."""

    hidden: ClassVar = frozenset({"token"})

    organisation: Name
    member: Name
    login: Name
    token: str
    expires: Milliseconds


class InvitationAnswer(Message, frozen=True):
    """An invited person takes the account."""

    hidden: ClassVar = frozenset({"token", "password"})

    token: str
    password: str


class Enrolled(Message, frozen=True):
    """What a person keeps: the secret of one-time codes (RFC 6238), and codes for when it is lost, shown once."""

    hidden: ClassVar = frozenset({"provisioning_uri", "recovery_codes"})

    organisation: Name
    login: Name
    provisioning_uri: str
    """`otpauth://totp/…`, which authenticators read from a QR code."""
    recovery_codes: tuple[str, ...]


class Removed(Message, frozen=True):
    """A member who is none any more, and what ended with that."""

    member: Name
    state: str
    sessions: int
    keys: int


# --- keys of machines -----------------------------------------------------------------------------------------


class KeyDraft(Message, frozen=True):
    """A key for a program: what it is for, what it may do, for how long."""

    label: Line
    permissions: Permissions
    """`scope:resource:action`, each one that the issuer has and that machines may have."""
    days: KeyDays


class KeyRecord(Message, frozen=True):
    """A key as it is listed; the key itself is nowhere."""

    key: Name
    label: Line
    permissions: tuple[str, ...]
    issuer: str
    created: Milliseconds
    expires: Milliseconds
    revoked: Milliseconds | None
    last_used: Milliseconds | None


class IssuedKey(Message, frozen=True):
    """A new key, shown once."""

    hidden: ClassVar = frozenset({"secret"})

    record: KeyRecord
    secret: str


class Keys(Message, frozen=True):
    """A page of an organisation's keys, by their id."""

    items: tuple[KeyRecord, ...]
    next: str | None
