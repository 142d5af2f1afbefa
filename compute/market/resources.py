"""Data resources, as a registrar registered them and their department entered them."""

from typing import Annotated, Literal

from msgspec import Meta

from compute.canonical import Date, Line, Message, Name

_CODE = "6 to 64 digits, capital letters and inner hyphens, as the registrar wrote it"
RegistrationCode = Annotated[
    str, Meta(max_length=64, pattern=r"\A[0-9A-Z][0-9A-Z-]{4,62}[0-9A-Z]\Z", description=_CODE)
]


class ResourceEntry(Message, frozen=True):
    """A registration to enter: the registrar's number, name and status, and its days of validity."""

    code: RegistrationCode
    name: Line
    state: Literal["registered", "changed", "corrected"]
    """What the registrar did last."""
    first_day: Date
    last_day: Date | None = None


class ResourceChange(Message, frozen=True):
    """What the registrar has of a resource after a change or a correction."""

    name: Line
    first_day: Date
    last_day: Date | None = None


class ResourceRecord(Message, frozen=True):
    """A resource, and whether products may come from it today."""

    provider: Name
    code: str
    name: str
    state: str
    first_day: Date
    last_day: Date | None
    valid: bool


class ResourcePage(Message, frozen=True):
    """Resources by provider and number."""

    items: Annotated[tuple[ResourceRecord, ...], Meta(max_length=100)]
    next: str | None
    """The cursor of the next page, if there is one."""
