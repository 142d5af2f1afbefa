"""One column of a data product, as consumers see it before they see any value."""

from enum import StrEnum

import msgspec

from catalog.errors import FieldError
from catalog.grade import Grade
from catalog.grid import Grid
from catalog.text import Text, check_name

SCALES = range(1, 18)  # decimals of a decimal: with 18 digits in all it fits 64 bits


class FieldType(StrEnum):
    """What a field may hold; the identifiers are those of the connectors' columns."""

    KEY = "key"  # the subject's unified social credit code
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A field's name, type, meaning and grade; `scale` counts a decimal's decimals, `unit` is of a number.

    A model can use a field that has a `grid`, and no other. `sensitive` is what is sensitive personal information
    of a sole trader or another person (Personal Information Protection Law, article 28).
    """

    name: str
    type: FieldType
    meaning: Text
    grade: Grade
    sensitive: bool = False
    scale: int = 0
    unit: Text | None = None
    grid: Grid | None = None

    def __post_init__(self) -> None:
        """Raise `TextError` for the name, `FieldError` for parts that do not fit the type."""
        check_name(self.name, "a field's name")
        if self.type is FieldType.DECIMAL and self.scale not in SCALES:
            raise FieldError(f"field {self.name}: give its scale, {SCALES.start} to {SCALES.stop - 1} decimals")
        if self.type is not FieldType.DECIMAL and self.scale != 0:
            raise FieldError(f"field {self.name}: only a decimal has a scale; remove it or change the type")
        is_number = self.type in {FieldType.INTEGER, FieldType.DECIMAL}
        if self.unit is not None and not is_number:
            raise FieldError(f"field {self.name}: only a number has a unit; remove it or change the type")
        if self.grid is not None and self.grid.edges and not is_number:
            raise FieldError(f"field {self.name}: only a number's grid has edges; name a text's cells")
        if self.grid is not None and self.grid.cells and self.type is not FieldType.TEXT:
            raise FieldError(f"field {self.name}: only a text's grid has cells; give a number's edges")
