"""Working days of the People's Republic: no weekends and holidays, but the weekends worked in exchange (调休).

The days are those of the State Council's yearly notices, as `chinesecalendar` (MIT, no dependency) carries them:
it has nothing but these notices and says where they end. Beyond them Monday to Friday are taken to be worked, and
`is_announced` says so; whoever shows such a deadline adds that it may move.

A term in days begins the day after and ends with its last day: Civil Code 民法典 articles 201 and 203. Days are
those of Asia/Shanghai, which is UTC+8 without summer time since 1992 (IANA time zone database).
"""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache

import chinese_calendar
from chinese_calendar import constants

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
MAX_DAYS = 250
"""Of one term: about a year."""
_SATURDAY = 5


@cache
def announced_until() -> date:
    """Give the last day of the last year whose holidays are known here."""
    return date(max(constants.holidays).year, 12, 31)


def is_announced(at: int) -> bool:
    """Give whether the holidays of the year of this time (UTC, milliseconds) are known here."""
    return day_of(at - 1) <= announced_until()  # the end of a year's last day still belongs to it


def is_working_day(day: date) -> bool:
    """Give whether the day is worked; beyond what is announced Monday to Friday are."""
    if min(constants.holidays).year <= day.year <= announced_until().year:
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < _SATURDAY


def day_of(at: int) -> date:
    """Give the day in Shanghai of a time in UTC, milliseconds since 1970-01-01."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(SHANGHAI).date()


def end_of(day: date) -> int:
    """Give the end of a day in Shanghai, 24:00: UTC, milliseconds since 1970-01-01."""
    following = day + timedelta(days=1)
    return int(datetime(following.year, following.month, following.day, tzinfo=SHANGHAI).timestamp()) * 1000


def due(at: int, working_days: int) -> int:
    """Give when a term of so many working days from `at` is over: the end of its last one, as `end_of` does.

    Raises ValueError unless there are 1 to `MAX_DAYS`.
    """
    if not 1 <= working_days <= MAX_DAYS:
        raise ValueError(f"a term of {working_days} working days; it has 1 to {MAX_DAYS}")
    day = day_of(at)
    for _ in range(working_days):
        day += timedelta(days=1)
        while not is_working_day(day):
            day += timedelta(days=1)
    return end_of(day)


def nth_of_month(year: int, month: int, number: int) -> int:
    """Give the end of a month's n-th working day, for what is due by then; raises ValueError as `due` does."""
    return due(end_of(date(year, month, 1) - timedelta(days=1)) - 1, number)
