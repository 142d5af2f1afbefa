"""What a handler sees of its job."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from compute.node.jobs.estimate import Pace
from compute.node.jobs.job import Progress
from compute.node.jobs.shelf import Shelf

REPORT_INTERVAL = 0.25
"""Seconds between two reports that are written; what comes between is dropped."""


class Cancelled(BaseException):
    """The run is to stop here: its job is cancelled, or its worker shuts down and another run will resume.

    No Exception, as KeyboardInterrupt is none: it passes a handler's `except Exception`.
    """


class Link(Protocol):
    """The way to the worker."""

    def stopping(self) -> bool:
        """Say whether the run is to stop."""
        ...

    def report(self, progress: Progress) -> None:
        """Pass the progress on."""
        ...

    def save(self, key: str, value: bytes) -> None:
        """Pass a partial result on, and return once it is durable."""
        ...


class JobContext:
    """A job's parameters, the partial results to start from, and where to report. For one thread at a time.

    On the `shelf` stands what earlier jobs of this process have opened.
    """

    def __init__(
        self, parameters: bytes, checkpoints: Mapping[str, bytes], link: Link, shelf: Shelf | None = None
    ) -> None:
        self.parameters = parameters
        self.shelf = Shelf() if shelf is None else shelf
        self._checkpoints, self._link = dict(checkpoints), link
        self._pace = Pace()
        self._last: Progress | None = None
        self._reported_at = -REPORT_INTERVAL

    def progress(self, step: str, done: int, total: int) -> None:
        """Report the units done; a `compute.protocols.base.Progress`.

        Costs little: call it often, as a run stops only here and in `checkpoint`. Raises Cancelled to stop it.
        """
        if self._link.stopping():
            raise Cancelled
        now = time.monotonic()
        self._last = Progress(step, int(done), int(total), self._pace.observe(step, done, now))
        if now - self._reported_at >= REPORT_INTERVAL:
            self._reported_at = now
            self.flush()

    def checkpoint(self, key: str, value: bytes) -> None:
        """Keep a partial result: once this returns, a resumed run finds it. Raises Cancelled to stop the run."""
        self._link.save(key, value)
        self._checkpoints[key] = value
        if self._link.stopping():
            raise Cancelled

    def checkpoints(self) -> dict[str, bytes]:
        """Give the partial results kept by this run and those before it, by key."""
        return dict(self._checkpoints)

    def flush(self) -> None:
        """Pass on the last report, if it was held back."""
        if self._last is not None:
            self._link.report(self._last)
            self._last = None


Handler = Callable[[JobContext], bytes]
"""Does a job of one kind and gives its result.

It must pickle (a function of a module, a partial of one, a frozen dataclass that is called), starts no processes
but those of ``compute.node.computing``, which end with it, leaves no thread behind, and holds the interpreter's
lock in no single call for as long as half a lease.
"""
