"""Places for those whose request is held until work ends: few, so that a server's other threads stay free."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Holds:
    """So many `places` in this process, and one for each owner."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._owners: set[str] = set()
        self._lock = Lock()

    @contextmanager
    def place(self, owner: str) -> Iterator[bool]:
        """Give whether the owner has a place within the block: no if it has one already, or all are taken."""
        with self._lock:
            free = owner not in self._owners and len(self._owners) < self._places
            if free:
                self._owners.add(owner)
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    self._owners.remove(owner)
