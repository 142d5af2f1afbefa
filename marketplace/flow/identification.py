"""How often somebody may try to be identified, and what is a right code.

Six digits, five tries, five minutes: a guess succeeds once in 200,000 codes. Codes are sent only to who names both
the subject's code and the telephone number that is registered for it, ten a day for one subject, so a year of
guessing succeeds with a probability of 2 %, each time telling the subject by a message. An answer never tells
whether the two were right, or whether there is such a subject.
"""

import hmac
import secrets
from collections.abc import Mapping

from compute.canonical import DAY, HOUR
from marketplace.errors import ForbiddenError

CODE_DIGITS = 6
TRIES = 5
CODE_LIFE = 5 * 60 * 1000
CHALLENGE_LIFE = 10 * 60 * 1000
SESSION_LIFE = 20 * 60 * 1000
"""Milliseconds."""
OF_SUBJECT: Mapping[int, int] = {HOUR: 5, DAY: 10}
"""Period → codes for one subject within it."""
OF_SOURCE: Mapping[int, int] = {HOUR: 60}
"""Period → attempts from one network address within it: many share one behind a mobile network."""
REMEMBERED = max([*OF_SUBJECT, *OF_SOURCE])
"""How long attempts are counted: milliseconds."""


class TooManyError(ForbiddenError):
    """There were too many attempts; later ones will do."""

    code = "too_many"


def new_code() -> str:
    """Draw a code."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def require_few(counted: Mapping[int, int], allowed: Mapping[int, int]) -> None:
    """Return unless as many attempts were counted as are allowed in a period; raise `TooManyError`."""
    if any(counted[period] >= allowed[period] for period in allowed):
        raise TooManyError("there were too many attempts", "try again in an hour, or tomorrow")


def is_right(given: bytes, kept: bytes, tries: int, until: int, now: int) -> bool:
    """Say whether a code's keyed digest is the kept one, in time and within the tries; in constant time."""
    is_same = hmac.compare_digest(given, kept)
    return is_same and tries <= TRIES and now < until
