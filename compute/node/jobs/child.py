"""The process in which a handler runs: the worker is at the other end of a pipe.

    worker → child   Renew(until) · Saved · Stop
    child → worker   Progress · Save(key, value) · then one of Done(result), Failed(failure, place), Stopped

It lives no longer than its worker's lease: the kernel's timer kills it at the deadline of the last renewal, also
when it was paused or sits in a C call. So it is gone before another worker may take its job.
"""

import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection

from compute.node.jobs.context import Cancelled, Handler, JobContext
from compute.node.jobs.job import Failure, Progress
from compute.protocols.base import ProtocolError, RefusalError, RefusedByPeerError
from compute.web.errors import PeerProblemError, ProblemError, WebError


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
    value: bytes


@dataclass(frozen=True)
class Done:
    """The handler's result."""

    result: bytes


@dataclass(frozen=True)
class Failed:
    """The handler's error: what the owner is told, and for the worker's log the place without the error's text."""

    failure: Failure
    place: str


@dataclass(frozen=True)
class Stopped:
    """The handler stopped as it was asked to."""


def run(pipe: Connection, handler: Handler, parameters: bytes, checkpoints: Mapping[str, bytes]) -> None:
    """Run the handler, once the lease is known to stand, and send how it ended. The target of the process."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group: the worker decides what they mean
        signal.signal(number, signal.SIG_IGN)
    link = _PipeLink(pipe)
    link.leased.wait()
    context = JobContext(parameters, checkpoints, link)
    try:
        result = memoryview(
            handler(context)
        ).tobytes()  # what is not bytes is this handler's error, not the store's
        context.flush()
    except Cancelled:
        link.send(Stopped())
    except Exception as error:  # noqa: BLE001 -- whatever went wrong is sent on, and ends the job
        link.send(Failed(_failure(error), "".join(traceback.format_tb(error.__traceback__))))
    else:
        link.send(Done(result))


class _PipeLink:
    """The child's end of the pipe; a thread hears what the worker says while the handler computes."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.leased = threading.Event()
        self._stop, self._saved = threading.Event(), threading.Semaphore(0)
        threading.Thread(target=self._listen, daemon=True).start()

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
            match message:
                case Renew(until) if until > time.monotonic() or not self._pipe.poll():
                    _die_at(until)
                    self.leased.set()
                case Renew():
                    continue  # this process was long in starting, and a later renewal waits in the pipe
                case Saved():
                    self._saved.release()
                case Stop():
                    self._stop.set()


def _die_at(until: float) -> None:
    # A timer of 0 would be none at all.
    signal.setitimer(signal.ITIMER_REAL, max(until - time.monotonic(), 1e-6))


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
