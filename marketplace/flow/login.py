"""How wrong logins are slowed down, what becomes of them in the log, and how long a session lasts.

A delay that grows with each failure, for an account from one source, and for a source. Whoever guesses slows down
himself, and not the account's owner, who comes from elsewhere. Against guesses from very many sources there is a
delay for the account from all of them, which comes late. None of these is for a device from which the owner has
logged in lately: it has a token, and failures of its own (OWASP, "Slow Down Online Guessing Attacks with Device
Cookies").
An account that does not exist is slowed down as one that does.
"""

from dataclasses import dataclass

from compute.canonical import DAY, HOUR

SESSION_TERM, SESSION_IDLE = 8 * HOUR, HOUR // 2
"""Milliseconds: a session lasts so long at most, and ends when nothing was asked for so long."""
TOUCH = 60_000
"""Milliseconds after which a use is written down again: not each one, for it is a write."""
_FREE_PAIR, _FREE_SOURCE, _FREE_ACCOUNT = 5, 20, 60
"""Failures without a delay: of an account from one source; of a source, behind which many people may sit; of an
account from all sources together.
"""
KNOWN = 90 * DAY
"""Milliseconds for which a device is known from which somebody has logged in."""
_FIRST_DELAY, _LONGEST_DELAY = 1_000, 900_000
FORGOTTEN = DAY
"""Milliseconds after the last failure from when on none counts."""


@dataclass(frozen=True)
class Failures:
    """How often logins failed in a row, of an account or from a source, and when last."""

    count: int = 0
    last: int = 0

    def add(self, now: int) -> "Failures":
        """Give them with one more."""
        return Failures(1 if now - self.last >= FORGOTTEN else self.count + 1, now)

    @property
    def is_recorded(self) -> bool:
        """Whether this failure is recorded in the log: the first, second, fourth …, so that no flood fills it."""
        return self.count & (self.count - 1) == 0


def pair_wait(failures: Failures, now: int) -> int:
    """Give the milliseconds for which no login to one account from one source is looked at."""
    return _wait(failures, _FREE_PAIR, now)


def account_wait(failures: Failures, now: int) -> int:
    """Give the milliseconds for which no login to this account is looked at, but from devices that are known."""
    return _wait(failures, _FREE_ACCOUNT, now)


def source_wait(failures: Failures, now: int) -> int:
    """Give the milliseconds for which no login from this source is looked at."""
    return _wait(failures, _FREE_SOURCE, now)


def _wait(failures: Failures, free: int, now: int) -> int:
    if failures.count < free or now - failures.last >= FORGOTTEN:
        return 0
    delay = min(_FIRST_DELAY << min(failures.count - free, 20), _LONGEST_DELAY)
    return max(0, failures.last + delay - now)


def lives(created: int, used: int, now: int) -> bool:
    """Whether a session that was begun and used then stands now."""
    return now < created + SESSION_TERM and now < used + SESSION_IDLE
