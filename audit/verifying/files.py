"""A log's files by their paths (C2SP tlog-tiles): of the log in a database, and as a copy in a folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

from audit.entry import Entry, parse
from audit.errors import FormatError, MissingError
from audit.log import Log
from audit.tile import FULL_WIDTH, Bundle, bundle_encode, bundle_split, parse_path, tiles
from audit.verifying.kept import write
from audit.verifying.served import Served, read_checkpoint
from audit.verifying.source import Folder, Source


class LogFiles:
    """The files of a log, as its URL serves them: a source for whoever has the database."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def read(self, path: str, limit: int = -1) -> bytes:  # noqa: ARG002 -- nothing here is longer than it should be
        """The bytes at a path; raises MissingError if the log has nothing there."""
        if path == "checkpoint":
            return self._log.published().encode()
        try:
            asked = parse_path(path)
            if isinstance(asked, Bundle):
                first = asked.index * FULL_WIDTH
                return bundle_encode(self._log.bundle(first, first + asked.width))
            return self._log.tile(asked)
        except (FormatError, IndexError) as error:
            raise MissingError(f"the log has nothing at {path!r:.80}: {error}") from error

    def partials(self, _path: str) -> list[int]:
        """None: they follow from the whole."""
        return []


class CopiedEntries:
    """The entries of a copy that was verified, with their indices, read anew each time they are gone through."""

    def __init__(self, folder: Path, size: int) -> None:
        self._served, self.size = Served(Folder(folder)), size

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[tuple[int, Entry]]:
        for first in range(0, self.size, FULL_WIDTH):
            bundle = Bundle(first // FULL_WIDTH, min(FULL_WIDTH, self.size - first))
            for position, data in enumerate(bundle_split(self._served.bundle(bundle))):
                yield first + position, parse(data)


def copy(source: Source, folder: Path, progress: Callable[[int], None] = lambda _entries: None) -> int:
    """Copy the log under its present checkpoint into a folder, which may hold an earlier copy; give its size.

    The checkpoint comes last, so that a copy that broke off has none, or its old one. Nothing is verified. Raises
    UnavailableError, TamperingError for what the log does not give, FormatError for a checkpoint that is none.
    """
    checkpoint, served = read_checkpoint(source), Served(source)
    for tile in tiles(checkpoint.size):
        _put(folder / tile.path, served.tile(tile))
        if tile.level == 0:
            bundle = Bundle(tile.index, tile.width)
            _put(folder / bundle.path, served.bundle(bundle))
            progress(bundle.index * FULL_WIDTH + bundle.width)
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "checkpoint", checkpoint.encode())
    return checkpoint.size


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
