"""What organisations and their members are told, and where else than in their inbox."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from compute.canonical import Message, Milliseconds, Name
from compute.market.count import Count

# Without =? nothing takes a part of it for an encoded word (RFC 2047), and so for another address.
_LOCAL = r"\A(?!.*=\?)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
_EMAIL = _LOCAL + r"@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+\Z"
EmailAddress = Annotated[str, Meta(max_length=200, pattern=_EMAIL, description="an address as name@host.example")]
_URL = "https://host/path, of at most 500 characters"
Url = Annotated[str, Meta(pattern=r"\A[!-~]{1,500}\Z", description=_URL)]
Topics = Annotated[tuple[Name, ...], Meta(max_length=100)]
"""Of the vocabulary `topic`."""


class NoticeRecord(Message, frozen=True):
    """One notice, as its reader sees it."""

    id: Count
    topic: str
    about: str
    at: Milliseconds
    data: dict[str, str | int]
    is_read: bool
    zh: str
    """What it says, in Chinese."""
    en: str


class NoticePage(Message, frozen=True):
    """Notices, the newest first."""

    items: tuple[NoticeRecord, ...]
    next: str | None
    """The cursor of the next page, if there is one."""


class NoticeCount(Message, frozen=True):
    """How many notices."""

    notices: Count


class ReadUpTo(Message, frozen=True):
    """All notices up to this one, which the reader has seen."""

    up_to: Count


class NoticePreference(Message, frozen=True):
    """Of what a member is told by e-mail too; without topics, of nothing."""

    email: EmailAddress
    language: Literal["zh", "en"]
    topics: Topics


class NoticePreferenceRecord(NoticePreference, frozen=True):
    """The same as it stands: nothing but a code goes to an address that is not confirmed."""

    is_confirmed: bool


class AddressConfirmation(Message, frozen=True):
    """The code that was sent to a member's address."""

    hidden: ClassVar = frozenset({"code"})

    code: Annotated[str, Meta(pattern=r"\A[0-9]{8}\Z", description="8 digits")]


class WebhookRequest(Message, frozen=True):
    """Where an organisation wants its notices sent; without topics, all of them."""

    url: Url
    topics: Topics


class WebhookRecord(Message, frozen=True):
    """A webhook."""

    id: Name
    url: str
    topics: tuple[str, ...]
    created: Milliseconds


class WebhookList(Message, frozen=True):
    """An organisation's webhooks, the oldest first."""

    items: tuple[WebhookRecord, ...]


class DeliveryRecord(Message, frozen=True):
    """A notice on its way to a webhook."""

    id: Name
    notice: Count
    state: str
    attempts: Count
    created: Milliseconds
    due: Milliseconds
    """Of the next attempt, if there is one."""
    problem: str | None
    """Of the last attempt, if it failed."""


class DeliveryList(Message, frozen=True):
    """The latest deliveries to a webhook, the newest first."""

    items: tuple[DeliveryRecord, ...]
