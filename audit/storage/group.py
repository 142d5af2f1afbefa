"""Group commit: callers that come together share one transaction, hence one fsync and one checkpoint.

Whoever gets the lock commits for all that have come by then; the others find their work done. Nobody waits for a
timer, and the groups grow by themselves where the disk is slow.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from audit.errors import LogError
from audit.storage.batch import Batch

T = TypeVar("T")


class _Work:
    """What one caller wants done, and what came of it."""

    def __init__(self, run: Callable[[Batch], Any]) -> None:
        self._run = run
        self.is_done = False
        self.result: Any = None
        self.error: Exception | None = None

    def attempt(self, batch: Batch) -> None:
        """Do it; where it is refused, the others of its group go on as if it had not come."""
        mark = batch.mark()
        try:
            self.result = self._run(batch)
        except (SQLAlchemyError, LogError):
            raise  # the transaction is over, and with it the group
        except Exception as error:  # noqa: BLE001 -- it is its caller's, who gets it
            batch.undo(mark)
            self.error = error


class Group:
    """Groups over the write transactions that `opened` opens."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Batch]]) -> None:
        self._opened = opened
        self._arrivals, self._commits = Lock(), Lock()
        self._waiting: list[_Work] = []

    def run(self, work: Callable[[Batch], T]) -> T:
        """Give what `work` gives, once the transaction in which it ran is durable.

        It may read, and add to the batch: if it raises, what it added is forgotten and its caller gets the error.
        What else it writes it writes last, when nothing can refuse it any more, for that is not taken back. Raises
        LogError if the transaction failed.
        """
        own = _Work(work)
        with self._arrivals:
            self._waiting.append(own)
        with self._commits:
            if not own.is_done:
                self._commit()
        if own.error is not None:
            raise own.error
        result: T = own.result
        return result

    def _commit(self) -> None:
        works: list[_Work] = []
        try:
            with self._opened() as batch:
                works = self._take()  # once the database's lock is ours: others came while we waited for it
                for work in works:
                    work.attempt(batch)
        except BaseException as error:
            works = works or self._take()
            for work in works:
                work.error = LogError(str(error))  # each caller gets one of its own
                work.error.__cause__ = error
            if not isinstance(error, Exception):  # this thread was told to end, while it worked for others
                raise
        finally:
            for work in works:
                work.is_done = True

    def _take(self) -> list[_Work]:
        with self._arrivals:
            works, self._waiting = self._waiting, []
        return works
