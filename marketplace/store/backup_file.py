r"""The form of a backup in a file: what it is of, its rows by table, and a digest over all of it.

    gzip( "veilmart-backup/1\n" · header · pieces … · 0 · SHA-256 of all before )

Header and pieces are MessagePack behind their length, 8 bytes, big-endian; a piece is a table's number in the
header and some rows. The digest finds damage, not forgery: what a restored log says is proven by its signatures.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import msgspec

from marketplace.errors import BackupError

MAGIC = b"veilmart-backup/1\n"
MAX_PIECE = 1 << 28
"""Bytes of one piece. The longest row there can be is far shorter."""
_LENGTH = 8
_VALUES = (str, int, float, bytes, type(None))
_LEVEL = 3  # most of it is signatures and digests, which nothing makes shorter

T = TypeVar("T")


class TableHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table, in the order of its rows' values, and how many rows follow."""

    name: str
    columns: tuple[str, ...]
    rows: int


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the backup is of."""

    revision: str
    """Of the tables: `marketplace.store.revision`."""
    origin: str
    """The log's name."""
    size: int
    """Entries of the log."""
    at: int
    """UTC, milliseconds since 1970-01-01."""
    tables: tuple[TableHeader, ...]


class Piece(NamedTuple):
    """Some rows of a table, by its number in the header."""

    table: int
    rows: list[tuple[Any, ...]]


class Writer:
    """Writes a backup into an open file; `end` makes it whole."""

    def __init__(self, file: IO[bytes], header: Header) -> None:
        self._digest, self._packed = hashlib.sha256(), msgspec.msgpack.Encoder()
        self._file = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, filename="", mtime=0)
        self._write(MAGIC)
        self._frame(self._packed.encode(header))

    def add(self, table: int, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows of the table with this number in the header."""
        self._frame(self._packed.encode((table, rows)))

    def end(self) -> str:
        """Write the digest and give it, in hex."""
        self._write(bytes(_LENGTH))
        self._file.write(self._digest.digest())
        self._file.close()
        return self._digest.hexdigest()

    def _frame(self, data: bytes) -> None:
        self._write(len(data).to_bytes(_LENGTH, "big"))
        self._write(data)

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)


def read(path: Path) -> tuple[Header, Iterator[Piece]]:
    """Give the header, and the pieces as they are used.

    Raises `BackupError`, at the latest at the end of the pieces, for a file that is damaged, cut off or none.
    """
    frames = _frames(path)
    header = _decoded(path, next(frames, b""), Header)
    return header, (_decoded(path, frame, Piece) for frame in frames)


def verify(path: Path) -> Header:
    """Read the whole file and give its header; raise `BackupError` as `read` does, or if rows are missing."""
    for _ in _frames(path):
        pass  # the digest first: what is damaged is not looked into
    header, pieces = read(path)
    if len({table.name for table in header.tables}) < len(header.tables):
        raise _damaged(path, "the same table twice")
    found = [0] * len(header.tables)
    for piece in pieces:
        if not 0 <= piece.table < len(found):
            raise _damaged(path, "rows of no table")
        width = len(header.tables[piece.table].columns)
        if any(len(row) != width for row in piece.rows):
            raise _damaged(path, f"a row of {header.tables[piece.table].name} with too many or too few values")
        if not all(isinstance(value, _VALUES) for row in piece.rows for value in row):
            raise _damaged(path, f"a row of {header.tables[piece.table].name} with what no column holds")
        found[piece.table] += len(piece.rows)
    for table, count in zip(header.tables, found, strict=True):
        if table.rows != count:
            raise _damaged(path, f"{count} rows of {table.name} and not {table.rows}")
    return header


def _frames(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) as file:
            yield from _parts(path, file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise BackupError(
            f"{path}: {error.strerror or error}; name a file of `veilmart marketplace backup`"
        ) from error


def _parts(path: Path, file: gzip.GzipFile) -> Iterator[bytes]:
    digest = hashlib.sha256()

    def take(count: int) -> bytes:
        data = file.read(count)
        if len(data) != count:
            raise _damaged(path, "it is cut off")
        digest.update(data)
        return data

    if file.read(len(MAGIC)) != MAGIC:
        raise BackupError(f"{path}: no backup of a marketplace; name a file of `veilmart marketplace backup`")
    digest.update(MAGIC)
    while length := int.from_bytes(take(_LENGTH), "big"):
        if length > MAX_PIECE:
            raise _damaged(path, "a piece that is too long")
        yield take(length)
    expected = digest.digest()
    if file.read(len(expected)) != expected or file.read(1):
        raise _damaged(path, "its digest is not that of what it holds")


def _decoded(path: Path, frame: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(frame, type=kind)
    except (ValueError, RecursionError) as error:  # of which msgspec's errors are
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, problem: str) -> BackupError:
    return BackupError(f"{path}: damaged: {problem}; use another copy of it")
