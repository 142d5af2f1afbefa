"""An e-mail address is told nothing until whoever reads it has said so, by a code that was sent there.

Eight digits, five tries, half an hour, five codes an hour: who guesses day and night is right once in 450 years.
"""

import hmac
import secrets
from dataclasses import dataclass

CODE_DIGITS = 8
TRIES = 5
CODE_LIFE = 30 * 60 * 1000
"""Milliseconds."""
OF_MEMBER, OF_ADDRESS, OF_ORGANISATION, OF_ALL = 5, 5, 50, 1_000
"""Codes within an hour: that one member asks for, that one address is sent, an organisation's members, and all."""
OF_ACCOUNT, OF_ACCOUNTS, OF_ALL_ACCOUNTS = 5, 100, 10_000
"""Changes of accounts within an hour that an organisation has told to one address, to all, and of all together."""


@dataclass(frozen=True)
class SentCode:
    """What is kept of a code that was sent: nothing that opens anything by itself."""

    digest: bytes
    """Keyed, over the member, the address and the code."""
    until: int
    """UTC, milliseconds since 1970-01-01."""
    tries: int = 0


def new_code() -> str:
    """Draw a code."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def is_right(given: bytes, sent: SentCode, now: int) -> bool:
    """Say whether a code's keyed digest is the one sent, in time and within the tries; in constant time."""
    is_same = hmac.compare_digest(given, sent.digest)
    return is_same and sent.tries <= TRIES and now < sent.until
