"""The rules of types, each against an oracle that shares no code with them."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Column, ColumnType
from connectors.cells import value_sql
from connectors.errors import CellError, RepeatedKeyError, SourceError

Value = Callable[[Column, str], object]

INTEGER = Column("a", ColumnType.INTEGER)
DECIMAL = Column("a", ColumnType.DECIMAL, 3)
TEXT = Column("a", ColumnType.TEXT)
DATE = Column("a", ColumnType.DATE)
NUMBERS = st.text("0123456789-+._ e１٥,", min_size=1, max_size=22) | st.from_regex(
    r"\A-?[0-9]{1,19}(\.[0-9]{0,5})?\Z", fullmatch=True
)


@pytest.fixture(scope="module")
def value() -> Iterator[Value]:
    connection = duckdb.connect()

    def value_of(column: Column, cell: str) -> object:
        return connection.execute(f"SELECT {value_sql(column, '$cell')}", {"cell": cell}).fetchone()[0]

    yield value_of
    connection.close()


def canonical(cell: str) -> Decimal | None:
    """Tell whether a number is written as Python writes it, but for zeros at the end of its decimals."""
    try:
        number = Decimal(cell)
    except InvalidOperation:
        return None
    plain = format(number, "f") if number.is_finite() else ""
    return number if plain == cell and not (number == 0 and "-" in cell) else None


@given(NUMBERS)
def test_integers(value: Value, cell: str) -> None:
    number = canonical(cell)
    good = number is not None and "." not in cell and abs(number) < 10**18
    assert value(INTEGER, cell) == (int(number) if good else None)


@given(NUMBERS)
def test_decimals_are_exact(value: Value, cell: str) -> None:
    number = canonical(cell)
    good = number is not None and -number.as_tuple().exponent <= 3 and abs(number) < 10**15
    assert value(DECIMAL, cell) == (int(number * 1000) if good else None)


@given(st.text(min_size=1, max_size=20) | st.text(st.characters(max_codepoint=0x2070), min_size=1, max_size=4))
def test_texts(value: Value, cell: str) -> None:
    bad = any(
        unicodedata.category(character) in {"Cc", "Zl", "Zp"}
        or unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        or character in "\u061c\u200e\u200f"
        for character in cell
    )
    assert value(TEXT, cell) == (None if bad or cell != cell.strip() else cell)


@given(st.dates().map(date.isoformat) | st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z", fullmatch=True))
def test_dates(value: Value, cell: str) -> None:
    try:
        expected = date.fromisoformat(cell)
    except ValueError:
        expected = None
    assert value(DATE, cell) == (expected if expected and expected.year >= 1000 else None)


TRAPS = ["1_0", "1.0", "+1", " 1", "1 ", "１", "٥", "-0", "1e3", "01", "--1", "0x1", "1,000", "-", "9" * 19, "NaN"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *((INTEGER, cell) for cell in TRAPS),
        *((DECIMAL, cell) for cell in (*TRAPS, "-0.000", "1.2345", ".5", "1.", "9" * 16, "inf") if cell != "1.0"),
        *(
            (DATE, cell)
            for cell in ("2023-02-29", "2024-2-1", "20240201", "2024-02-01 ", "0000-01-01", "infinity")
        ),
        *((DATE, cell) for cell in ("2024-02-01T00:00", "２024-01-01", "2024-13-01", "1900-02-29", "epoch")),
        *(
            (TEXT, cell)
            for cell in (" a", "a ", "\u3000a", "a\u00a0", "a\u202eb", "a\u0085b", "a\u2028b", "a" * 257)
        ),
    ],
)
def test_traps_are_refused_with_their_place(
    refuse: Callable[..., SourceError], codes: list[str], column: Column, cell: str
) -> None:
    good = f'{codes[0]},""\n'
    caught = refuse(
        f'uscc,a\n{good}{codes[1]},"{cell}"\n'.encode(), CellError, [Column("uscc", ColumnType.KEY), column]
    )
    assert (caught.line, caught.column) == (3, "a")
    assert cell not in re.sub(r"^.*?: ", "", str(caught)).split() or cell == "-"


@pytest.mark.parametrize("column", [INTEGER, DECIMAL, DATE], ids=lambda column: column.type)
def test_no_value_is_told(refuse: Callable[..., SourceError], codes: list[str], column: Column) -> None:
    data = f"uscc,a\n{codes[0]},CANARY7731\n".encode()
    assert refuse(data, CellError, [Column("uscc", ColumnType.KEY), column]).line == 2


def test_no_text_is_told(refuse: Callable[..., SourceError], codes: list[str]) -> None:
    data = f'uscc,a\n{codes[0]},"CANARY7731 "\n'.encode()
    assert refuse(data, CellError, [Column("uscc", ColumnType.KEY), TEXT]).column == "a"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "the key is missing"),
        ('""', "the key is missing"),
        ("CANARY7731", "not a USCC: 18 digits"),
        ("91110000600037341l", "not a USCC: 18 digits"),
        ("91110000600037341L ", "not a USCC: 18 digits"),
        ("91110000600037342L", "check character 17 of the USCC"),
        ("91110000600037341M", "check character 18 of the USCC"),
    ],
)
def test_bad_keys_are_refused_with_their_line(
    refuse: Callable[..., SourceError], codes: list[str], key: str, told: str
) -> None:
    data = f"uscc,a\n{codes[0]},1\n{codes[1]},2\n{key},3\n{codes[2]},4\n".encode()
    caught = refuse(data, CellError, [Column("uscc", ColumnType.KEY), INTEGER])
    assert (caught.line, caught.column) == (4, "uscc")
    assert told in str(caught)
    assert "9111" not in str(caught)


def test_a_repeated_key_names_both_lines(refuse: Callable[..., SourceError], codes: list[str]) -> None:
    data = "uscc\n" + "\n".join([*codes[:5], codes[2], codes[2], codes[0]]) + "\n"
    caught = refuse(data.encode(), RepeatedKeyError, [Column("uscc", ColumnType.KEY)])
    assert (caught.line, caught.column) == (9, "uscc")
    assert "as on line 2;" in str(caught)
    assert codes[0] not in str(caught)


def test_the_first_bad_line_is_the_one_told(refuse: Callable[..., SourceError], codes: list[str]) -> None:
    columns = [Column("uscc", ColumnType.KEY), TEXT, Column("b", ColumnType.INTEGER)]
    rows = [f"{codes[0]},a,1", f"{codes[1]},a,x", f"{codes[2]}, a,x"]
    caught = refuse("\n".join(["uscc,a,b", *rows]).encode(), CellError, columns)
    assert (caught.line, caught.column) == (3, "b")
