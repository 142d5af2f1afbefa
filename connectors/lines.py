"""The first of two passes over a CSV file: its bytes, lines and cells, before DuckDB sees it.

A file that passes is UTF-8, ends all its lines alike (LF or CRLF), and each of its lines is one record of RFC
4180 with as many cells as there are columns. So the line of row r (from 0) is r + 2, and what DuckDB could still
say about the structure, quoting the row, it never has to. Read in blocks: memory does not grow with the file.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from connectors.base import Column
from connectors.errors import EncodingError, StructureError
from connectors.header import check_header

BLOCK_BYTES = 4 << 20
LINE_BYTES = 1 << 20  # DuckDB takes 2 MiB; no table of texts of at most 256 characters needs that much

_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_NOT_CONTROL = bytes(byte for byte in range(256) if not _CONTROL.match(bytes([byte])))
# A cell in quotes, from one edge to the next. What is left after taking these out may hold no quote.
# Possessive (*+), so that a line without its closing quote is gone through once and not once per quote.
_QUOTED = re.compile(rb'(?<![^,])"[^"]*+(?:""[^"]*+)*+"(?![^,])')


@dataclass(frozen=True, slots=True)
class Scan:
    """What a good file is: the SHA-256 of its bytes in hexadecimal, and its rows without the header."""

    digest: str
    rows: int


def scan(path: Path, columns: Sequence[Column]) -> Scan:
    """Read the file through and check everything but the values.

    Raises `HeaderError`, `EncodingError` or `StructureError` at the first fault of the first bad block, and
    OSError where the file cannot be read.
    """
    names = [column.name for column in columns]
    digest = hashlib.sha256()
    last = 0  # number of the last line checked
    with path.open("rb") as stream:
        end = b"\r\n" if stream.readline(LINE_BYTES).endswith(b"\r\n") else b"\n"
        stream.seek(0)
        for raw in _blocks(stream, end, digest.update):
            block = raw.removeprefix(_BOM) if last == 0 else raw
            _check_encoding(path.name, block, end, last, names)
            lines = block.split(end)
            if last == 0:
                check_header(path.name, lines[0].decode(), columns)
            # What is deleted is allowed: several times faster than a search for what is not.
            if block.translate(None, _NOT_CONTROL) != end * (len(lines) - 1):
                _refuse_control(path.name, lines, last, names)
            _check_lines(path.name, lines, last, names)
            last += len(lines)
    if last == 0:
        raise StructureError(path.name, f"the file is empty; write as first line: {','.join(names)}")
    return Scan(digest.hexdigest(), last - 1)


def _blocks(stream: BinaryIO, end: bytes, update: Callable[[bytes], None]) -> Iterator[bytes]:
    """Give the stream in blocks of whole lines joined by `end`; one over `LINE_BYTES` may come unfinished."""
    rest = b""
    while chunk := stream.read(BLOCK_BYTES):
        update(chunk)
        whole, found, rest = (rest + chunk).rpartition(end)
        if found:
            yield whole
        if len(rest) > LINE_BYTES:
            yield rest
    if rest:
        yield rest


def _check_encoding(source: str, block: bytes, end: bytes, last: int, names: Sequence[str]) -> None:
    at = None
    try:
        block.decode()
    except UnicodeDecodeError as error:
        at = error.start  # the error itself holds the block: errors.py
    if at is not None:
        before = block[:at]
        raise EncodingError(
            source,
            "the bytes are not UTF-8; save the file as UTF-8",
            line=last + 1 + before.count(end),
            column=_column(before.rpartition(end)[2], names),
        )


def _refuse_control(source: str, lines: Sequence[bytes], last: int, names: Sequence[str]) -> NoReturn:
    number, line, control = next(
        (number, line, found) for number, line in enumerate(lines, last + 1) if (found := _CONTROL.search(line))
    )
    raise StructureError(
        source,
        f"control character U+{control.group()[0]:04X} inside the line; remove it "
        "(tabs too), and end all lines like the first",
        line=number,
        column=_column(line[: control.start()], names),
    )


def _column(before: bytes, names: Sequence[str]) -> str | None:
    """Give the name of the column that follows the beginning of a line."""
    cells = _QUOTED.sub(b"", before).partition(b'"')[0].count(b",")
    return names[cells] if cells < len(names) else None


def _check_lines(source: str, lines: Sequence[bytes], last: int, names: Sequence[str]) -> None:
    for number, line in enumerate(lines, last + 1):
        bare = _QUOTED.sub(b"", line) if b'"' in line else line
        if bare.count(b",") == len(names) - 1 and b'"' not in bare and line and len(line) <= LINE_BYTES:
            continue
        raise _line_fault(source, line, bare, number, names)


def _line_fault(source: str, line: bytes, bare: bytes, number: int, names: Sequence[str]) -> StructureError:
    cells = bare.count(b",") + 1
    if len(line) > LINE_BYTES:
        return StructureError(source, f"longer than {LINE_BYTES} bytes; check the ends of lines", line=number)
    if not line:
        return StructureError(source, "blank line; remove it, also at the end of the file", line=number)
    if b'"' in bare:
        return StructureError(
            source,
            "a quote is not closed on its line or stands inside a cell; "
            'put the whole cell into quotes, double those within ("") and remove line breaks',
            line=number,
            column=_column(line[: _first_bare_quote(line)], names),
        )
    return StructureError(
        source,
        f"{cells} cells instead of {len(names)}; put cells that hold a comma into quotes",
        line=number,
        column=names[cells] if cells < len(names) else None,
    )


def _first_bare_quote(line: bytes) -> int:
    """Give the position of the first quote that `_QUOTED` leaves."""
    return _QUOTED.sub(lambda cell: b"_" * len(cell.group()), line).index(b'"')
