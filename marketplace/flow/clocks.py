"""How far the parties' clocks may be apart, and what day it is where they work."""

from datetime import datetime, timedelta, timezone

CLOCK_SKEW = 5 * 60 * 1000
"""Milliseconds between a party's clock and the marketplace's: a consent of tomorrow would outlive a withdrawal."""

_CHINA = timezone(timedelta(hours=8))
"""One time zone without summer time: registrars' days are days there."""


def day_of(moment: int) -> str:
    """Give the day in China at a moment (UTC, milliseconds since 1970-01-01), as YYYY-MM-DD."""
    return datetime.fromtimestamp(moment // 1000, _CHINA).date().isoformat()
