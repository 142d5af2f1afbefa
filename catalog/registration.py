"""The number that the registrar gave a data resource 登记结果查询码: entered here, never made here."""

import re

from catalog.errors import TextError

# Registrars differ in length and grouping; what all have in common is that it can be typed in and read out.
_CODE = re.compile(r"[0-9A-Z](?:[0-9A-Z-]{4,62})[0-9A-Z]")


def check_registration_code(code: str) -> None:
    """Return if this can be a registrar's number; raise `TextError` if not."""
    if _CODE.fullmatch(code) is None:
        raise TextError(
            "a registration code has 6 to 64 digits, capital letters and inner hyphens; copy it from the registrar"
        )
