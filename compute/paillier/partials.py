"""Results of parts of a computation that are kept, so that a run which is broken off goes on where it was."""

import hashlib
import hmac
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from compute.paillier.runner import Runner

T = TypeVar("T")

_MAC_BYTES = 32
_LABEL = b"veilmart/partial/v1"


class Partials(Protocol):
    """Bytes by name. What ``put`` was given is found again by ``get``, whole or not at all, also after a crash."""

    def get(self, name: str) -> bytes | None:
        """Give what was put under this name."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes, durably once it returns."""
        ...


class PartialFiles:
    """Partials as files of a folder, which its owner removes in the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def get(self, name: str) -> bytes | None:
        """Give the file's bytes."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Write, sync, rename, sync: a crash leaves no half file under the name, but one with a dot behind it."""
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=f"{name}.", delete=False) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class SealedPartials:
    """Partials under HMAC-SHA256 of their owner.

    What was altered or cut off, or stands under another name, is as good as never kept: it is computed again.
    """

    def __init__(self, partials: Partials, secret: bytes) -> None:
        self._partials, self._secret = partials, secret

    def get(self, name: str) -> bytes | None:
        """Give what the owner put under this name."""
        sealed = self._partials.get(name) or b""
        mac, data = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        return data if hmac.compare_digest(mac, self._mac(name, data)) else None

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes behind their HMAC."""
        self._partials.put(name, self._mac(name, data) + data)

    def _mac(self, name: str, data: bytes) -> bytes:
        return hmac.digest(self._secret, _LABEL + hashlib.sha256(name.encode()).digest() + data, "sha256")


def run_or_resume(
    runner: Runner,
    function: Callable[[T], bytes],
    names: Callable[[], Sequence[str]],
    count: int,
    tasks: Callable[[Sequence[int]], Iterable[T]],
    seconds: float,
    partials: Partials | None,
) -> Iterator[tuple[int, bytes]]:
    """Give (index, result) of ``count`` tasks: first those that an earlier run kept, then others as they come.

    ``tasks`` makes the tasks of the indices that it is given, in their order; ``names`` gives each task's name,
    for ``partials``; ``seconds`` is what all cost.
    """
    if partials is None or count == 1:  # of one task there are no finished parts
        yield from runner.run(function, tasks(range(count)), seconds)
        return
    missing, named = [], names()
    for index, name in enumerate(named):
        kept = partials.get(name)
        if kept is None:
            missing.append(index)
        else:
            yield index, kept
    for position, result in runner.run(function, tasks(missing), seconds):
        partials.put(named[missing[position]], result)
        yield missing[position], result
