"""A file that goes with an approval: who may add one, and under what name it is kept."""

import re
import unicodedata
from dataclasses import dataclass

from marketplace.errors import ConflictError, ForbiddenError
from marketplace.flow.office import Approval, Staff
from marketplace.flow.office_states import ApprovalState

MAX_NAME = 120
"""Characters."""
_PATH = re.compile(r".*[/\\]", re.DOTALL)
_RESERVED = re.compile(r'[<>:"|?*%;]')


@dataclass(frozen=True)
class Attachment:
    """A file of an approval, without its content."""

    approval: str
    number: int
    """From 1."""
    name: str
    media_type: str
    digest: str
    """SHA-256 of the content, in hex."""
    size: int
    """Bytes."""
    member: str
    at: int
    """UTC, milliseconds since 1970-01-01."""


def check_may_attach(approval: Approval, member: str, staff: Staff, held: int, most: int) -> None:
    """Return if the member may add a file to the `held` that are there; at most `most` are.

    Its initiator may while it is open, and whoever holds the present step while it runs. Raises `ForbiddenError`,
    `ConflictError`.
    """
    may = {approval.initiator}
    if approval.state is ApprovalState.RUNNING:
        may |= approval.holders(staff)
    elif approval.state is not ApprovalState.RETURNED:
        raise ConflictError(f"{approval.id} is {approval.state}", "attach files while it is open")
    if member not in may:
        raise ForbiddenError(f"{approval.id} does not wait for you", "send the file to its initiator")
    if held >= most:
        raise ConflictError(f"{approval.id} has {held} files", f"put several into one: {most} at most")


def safe_name(given: str, suffix: str) -> str:
    """Give the name under which a file is kept: the last part of the path, readable characters, its kind's suffix.

    Controls, marks of direction, and what file systems and headers have a meaning for are left out.
    """
    name = unicodedata.normalize("NFC", _PATH.sub("", given))
    seen = "".join(each for each in name if unicodedata.category(each)[0] not in "CZ" or each == " ")
    stem = _RESERVED.sub("", seen).rstrip(" .")
    for known in (suffix, ".jpeg" if suffix == ".jpg" else suffix):
        if stem.lower().endswith(known):
            stem = stem[: -len(known)]
    return f"{stem.strip(' .')[: MAX_NAME - len(suffix)].rstrip(' .') or 'attachment'}{suffix}"
