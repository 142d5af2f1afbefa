"""What time and which places a product's rows are about."""

import re
from datetime import date

import msgspec

from catalog.errors import ProductError
from catalog.text import Text

MAX_PLACES = 64
NATION = "100000"
"""The whole country, as the tables of the Ministry of Civil Affairs write it."""

# GB/T 2260-2007: two digits each of province, prefecture and county; a higher unit has zeros at the end.
_PROVINCES = "1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|81|82"
_DIVISION = re.compile(rf"(?:{_PROVINCES})(?:0000|(?!00)[0-9]{{4}})")


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place by its label, and by its code of GB/T 2260 (six digits) if it has one: those abroad have none."""

    label: Text
    code: str | None = None

    def __post_init__(self) -> None:
        """Raise `ProductError` for a code that names no administrative division."""
        if self.code is None or self.code == NATION:
            return
        if _DIVISION.fullmatch(self.code) is None:
            raise ProductError(
                f"the place {self.code:.12} is no division of GB/T 2260; write six digits like 460100, or no code"
            )


class Coverage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From `first_day` to `last_day`, both included, in `places`; without a last day the rows go on."""

    first_day: date
    places: tuple[Place, ...]
    last_day: date | None = None

    def __post_init__(self) -> None:
        """Raise `ProductError` for days in the wrong order, and for no place, too many, or one twice."""
        if self.last_day is not None and self.last_day < self.first_day:
            raise ProductError(f"the coverage ends on {self.last_day}, before {self.first_day}; exchange the days")
        if not 1 <= len(self.places) <= MAX_PLACES:
            raise ProductError(
                f"{len(self.places)} places are given; name 1 to {MAX_PLACES}, or the unit above them"
            )
        if len(set(self.places)) < len(self.places):
            raise ProductError("a place is given twice; keep one")
