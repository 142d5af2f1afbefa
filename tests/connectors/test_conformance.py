"""What every connector must do; a new one registers itself in conftest.SOURCES."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from connectors.base import Column, ColumnType, Table
from connectors.errors import CellError, ClosedError, ConnectorError, RepeatedKeyError, UnknownColumnError

COLUMNS = (
    Column("uscc", ColumnType.KEY),
    Column("name", ColumnType.TEXT),
    Column("count", ColumnType.INTEGER),
    Column("amount", ColumnType.DECIMAL, 2),
    Column("day", ColumnType.DATE),
)
CELLS = [
    ['北京 a,"b"\'', "-7", "0.5", "2024-02-29"],
    ["", "", "", ""],
    ["𠀀", "999999999999999999", "-9999999999999999.99", "9999-12-31"],
]


@pytest.fixture
def table(open_source: Callable[..., Table], codes: list[str]) -> Table:
    return open_source(COLUMNS, [[code, *cells] for code, cells in zip(codes, CELLS, strict=False)])


def test_describes_itself(table: Table, codes: list[str]) -> None:
    assert table.columns == COLUMNS
    assert table.rows == 3
    assert len(bytes.fromhex(table.snapshot)) == 32
    assert table.keys() == codes[:3]


def test_select_gives_the_cells_in_the_order_of_the_keys(table: Table, codes: list[str]) -> None:
    frame = table.select([codes[2], codes[0]], ["day", "name", "amount", "count", "uscc"])
    assert frame.columns.tolist() == ["day", "name", "amount", "count", "uscc"]
    assert frame.index.tolist() == [0, 1]
    assert frame["uscc"].tolist() == [codes[2], codes[0]]
    assert frame["name"].tolist() == ["𠀀", '北京 a,"b"\'']
    assert frame["count"].tolist() == [999_999_999_999_999_999, -7]
    assert frame["amount"].tolist() == [-999_999_999_999_999_999, 50]
    assert frame["day"].dt.strftime("%Y-%m-%d").tolist() == ["9999-12-31", "2024-02-29"]


@pytest.mark.parametrize("keys", [[], [0], [1], [19], [0, 19, 0, 1]])
def test_dtypes_do_not_depend_on_the_cells(table: Table, codes: list[str], keys: list[int]) -> None:
    frame = table.select([codes[key] for key in keys], [column.name for column in COLUMNS])
    assert len(frame) == len(keys)
    assert frame.dtypes.astype(str).tolist() == ["object", "object", "Int64", "Int64", "datetime64[us]"]


def test_empty_cells_and_unknown_keys_are_missing(table: Table, codes: list[str]) -> None:
    frame = table.select([codes[1], codes[19], codes[0]], ["name", "count", "amount", "day", "uscc"])
    assert frame["name"].tolist()[:2] == [None, None]
    assert frame["uscc"].tolist() == [codes[1], None, codes[0]]
    assert frame.isna().sum(axis=1).tolist() == [4, 5, 0]
    assert frame["count"][0] is pd.NA


@pytest.mark.parametrize("key", ["", "'; DROP TABLE data; --", "x" * 100_000, "\x00", "１"])
def test_a_key_that_is_no_code_is_an_unknown_key(table: Table, key: str) -> None:
    assert table.select([key], ["count"])["count"].isna().all()
    assert table.rows == len(table.keys())


def test_a_key_asked_for_twice_comes_twice(table: Table, codes: list[str]) -> None:
    assert table.select([codes[0], codes[0]], ["count"])["count"].tolist() == [-7, -7]


def test_no_columns_give_a_row_per_key(table: Table, codes: list[str]) -> None:
    assert table.select(codes[:2], []).shape == (2, 0)


def test_unknown_columns_are_named(table: Table, codes: list[str]) -> None:
    with pytest.raises(UnknownColumnError, match=r"no column nom, o\?o; it has uscc, name"):
        table.select(codes, ["name", "nom", "o\u202eo"])


def test_the_frame_is_the_callers(table: Table, codes: list[str]) -> None:
    frame = table.select(codes[:1], ["count", "name"])
    frame.loc[0, "count"] = 1
    frame.loc[0, "name"] = "changed"
    assert table.select(codes[:1], ["count"])["count"].tolist() == [-7]


def test_threads_may_share_a_table(table: Table, codes: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        counts = pool.map(lambda key: table.select([key], ["count"])["count"][0], codes[:1] * 40)
    assert list(counts) == [-7] * 40


def test_a_closed_table_says_so(open_source: Callable[..., Table], codes: list[str]) -> None:
    with open_source(COLUMNS[:2], [[codes[0], "a"]]) as table:
        assert table.keys() == codes[:1]
    table.close()
    with pytest.raises(ClosedError, match="open the source again") as caught:
        table.keys()
    assert caught.value.__context__ is None


def test_a_table_without_rows_is_a_table(open_source: Callable[..., Table], codes: list[str]) -> None:
    table = open_source(COLUMNS, [])
    assert (table.rows, table.keys()) == (0, [])
    assert table.select(codes[:1], ["count"])["count"].isna().all()


def test_the_snapshot_follows_the_cells(open_source: Callable[..., Table], codes: list[str]) -> None:
    snapshots = [open_source(COLUMNS[:2], [[codes[0], cell]]).snapshot for cell in "aba"]
    assert snapshots[0] == snapshots[2] != snapshots[1]


@pytest.mark.parametrize(
    ("rows", "error"),
    [([[0, "a"], [0, "b"]], RepeatedKeyError), ([[None, "a"]], CellError), ([[0, " a"]], CellError)],
)
def test_bad_cells_are_refused_with_their_column(
    open_source: Callable[..., Table],
    codes: list[str],
    rows: list[tuple[int | None, str]],
    error: type[ConnectorError],
) -> None:
    with pytest.raises(error) as caught:
        open_source(COLUMNS[:2], [["" if key is None else codes[key], cell] for key, cell in rows])
    assert isinstance(caught.value, ConnectorError)
    assert caught.value.column in {"uscc", "name"}
