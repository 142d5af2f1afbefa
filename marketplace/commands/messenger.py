"""Short messages to subjects, from the database to what carries them: at least once, those waited for first."""

import logging

from marketplace.gate import Gate
from marketplace.identity.ports import MessageError
from marketplace.store import identities
from marketplace.subjects import SubjectSetting

BATCH = 500
"""Messages between two transactions."""
LEAST_PAUSE, MOST_PAUSE = 5_000, 3_600_000
"""Milliseconds before a message is tried again; doubled each time."""
ATTEMPTS = 20
"""After so many, most of a day, a message is given up."""

_log = logging.getLogger(__name__)


class Messenger:
    """Delivers what waits; for any number of processes, which may deliver a message twice and never lose one."""

    def __init__(self, gate: Gate, subjects: SubjectSetting | None) -> None:
        self._gate, self._subjects = gate, subjects

    def deliver(self, limit: int = BATCH) -> int:
        """Deliver so many messages that are due, and give how many of them are dealt with."""
        if self._subjects is None:
            return 0
        with self._gate.glance() as step:
            waiting = identities.messages(step.connection, step.now, limit)
        if not waiting:
            return 0
        done, failed = [], []
        for number, sealed, attempts in waiting:
            try:
                self._subjects.desk.messages.send(*self._subjects.message(sealed))
                done.append(number)
            except MessageError as error:
                if attempts + 1 >= ATTEMPTS:
                    _log.error("a message was given up after %d attempts: %s", ATTEMPTS, error)
                    done.append(number)
                else:
                    _log.warning("a message waits: %s", error)
                    failed.append((number, min(MOST_PAUSE, LEAST_PAUSE * 2**attempts)))
        with self._gate.by_anybody() as step:
            identities.drop_messages(step.connection, done)
            for number, pause in failed:
                identities.postpone(step.connection, number, step.now + pause)
        return len(done)
