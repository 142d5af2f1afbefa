"""Sources under test, valid codes, and the check that a refusal is silent about data."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from stdnum.cn import uscc as reference

from connectors.base import Column, ColumnType, Table
from connectors.errors import SourceError
from connectors.files import open_csv

CANARY = "CANARY7731"

Rows = Sequence[Sequence[str]]
Open = Callable[[Sequence[Column], Rows], Table]


def organisation_check(code: str) -> str:
    """Give character 17 by the text of GB 11714, one character at a time."""
    total = sum(
        int(character, 36) * weight
        for character, weight in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    return {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))


def make_code(number: int) -> str:
    """Give a valid code, another one for each number below a million."""
    body = f"91110000MA{number:06d}"
    body += organisation_check(body)
    return body + reference.calc_check_digit(body)


@pytest.fixture(scope="session")
def codes() -> list[str]:
    return [make_code(number) for number in range(20)]


@pytest.fixture(scope="session")
def many_codes() -> list[str]:
    return [make_code(number) for number in range(100_000)]


def open_as_csv(folder: Path, columns: Sequence[Column], rows: Rows) -> Table:
    path = folder / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([[column.name for column in columns], *rows])
    return open_csv(path, columns)


# A connector takes part in the conformance suite by its line here: it stores the rows (cells as text, "" for
# missing) where it finds them, and opens them.
SOURCES: dict[str, Callable[[Path, Sequence[Column], Rows], Table]] = {"csv": open_as_csv}


@pytest.fixture(params=SOURCES)
def open_source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    opened: list[Table] = []

    def open_rows(columns: Sequence[Column], rows: Rows) -> Table:
        opened.append(SOURCES[request.param](tmp_path, columns, rows))
        return opened[-1]

    yield open_rows
    for table in opened:
        table.close()


def assert_silent(error: BaseException) -> None:
    """Fail if the error, or one that it came from, holds the canary in any form."""
    link: BaseException | None = error
    while link is not None:
        assert CANARY not in str(link)
        assert CANARY not in repr(link)
        assert CANARY not in repr(vars(link))
        assert CANARY.encode() not in getattr(link, "object", b"")
        assert link.__cause__ is None or link.__context__ is link.__cause__
        link = link.__cause__ or link.__context__


KEY = Column("uscc", ColumnType.KEY)
NAME = Column("name", ColumnType.TEXT)
COUNT = Column("count", ColumnType.INTEGER)
COLUMNS = (KEY, NAME, COUNT)


@pytest.fixture
def refuse(tmp_path: Path) -> Callable[..., SourceError]:
    """Give the error that the file's bytes cause; it must be of the class, silent, and name the file."""

    def refused(
        data: bytes, error: type[SourceError] = SourceError, columns: Sequence[Column] = COLUMNS
    ) -> SourceError:
        path = tmp_path / "refused.csv"
        path.write_bytes(data)
        with pytest.raises(error) as caught:
            open_csv(path, columns)
        assert type(caught.value) is error
        assert_silent(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None
        assert str(caught.value).startswith("refused.csv")
        return caught.value

    return refused
