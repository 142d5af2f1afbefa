"""Whom to ask about a product: a desk of the organisation, never a person."""

import re

import msgspec

from catalog.errors import ProductError
from catalog.text import Text

# A telephone in the international form of E.123, or as it is dialled in the country.
_PHONE = re.compile(r"(?:\+[1-9][0-9]{0,2} )?[0-9][0-9 -]{3,22}[0-9]")
# The local part of RFC 5321 without quotes, and a name of the DNS with a dot.
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}){0,8}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,63}"
)
MAX_EMAIL = 254


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `desk` that answers, by telephone, by e-mail or both."""

    desk: Text
    phone: str | None = None
    email: str | None = None

    def __post_init__(self) -> None:
        """Raise `ProductError` if there is no way to reach the desk, or one that cannot be right."""
        if self.phone is None and self.email is None:
            raise ProductError("the contact has neither phone nor email; give one of them")
        if self.phone is not None and _PHONE.fullmatch(self.phone) is None:
            raise ProductError("the contact's phone is none; write it like +86 898 65342345")
        if self.email is not None and (len(self.email) > MAX_EMAIL or _EMAIL.fullmatch(self.email) is None):
            raise ProductError("the contact's email is none; write it like data@example.gov.cn")
