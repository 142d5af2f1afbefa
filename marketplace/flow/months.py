"""Months as money is counted in: calendar months of Asia/Shanghai, written YYYY-MM, in UTC milliseconds."""

from datetime import UTC, datetime, timedelta

from marketplace.flow import working_days
from marketplace.flow.working_days import SHANGHAI, day_of


def month_of(time: int) -> str:
    """Give the month in Shanghai of a time, UTC, milliseconds since 1970-01-01."""
    return f"{day_of(time):%Y-%m}"


def bounds(month: str) -> tuple[int, int]:
    """Give when a month begins, and when the next one does; UTC, milliseconds since 1970-01-01."""
    return _start(month), _start(following(month))


def following(month: str) -> str:
    """Give the next month."""
    year, number = map(int, month.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def previous(month: str) -> str:
    """Give the month before."""
    year, number = map(int, month.split("-"))
    return f"{year - (number == 1):04}-{(number - 2) % 12 + 1:02}"


def due(now: int, days: int) -> int:
    """Give the end of the working day of this number, today's being 1 if it is one; UTC, milliseconds.

    On the first of a month that is the month's working day of this number.
    """
    return working_days.due(working_days.end_of(day_of(now) - timedelta(days=1)) - 1, days)


def _start(month: str) -> int:
    year, number = map(int, month.split("-"))
    return int(datetime(year, number, 1, tzinfo=SHANGHAI).astimezone(UTC).timestamp()) * 1000
