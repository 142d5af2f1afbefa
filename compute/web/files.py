"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Put the data at the path in one step, with these permission bits from the first moment on.

    A reader sees the file of before, or none, or all of the new one. Raises OSError.
    """
    with _beside(path, data, mode) as whole:
        whole.replace(path)
    _sync_folder(path)


def put_once(path: Path, data: bytes, mode: int = 0o644) -> bool:
    """Put the data at the path in one step unless something is there; give whether it was put. Raises OSError."""
    with _beside(path, data, mode) as whole:
        try:
            os.link(whole, path)  # a rename would replace what is there
        except FileExistsError:
            return False
    _sync_folder(path)
    return True


def _sync_folder(path: Path) -> None:
    """Make the name in its folder durable, too."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _beside(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """Give a durable file with the data in the same folder, which is gone afterwards unless it was moved."""
    # mkstemp makes the file with mode 0600: nobody reads it before its mode says so.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
