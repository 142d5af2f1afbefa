import pytest

from catalog.errors import ProductError
from catalog.field import Field, FieldType
from catalog.grade import Grade
from catalog.grid import Grid
from catalog.sample import MAX_ROWS, Origin, Sample, check_sample
from catalog.text import Text

MEANING = Text(zh="意义", en="meaning")
KEY = "91460100*********F"


def field(
    name: str, type_: FieldType, *, scale: int = 0, sensitive: bool = False, grid: Grid | None = None
) -> Field:
    return Field(
        name=name,
        type=type_,
        meaning=MEANING,
        grade=Grade.GENERAL_4,
        scale=scale,
        sensitive=sensitive,
        grid=grid,
    )


FIELDS = (
    field("uscc", FieldType.KEY),
    field("state", FieldType.TEXT, grid=Grid(cells=("CA", "TX"))),
    field("naics", FieldType.TEXT, grid=Grid(cells=("23", "72"), prefix=2)),
    field("staff", FieldType.INTEGER, grid=Grid(edges=("1", "5"))),
    field("capital", FieldType.DECIMAL, scale=2),
    field("founded", FieldType.DATE),
    field("illness", FieldType.TEXT, sensitive=True),
)
ROW = (KEY, "CA", "722511", "12", "-0.50", "2024-02-29", "***")


@pytest.mark.parametrize("origin", Origin)
def test_rows_that_could_be(origin: Origin) -> None:
    check_sample(Sample(origin=origin, rows=(ROW, (KEY, "", "", "", "", "", ""))), FIELDS)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (0, "91460100MAQBDL395F", "blot out places 9 to 17"),
        (0, "91460100********5F", "blot out places 9 to 17"),
        (0, "", "blot out places 9 to 17"),
        (1, "NY", "in no cell"),
        (2, "11", "in no cell"),
        (3, "1.5", "no integer"),
        (3, "1_0", "no integer"),
        (3, "٥", "no integer"),
        (3, "+1", "no integer"),
        (4, "1.555", "no decimal"),
        (4, "-0.00", "no decimal"),
        (4, "1e2", "no decimal"),
        (5, "2023-02-29", "no date"),
        (5, "20240229", "no date"),
        (6, " a", "no text"),
        (6, "a\u202eb", "no text"),
    ],
)
def test_a_value_that_could_not_stand_there(place: int, value: str, told: str) -> None:
    row = (*ROW[:place], value, *ROW[place + 1 :])
    with pytest.raises(ProductError, match=f"row 2 of the sample, field {FIELDS[place].name}: .*{told}"):
        check_sample(Sample(origin=Origin.SYNTHETIC, rows=(ROW, row)), FIELDS)


def test_what_is_sensitive_is_made_up_or_blotted_out() -> None:
    rows = ((*ROW[:-1], "flu"),)
    check_sample(Sample(origin=Origin.SYNTHETIC, rows=rows), FIELDS)
    with pytest.raises(ProductError, match="field illness: it is sensitive; write asterisks only"):
        check_sample(Sample(origin=Origin.REDACTED, rows=rows), FIELDS)


@pytest.mark.parametrize(
    ("rows", "told"),
    [((), "0 rows"), ((ROW,) * (MAX_ROWS + 1), "give 1 to"), ((ROW[:-1],), "row 1 of the sample has 6 values")],
)
def test_few_whole_rows(rows: tuple[tuple[str, ...], ...], told: str) -> None:
    with pytest.raises(ProductError, match=told):
        check_sample(Sample(origin=Origin.SYNTHETIC, rows=rows), FIELDS)
