"""The process in which handlers run, one job after another: the worker is at the other end of a pipe.

    worker → child   Begin(kind, …, until), then Renew(until) · Saved · Stop
    child → worker   Progress · Save(key, value) · then one of Done(result), Failed(failure, place), Stopped

A run lives no longer than its worker's lease: the kernel's timer kills the process at the deadline of the last
renewal, also when it was paused or sits in a C call. So it is gone before another worker may take its job. Between
two runs there is no lease and no timer; the process then ends with its worker.
"""

import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from queue import SimpleQueue

from compute.node.jobs.context import Cancelled, Handler, JobContext
from compute.node.jobs.job import Failure, Progress
from compute.node.jobs.shelf import Shelf
from compute.protocols.base import ProtocolError, RefusalError, RefusedByPeerError
from compute.web.dumps import forbid_dumps
from compute.web.errors import PeerProblemError, ProblemError, WebError


@dataclass(frozen=True)
class Begin:
    """Run a job of this kind, under a lease that stands `until` as in `Renew`."""

    kind: str
    parameters: bytes = field(repr=False)
    checkpoints: Mapping[str, bytes] = field(repr=False)
    until: float


@dataclass(frozen=True)
class Renew:
    """The lease stands until this time of the monotonic clock, which all processes of a machine share."""

    until: float


@dataclass(frozen=True)
class Saved:
    """The partial result is durable."""


@dataclass(frozen=True)
class Stop:
    """Stop at the next report."""


@dataclass(frozen=True)
class Save:
    """Keep this partial result."""

    key: str
    value: bytes = field(repr=False)


@dataclass(frozen=True)
class Done:
    """The handler's result."""

    result: bytes = field(repr=False)


@dataclass(frozen=True)
class Failed:
    """The handler's error: what the owner is told, and for the worker's log the place without the error's text."""

    failure: Failure
    place: str


@dataclass(frozen=True)
class Stopped:
    """The handler stopped as it was asked to."""


def serve(pipe: Connection, handlers: Mapping[str, Handler]) -> None:
    """Run one job after another, by kind, for as long as the worker lives. The target of the process."""
    forbid_dumps()  # the fork server was executed, and so began anew
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group: the worker decides what they mean
        signal.signal(number, signal.SIG_IGN)
    link, shelf = _PipeLink(pipe), Shelf()
    while True:
        begun = link.next_run()
        ended = _run(handlers[begun.kind], JobContext(begun.parameters, begun.checkpoints, link, shelf))
        link.end_run()  # first: what is over needs no lease
        link.send(ended)


def _run(handler: Handler, context: JobContext) -> "Done | Failed | Stopped":
    """Run the handler and give how it ended."""
    try:
        result = memoryview(
            handler(context)
        ).tobytes()  # what is not bytes is this handler's error, not the store's
        context.flush()
    except Cancelled:
        return Stopped()
    except Exception as error:  # noqa: BLE001 -- whatever went wrong is sent on, and ends the job
        return Failed(_failure(error), "".join(traceback.format_tb(error.__traceback__)))
    return Done(result)


class _PipeLink:
    """The child's end of the pipe; a thread hears what the worker says while the handler computes."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._begun: SimpleQueue[Begin] = SimpleQueue()
        self._leased, self._stop, self._saved = threading.Event(), threading.Event(), threading.Semaphore(0)
        self._running, self._lock = False, threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def next_run(self) -> Begin:
        """Give the next job, once its lease is known to stand."""
        begun = self._begun.get()
        self._leased.wait()
        return begun

    def end_run(self) -> None:
        """Stop the timer; what still comes for this run is not heard."""
        with self._lock:
            self._running = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._leased.clear()
            self._stop.clear()

    def stopping(self) -> bool:
        return self._stop.is_set()

    def report(self, progress: Progress) -> None:
        self.send(progress)

    def save(self, key: str, value: bytes) -> None:
        self.send(Save(key, value))
        self._saved.acquire()

    def send(self, message: Progress | Save | Done | Failed | Stopped) -> None:
        try:
            self._pipe.send(message)
        except ConnectionError:
            os._exit(1)  # the worker is dead: nobody is left to compute for

    def _listen(self) -> None:
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, ConnectionError):
                os._exit(1)
            with self._lock:
                self._hear(message)

    def _hear(self, message: object) -> None:
        match message:
            case Begin(until=until):
                self._running = True
                self._begun.put(message)
                self._renew(until)
            case Renew(until) if self._running:
                self._renew(until)
            case Saved():
                self._saved.release()
            case Stop() if self._running:
                self._stop.set()

    def _renew(self, until: float) -> None:
        left = until - time.monotonic()
        if left <= 0 and self._pipe.poll():
            return  # this process was long in starting, and a later renewal waits in the pipe
        signal.setitimer(signal.ITIMER_REAL, max(left, 1e-6))  # a timer of 0 would be none at all
        self._leased.set()


def _failure(error: Exception) -> Failure:
    """Give what the owner may hear: these errors are written for others; any other text may hold a row."""
    name = type(error).__name__
    match error:
        case RefusalError():
            return Failure(name, error.reason, error.remedy, error.subjects)
        case RefusedByPeerError():
            refused = error.refused
            reason = f"{error.party} refused at check {refused.check}: {refused.reason}"
            return Failure(name, reason, refused.remedy, refused.subjects)
        case PeerProblemError():
            return Failure(name, f"{error.peer}: {error.detail}", error.remedy)
        case ProblemError():
            return Failure(name, error.detail, error.remedy)
        case ProtocolError() | WebError():
            reason, _, remedy = str(error).partition("; ")  # our errors say what is wrong; what to do
            return Failure(name, reason, remedy or "see that the other party runs and is set up")
    return Failure(name, "this node failed", "call its operator")
