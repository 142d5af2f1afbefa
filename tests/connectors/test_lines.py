import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import lines
from connectors.base import Column, ColumnType
from connectors.errors import EncodingError, SourceError, StructureError
from connectors.files import open_csv

GOOD = b"uscc,name,count\n91110000600037341L,a,1\n"
COLUMNS = [Column("uscc", ColumnType.KEY), Column("name", ColumnType.TEXT), Column("count", ColumnType.INTEGER)]


@pytest.mark.parametrize(
    ("line", "error", "column", "told"),
    [
        (b"", StructureError, None, "blank line"),
        (b'k,"CANARY7731,3', StructureError, "name", "a quote is not closed"),
        (b"k,b,CANARY7731\r ", StructureError, "count", "U+000D"),
        (b'k,"CANARY7731"x,3', StructureError, "name", "a quote is not closed"),
        (b'"k,k",CANARY"7731,3', StructureError, "name", "stands inside a cell"),
        (b'k,b, "CANARY7731"', StructureError, "count", "stands inside a cell"),
        (b"k,CANARY7731", StructureError, "count", "2 cells instead of 3"),
        (b"   ", StructureError, "name", "1 cells instead of 3"),
        (b"k,CANARY7731,3,4", StructureError, None, "4 cells instead of 3"),
        (b"k,CANARY7731,3,", StructureError, None, "4 cells instead of 3"),
        (b"k,CANARY7731\x00,3", StructureError, "name", "U+0000"),
        (b'"k,k",CANARY7731,\t3', StructureError, "count", "U+0009"),
        (b'k,"CANARY,7731\x0b",3', StructureError, "name", "U+000B"),
        (b"k,CANARY7731\rb,3", StructureError, "name", "U+000D"),
        (b"k,CANARY7731,3\r", StructureError, "count", "U+000D"),
        (b"k,CANARY7731,3\x7f", StructureError, "count", "U+007F"),
        (b"k,CANARY7731\xff,3", EncodingError, "name", "not UTF-8"),
        (b"k,CANARY7731\xed\xa0\x80,3", EncodingError, "name", "not UTF-8"),
        (b"k,CANARY7731\xc0\x80,3", EncodingError, "name", "not UTF-8"),
        ("k,CANARY7731统一社会,3".encode("gb18030"), EncodingError, "name", "not UTF-8"),
        (b"k,CANARY7731" + b"x" * lines.LINE_BYTES + b",3", StructureError, None, "longer than"),
        (b"k,CANARY7731" + b"x" * 2 * lines.BLOCK_BYTES, StructureError, None, "longer than"),
    ],
    ids=range(22),
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["", "bom"])
def test_a_broken_line_is_named(
    refuse: Callable[..., SourceError],
    bom: bytes,
    end: bytes,
    line: bytes,
    error: type[SourceError],
    column: str | None,
    told: str,
) -> None:
    caught = refuse(bom + GOOD.replace(b"\n", end) + line + end, error)
    assert (caught.line, caught.column) == (3, column)
    assert told in str(caught)


@pytest.mark.parametrize(
    ("line", "column", "told"),
    [
        (b'k,"CANARY7731\nb",3\n', "name", "a quote is not closed"),
        (b"k,CANARY7731,3\r\n", "count", "U+000D"),
        (b"\r\n", "uscc", "U+000D"),
    ],
)
def test_a_broken_end_is_named(
    refuse: Callable[..., SourceError], line: bytes, column: str | None, told: str
) -> None:
    caught = refuse(GOOD + line, StructureError)
    assert (caught.line, caught.column) == (3, column)
    assert told in str(caught)


def test_a_lone_line_feed_among_others_is_named(refuse: Callable[..., SourceError]) -> None:
    caught = refuse(GOOD.replace(b"\n", b"\r\n") + b"k,CANARY7731,3\n", StructureError)
    assert (caught.line, caught.column) == (3, "count")
    assert "U+000A" in str(caught)


def test_utf16_is_not_utf8(refuse: Callable[..., SourceError]) -> None:
    assert refuse(GOOD.decode().encode("utf-16"), EncodingError).line == 1


@pytest.mark.parametrize(("end", "last"), [(b"\n", b""), (b"\n", b"\n"), (b"\r\n", b""), (b"\r\n", b"\r\n")])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_good_forms_are_read(tmp_path: Path, bom: bytes, end: bytes, last: bytes) -> None:
    data = bom + b'uscc,"name",count' + end + b'91110000600037341L,"a ""b"", c",1' + last
    path = tmp_path / "good.csv"
    path.write_bytes(data)
    with open_csv(path, COLUMNS) as table:
        assert table.select(["91110000600037341L"], ["name"])["name"].tolist() == ['a "b", c']
        assert table.snapshot == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("block", [1, 2, 7, 64])
def test_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    path = tmp_path / "blocks.csv"
    path.write_bytes(b"\xef\xbb\xbfuscc,name,count\r\n" + 'k,"中,""文",3\r\n'.encode() * 9 + b'k,"x\r\n')
    monkeypatch.setattr(lines, "BLOCK_BYTES", block)
    with pytest.raises(StructureError) as caught:
        lines.scan(path, COLUMNS)
    assert (caught.value.line, caught.value.column) == (11, "name")


@given(
    st.lists(st.lists(st.text('ab,"中', max_size=4), min_size=3, max_size=3), max_size=6),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_accepts_what_csv_writes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], quoting: Literal[0, 1]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)
    writer.writerows([["uscc", "name", "count"], *rows])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    assert lines.scan(path, COLUMNS).rows == len(rows)


@given(st.text('a,"', max_size=12).filter(bool))
def test_a_line_that_passes_is_one_record_of_three_cells(
    tmp_path_factory: pytest.TempPathFactory, line: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "line.csv"
    path.write_text(f"uscc,name,count\n{line}\n", encoding="utf-8")
    try:
        lines.scan(path, COLUMNS)
    except StructureError:
        return
    records = list(csv.reader([line + "\n"], strict=True))
    assert [len(record) for record in records] == [3]
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(records[0])
    assert records == list(csv.reader([text.getvalue()], strict=True))
