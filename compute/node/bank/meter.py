"""One progress for work that goes on at several providers at once."""

from threading import Lock

from compute.node.jobs.context import JobContext
from compute.protocols.base import Progress

STEP = "providers compute 各方计算"
_PARTS = 1000


class Meter:
    """Sums what the providers report; a lock, because a job's context is for one thread at a time."""

    def __init__(self, context: JobContext, providers: list[str]) -> None:
        self._context, self._lock = context, Lock()
        self._done = dict.fromkeys(providers, 0)

    def of(self, provider: str) -> Progress:
        """Give the progress that one provider's work reports to."""

        def report(_step: str, done: int, total: int) -> None:
            with self._lock:
                # A provider that starts over does not take the others back.
                self._done[provider] = max(self._done[provider], _PARTS * min(done, total) // max(total, 1))
                missing = ", ".join(name for name, parts in self._done.items() if parts < _PARTS)
                step = f"{STEP}: {missing}" if missing else STEP
                self._context.progress(step, sum(self._done.values()), _PARTS * len(self._done))

        return report

    def keep(self, key: str, value: bytes) -> None:
        """Keep a partial result of the job."""
        with self._lock:
            self._context.checkpoint(key, value)
