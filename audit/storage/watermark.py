"""The watermark: the largest checkpoint that witnesses were shown, kept in a file outside the log's database.

A database that was restored from an old backup does not know what the log has signed since. It would sign other
trees of the same sizes, which witnesses and everybody else would take, rightly, for a fork. So the file is raised
before a checkpoint is shown, and a database that does not reach it is not opened. Keep it out of the database's
backups.
"""

import os
from collections.abc import Callable
from pathlib import Path

from audit import checkpoint as checkpoints
from audit import note as notes
from audit.checkpoint import Checkpoint
from audit.errors import FormatError, LogError, ProofError, SignatureError
from audit.log import Log
from audit.note import VerifierKey


class Watermark:
    """The file at this path, for the log of this key. One process at a time may raise it."""

    def __init__(self, path: Path, key: VerifierKey) -> None:
        self._path, self._key = path, key

    def read(self) -> Checkpoint | None:
        """The largest checkpoint that was shown; None if there is no file. Raises LogError for any other file."""
        try:
            return self._parsed(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, FormatError, SignatureError) as error:
            raise LogError(f"{self._path}: no watermark of this log: {error}; name its own") from error

    def check(self, log: Log) -> None:
        """Return if the log has grown from what was shown; raise LogError if not, and nothing may be signed."""
        self.check_root(log.root)

    def check_root(self, root: Callable[[int], bytes]) -> None:
        """Do so for a log that is not open yet; `root` gives the root at a size, or raises ProofError."""
        shown = self.read()
        if shown is None:
            return
        try:
            is_own = root(shown.size) == shown.root
        except ProofError:
            is_own = False
        if not is_own:
            raise LogError(
                f"the database has not the {shown.size} entries that witnesses were shown ({self._path}): it was "
                "restored from an old backup, or changed; find the latest one, and sign nothing until then"
            )

    def raise_to(self, shown: Checkpoint) -> None:
        """Keep the checkpoint, durably, if it is larger than the one that is kept. Raises LogError."""
        kept = self.read()
        if kept is not None and kept.size >= shown.size:
            return
        try:
            self._replace(shown.encode())
        except OSError as error:
            raise LogError(f"{self._path}: {error.strerror}; nothing is shown that is not kept") from error

    def _parsed(self, data: bytes) -> Checkpoint:
        found = checkpoints.parse(data)
        if found.origin != self._key.name or not notes.verify(found.note, [self._key]):
            raise SignatureError(f"not signed by {self._key.name}")
        return found

    def _replace(self, data: bytes) -> None:
        """Put the data in the file's place: after a crash there is either the old file or the new one."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
