"""Times as they are shown: UTC, to the second."""

from datetime import UTC, datetime

_LAST = 253_402_300_799_999  # the last millisecond of the year 9999, where datetime ends


def time_of(milliseconds: int | None) -> str:
    """Give the time in UTC, to the second; as it is where no calendar reaches, and nothing for None."""
    if milliseconds is None:
        return ""
    if milliseconds > _LAST:
        return f"{milliseconds} ms"
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return moment.isoformat().replace("+00:00", "Z")
