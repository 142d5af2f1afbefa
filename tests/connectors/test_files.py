"""What only files have: paths, sizes, changes, and a DuckDB shut off from all other files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from connectors import files
from connectors.base import Column, ColumnType
from connectors.errors import CellError, ChangedError, UnreadableError
from connectors.files import open_csv
from connectors.lines import Scan

KEY = Column("uscc", ColumnType.KEY)
COLUMNS = [KEY, Column("a", ColumnType.INTEGER)]


@pytest.fixture
def path(tmp_path: Path, codes: list[str]) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("uscc,a\n" + "".join(f"{code},{row}\n" for row, code in enumerate(codes)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "name", ["a[1].csv", "a*.csv", "a?.csv", "x=1.csv", "中 文.csv", "a.csv.gz", "it's {a}.csv"]
)
def test_a_name_is_no_pattern(path: Path, name: str) -> None:
    folder = path.parent / "year=2020"
    folder.mkdir()
    (folder / "a1.csv").write_text("uscc,a\n", encoding="utf-8")
    with open_csv(path.rename(folder / name), COLUMNS) as table:
        assert table.rows == 20


def test_a_link_is_followed(path: Path, codes: list[str]) -> None:
    link = path.with_name("link.csv")
    link.symlink_to(path)
    with open_csv(link, COLUMNS) as table:
        assert table.keys() == codes


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableError, match="check the path and its permissions"):
        open_csv(tmp_path / name, COLUMNS)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b",7\n", b",8\n"),
        lambda data: data + b"\n",
        lambda data: data[:-30],
        lambda _: b"",
    ],
)
def test_a_change_between_check_and_load_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes]
) -> None:
    def scan_then_change(source: Path, columns: Sequence[Column]) -> Scan:
        result = real_scan(source, columns)
        source.write_bytes(change(source.read_bytes()))
        return result

    real_scan = files.scan
    monkeypatch.setattr(files, "scan", scan_then_change)
    with pytest.raises((ChangedError, UnreadableError)) as caught:
        open_csv(path, COLUMNS)
    assert caught.value.__context__ is None


def test_too_little_memory_is_said_without_the_row(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(files.CONFIG, "memory_limit", "100KB")
    with pytest.raises(UnreadableError, match="not loaded") as caught:
        open_csv(path, COLUMNS)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "statement",
    [
        "FROM read_csv('{other}')",
        "FROM read_text('{other}')",
        "FROM '{other}'",
        "FROM read_csv('{path}')",
        "FROM glob('{folder}/*')",
        "COPY data TO '{folder}/out.csv'",
        "COPY data TO '{path}' (USE_TMP_FILE false)",
        "COPY data FROM '{other}'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/out.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "FROM 'https://example.org/a.csv'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "SET memory_limit = '1TB'",
        "SET temp_directory = '{folder}'",
        "PRAGMA enable_profiling",
        "FROM secret_frame",
    ],
)
def test_the_database_reaches_nothing_else(path: Path, statement: str) -> None:
    secret_frame = pd.DataFrame({"a": [1]})
    other = path.with_name("other.csv")
    other.write_bytes(path.read_bytes())
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    with open_csv(path, COLUMNS) as table, pytest.raises(duckdb.Error):
        table._connection.execute(statement.format(other=other, path=path, folder=path.parent))
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
    assert len(secret_frame) == 1


def test_order_and_lines_hold_over_parallel_loading(tmp_path: Path, many_codes: list[str]) -> None:
    path = tmp_path / "many.csv"
    wide = [KEY, *(Column(f"t{number}", ColumnType.TEXT) for number in range(10))]
    lines = [",".join(column.name for column in wide), *(f"{code}" + ",some text" * 10 for code in many_codes)]
    path.write_text("\n".join(lines), encoding="utf-8")
    with open_csv(path, wide) as table:
        assert table.keys() == many_codes
    lines[90_001] = lines[90_001].replace("some text", " some text", 1)
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(CellError) as caught:
        open_csv(path, wide)
    assert (caught.value.line, caught.value.column) == (90_002, "t0")
