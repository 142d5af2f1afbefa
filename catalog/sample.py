"""A few rows that show what a product looks like: made up, or with what identifies blotted out; never real."""

import re
from datetime import date
from enum import StrEnum

import msgspec

from catalog.errors import ProductError
from catalog.field import Field, FieldType

MAX_ROWS = 20
DIGITS = 18

# Places 9 to 17 of a USCC are the organisation's own (GB 32100-2015): with them blotted out it names nobody.
_KEY = re.compile(r"[0-9A-Z]{8}\*{9}[0-9A-Z*]")
_INTEGER = re.compile(rf"0|-?[1-9][0-9]{{0,{DIGITS - 1}}}")
_TEXT_CHARACTERS = 256
_REDACTED = re.compile(r"\*+")


class Origin(StrEnum):
    """Where a sample's rows come from."""

    SYNTHETIC = "synthetic"
    REDACTED = "redacted"


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rows of text, a value for each field in the fields' order; an empty value is a missing one."""

    origin: Origin
    rows: tuple[tuple[str, ...], ...]


def check_sample(sample: Sample, fields: tuple[Field, ...]) -> None:
    """Return if the rows could be rows of these fields and nobody's own; raise `ProductError` if not.

    1. There are some, and few.
    2. Each has a value for every field.
    3. A key has asterisks in places 9 to 17, so it is nobody's.
    4. In a redacted sample a sensitive field has nothing but asterisks.
    5. Every other value is of its field's type, and in a cell of its grid if that has cells.
    """
    if not 1 <= len(sample.rows) <= MAX_ROWS:  # 1
        raise ProductError(f"the sample has {len(sample.rows)} rows; give 1 to {MAX_ROWS}")
    for number, row in enumerate(sample.rows, start=1):
        if len(row) != len(fields):  # 2
            raise ProductError(
                f"row {number} of the sample has {len(row)} values; give one for each of {len(fields)} fields"
            )
        for field, value in zip(fields, row, strict=True):
            if told := _fault(field, value, sample.origin):
                raise ProductError(f"row {number} of the sample, field {field.name}: {told}")


def _fault(field: Field, value: str, origin: Origin) -> str | None:
    if field.type is FieldType.KEY:  # 3
        return None if _KEY.fullmatch(value) else "blot out places 9 to 17 of the code, like 91460100*********F"
    if field.sensitive and origin is Origin.REDACTED:  # 4
        return None if not value or _REDACTED.fullmatch(value) else "it is sensitive; write asterisks only"
    if not value:
        return None
    if not _is_of_type(field, value):  # 5
        return f"a value is no {field.type}; write it as the table has it"
    if field.grid is not None and field.grid.cells and value[: field.grid.prefix] not in field.grid.cells:
        return "a value is in no cell of the field's grid; choose one that is"
    return None


def _is_of_type(field: Field, value: str) -> bool:
    match field.type:
        case FieldType.INTEGER:
            return _INTEGER.fullmatch(value) is not None
        case FieldType.DECIMAL:
            shape = rf"-?(0|[1-9][0-9]{{0,{DIGITS - 1 - field.scale}}})(\.[0-9]{{1,{field.scale}}})?"
            return re.fullmatch(shape, value) is not None and re.fullmatch(r"-0(\.0+)?", value) is None
        case FieldType.DATE:
            return _is_date(value)
        case _:
            return len(value) <= _TEXT_CHARACTERS and value == value.strip() and value.isprintable()


def _is_date(value: str) -> bool:
    if re.fullmatch(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}", value) is None:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
