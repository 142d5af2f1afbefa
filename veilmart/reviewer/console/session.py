"""Whose browser it is: a token that is shown once, on the examiner's terminal, becomes a cookie.

Everything lives in the memory of one process, for one person.
"""

import hmac
import secrets
import time
from collections.abc import Callable

TOKEN_BYTES = 32
START = 600.0
"""Seconds in which the token can be used."""
LIFETIME = 8 * 3600.0
"""Seconds that a session lasts."""


class Session:
    """One session, which begins with the token and not without. For any number of threads.

    The prefix is where its pages lie: browsers send cookies of a host to all its ports, but only below their path,
    so that another server of this machine is not sent this one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._made = clock, clock()
        self._token: str | None = secrets.token_urlsafe(TOKEN_BYTES)
        self._cookie = secrets.token_urlsafe(TOKEN_BYTES)
        self.form_token = secrets.token_urlsafe(TOKEN_BYTES)
        """What every form of the session carries, against requests forged by other pages."""
        self.prefix = "/" + secrets.token_hex(8)

    @property
    def token(self) -> str | None:
        """What begins it; None once it has begun."""
        return self._token

    def begin(self, token: str) -> str | None:
        """Give the cookie for the token, once and in time; None for anything else."""
        expected = self._token
        if expected is None or self._clock() - self._made > START or not _same(token, expected):
            return None
        self._token = None
        return self._cookie

    def admits(self, cookie: str | None) -> bool:
        """Say whether a cookie is this session's, which lasts."""
        begun = self._token is None and self._clock() - self._made <= LIFETIME
        return begun and cookie is not None and _same(cookie, self._cookie)

    def is_form_token(self, token: str | None) -> bool:
        """Say whether a form is of a page of this session."""
        return token is not None and _same(token, self.form_token)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
