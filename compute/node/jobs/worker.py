"""The loop of one worker process: take a job, have a child process run it, keep the lease, store what comes.

The handler runs in a child, so that neither its crash nor its cancelling takes the worker down, and the lease is
renewed however busy the handler is. A child waits before there is a job, with all modules loaded. It keeps what a
short job opened for the next one; after a long job, and after one that did not end well, a fresh one takes its
place.
"""

import logging
import select
import signal
import time
from collections.abc import Callable, Mapping
from multiprocessing import forkserver, get_context
from multiprocessing.connection import wait
from typing import Self

from compute.node.jobs import child
from compute.node.jobs.context import Handler
from compute.node.jobs.errors import LeaseLostError
from compute.node.jobs.job import Progress
from compute.node.jobs.leases import Lease, Leases
from compute.node.jobs.states import State
from compute.node.jobs.store import JobStore

logger = logging.getLogger(__name__)

# A fork server forks from a process without threads, locks and open databases.
_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload(["compute.node.jobs.child"])

_LONGEST_BEAT = 1.0
"""Seconds between two renewals at most: a renewal also brings the owner's wish to cancel."""
_LOOK = 10
"""Milliseconds between two looks of an idle worker whether the file has changed."""
SHORT_RUN = 5.0
"""Seconds up to which a run leaves its process to the next one: a longer one may have filled the memory."""
MAX_RUNS = 1000
"""Runs of one process."""


class Worker:
    """Runs the jobs of a store, one at a time. To be used in a `with` block, by one thread.

    `lease` and `grace`, the time that a run has to stop when it is asked, are in seconds, as is `poll`, the pause
    between two looks for work where nothing in the file has changed. A job whose run broke off `attempts` times
    fails. Raises ValueError unless there is a handler for each of the store's kinds and for no other.
    """

    def __init__(
        self,
        store: JobStore,
        handlers: Mapping[str, Handler],
        *,
        lease: float = 15.0,
        attempts: int = 3,
        poll: float = 0.5,
        grace: float = 5.0,
    ) -> None:
        if handlers.keys() != store.kinds.keys():
            raise ValueError(
                f"handlers for {sorted(handlers)}, but kinds {sorted(store.kinds)}; declare both alike"
            )
        self._store, self._leases, self._handlers = store, Leases(store, lease, attempts), handlers
        self._child: _Child | None = None
        self._poll, self._grace = poll, grace
        self._beat = min(lease / 3, _LONGEST_BEAT)
        # Readable, at its end, once `stop` has closed the other side.
        self._stopped, self._stop = _PROCESSES.Pipe(duplex=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()
        self._stopped.close()

    def stop(self) -> None:
        """Make `run` return soon, its job released if it does not end by then. Safe in a signal handler."""
        self._stop.close()

    def run(self) -> None:
        """Work until `stop`. Raises what the database raises; the lease then lapses, and the job is resumed."""
        forkserver.ensure_running()  # now, and not in the time of the first lease
        logger.info("ready for jobs of the kinds %s", ", ".join(sorted(self._handlers)))
        with self._store.changes() as changes:
            try:
                while not self._stopped.poll():
                    self._ready()
                    seen, before = changes(), time.monotonic()
                    lease = self._leases.take()
                    if lease is None:
                        self._idle(changes, seen, before + self._poll)
                    else:
                        self._work(lease, before + self._leases.seconds)
            finally:
                self._dismiss()

    def run_until_signal(self) -> None:
        """Work until SIGTERM or SIGINT. For the main thread of a process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        self.run()

    def _idle(self, changes: Callable[[], int], seen: int, until: float) -> None:
        """Return once the file is no longer as seen, the worker is stopped, or the time has come."""
        poller = select.poll()  # made once: this is what an idle worker does all day
        poller.register(self._stopped.fileno(), select.POLLIN)
        while changes() == seen and time.monotonic() < until and not poller.poll(_LOOK):
            continue

    def _ready(self) -> "_Child":
        """Give the child that waits for a job; start one if there is none."""
        if self._child is not None and not self._child.is_alive:
            self._dismiss()
        if self._child is None:
            self._child = _Child(self._handlers)
        return self._child

    def _dismiss(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None

    def _work(self, lease: Lease, until: float) -> None:
        """Have the job run that was taken under a lease that stands `until`, by the monotonic clock."""
        logger.info("job %s, %s, is taken", lease.job, lease.kind)
        process, well = self._ready(), False
        try:
            # One that runs for the first time has kept nothing.
            saved = self._leases.checkpoints(lease) if lease.fence > 1 else {}
            process.send(child.Begin(lease.kind, lease.parameters, saved, until))
            well = self._attend(lease, process)
        except LeaseLostError:
            logger.warning("job %s went to another worker, as its lease had lapsed here", lease.job)
        finally:
            process.runs += 1
            if not well or process.runs >= MAX_RUNS:
                self._dismiss()

    def _attend(self, lease: Lease, process: "_Child") -> bool:
        """Serve the child until its run is over, in whichever way; renew the lease meanwhile.

        Gives whether the child may run another job.
        """
        started = time.monotonic()
        next_beat = started + self._beat
        kill_at: float | None = None
        while True:
            # Whoever listens for the stop after it came would never sleep again.
            listen = [process.pipe] if kill_at else [process.pipe, self._stopped]
            until = next_beat if kill_at is None else min(next_beat, kill_at)
            ready = wait(listen, max(0.0, until - time.monotonic()))
            if process.pipe in ready:
                message = process.receive()
                if self._is_over(lease, process, message, started):
                    return isinstance(message, child.Done) and time.monotonic() - started < SHORT_RUN
            stop, now = self._stopped in ready, time.monotonic()
            if now >= next_beat:
                state = self._leases.beat(lease)
                process.send(child.Renew(now + self._leases.seconds))
                next_beat = now + self._beat
                stop = stop or state is State.CANCELLING
            if stop and kill_at is None:
                process.send(child.Stop())
                kill_at = now + self._grace
            if kill_at is not None and now >= kill_at:
                process.kill()  # first: no second run may start beside it
                self._leases.release(lease)
                return False

    def _is_over(self, lease: Lease, process: "_Child", message: "_FromChild | None", started: float) -> bool:
        """Store what the child sent, and say whether its run is over."""
        match message:
            case Progress() as progress:
                self._leases.report(lease, progress)
                return False
            case child.Save(key, value):
                self._leases.save(lease, key, value)
                process.send(child.Saved())
                return False
            case child.Done(result):
                seconds = time.monotonic() - started
                self._leases.finish(lease, result, seconds)
                logger.info("job %s, %s, is done in %.1f s", lease.job, lease.kind, seconds)
            case child.Failed(failure, place):
                logger.error("job %s, %s, failed with %s at\n%s", lease.job, lease.kind, failure.error, place)
                self._leases.fail(lease, failure)
            case child.Stopped():
                self._leases.release(lease)
                logger.info(
                    "job %s, %s, stopped as it was asked to: cancelled, or to be resumed", lease.job, lease.kind
                )
            case None:
                process.kill()
                logger.error("the process of job %s, %s, died with %s", lease.job, lease.kind, process.exit_code)
                self._leases.abandon(lease)
        return True


_FromChild = Progress | child.Save | child.Done | child.Failed | child.Stopped


class _Child:
    """A process for one run after another, started at once; `close` kills it."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.pipe, theirs = _PROCESSES.Pipe()
        self.runs = 0
        self._process = _PROCESSES.Process(target=child.serve, args=(theirs, handlers))
        self._process.start()
        theirs.close()

    def close(self) -> None:
        self.kill()
        self._process.close()
        self.pipe.close()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode

    def send(self, message: child.Begin | child.Renew | child.Saved | child.Stop) -> None:
        try:
            self.pipe.send(message)
        except ConnectionError:
            logger.debug("the child is dead; the next receive says so")

    def receive(self) -> _FromChild | None:
        """Give the next message, or None if the child has died."""
        try:
            message: _FromChild = self.pipe.recv()
        except (EOFError, ConnectionError):
            return None
        return message

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
