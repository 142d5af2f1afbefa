"""What a job's process keeps open for its next job: a key, a table, connections."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class Shelf:
    """Things by name, each with the stamp of what it was made of. For one thread at a time."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, Any, ExitStack]] = {}

    def get(self, name: str, stamp: object, make: Callable[[], AbstractContextManager[T]]) -> T:
        """Give the thing of this name; open it with `make` if there is none, or one of another stamp.

        What it replaces is closed first.
        """
        if name in self._kept:
            kept_stamp, thing, stack = self._kept[name]
            if kept_stamp == stamp:
                found: T = thing
                return found
            del self._kept[name]
            stack.close()
        with ExitStack() as stack:
            made = stack.enter_context(make())
            self._kept[name] = stamp, made, stack.pop_all()
        return made


def stamp_of(path: Path) -> tuple[int, ...]:
    """Give what changes when a file is written or replaced: its inode, size and times. Raises OSError."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
