"""Terms in working days, against the State Council's notices for 2025 and 2026 and the Civil Code's rules."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.flow import working_days
from marketplace.flow.working_days import SHANGHAI, is_working_day


def at(year: int, month: int, day: int, hour: int = 9) -> int:
    return int(datetime(year, month, day, hour, tzinfo=SHANGHAI).timestamp() * 1000)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2026, 2, 13), True),
        (date(2026, 2, 14), True),  # a Saturday that is worked for the Spring Festival
        (date(2026, 2, 15), False),  # a Sunday
        (date(2026, 2, 16), False),  # 除夕, a Monday
        (date(2026, 2, 23), False),
        (date(2026, 2, 24), True),
        (date(2026, 2, 28), True),  # a Saturday that is worked
        (date(2026, 10, 10), True),
        (date(2025, 1, 26), True),
        (date(2026, 11, 22), False),
    ],
)
def test_weekends_are_worked_in_exchange_for_holidays(day: date, worked: bool) -> None:  # noqa: FBT001
    assert is_working_day(day) is worked


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        (at(2026, 3, 2), 1, (2026, 3, 3)),  # the day of the start does not count: Civil Code 201
        (at(2026, 3, 6), 1, (2026, 3, 9)),  # over a weekend
        (at(2026, 2, 13), 1, (2026, 2, 14)),
        (at(2026, 2, 14), 1, (2026, 2, 24)),  # over the Spring Festival
        (at(2026, 9, 30), 3, (2026, 10, 10)),  # 8, 9, and the Saturday that is worked
        (at(2026, 3, 2, 0), 5, (2026, 3, 9)),
    ],
)
def test_a_term_ends_with_its_last_working_day(start: int, days: int, last: tuple[int, int, int]) -> None:
    assert working_days.due(start, days) == at(*last, hour=0) + 24 * 3600 * 1000


def test_the_day_is_that_of_shanghai() -> None:
    late = int(datetime(2026, 3, 1, 16, 30, tzinfo=UTC).timestamp() * 1000)  # 00:30 on the 2nd there
    assert working_days.day_of(late) == date(2026, 3, 2)
    assert working_days.due(late, 1) == at(2026, 3, 4, hour=0)


def test_beyond_what_is_announced_monday_to_friday_count() -> None:
    last = working_days.announced_until()
    assert last >= date(2026, 12, 31)
    assert working_days.is_announced(working_days.end_of(last))
    assert not working_days.is_announced(working_days.end_of(last) + 1)
    later = date(last.year + 2, 10, 1)  # a holiday, and nobody here knows of which days
    week = [later + timedelta(days=each) for each in range(7)]
    assert [is_working_day(day) for day in week] == [day.weekday() < 5 for day in week]


def test_the_tenth_working_day_of_a_month() -> None:
    assert working_days.nth_of_month(2026, 10, 10) == at(
        2026, 10, 21, hour=0
    )  # the month begins with the holidays
    assert working_days.nth_of_month(2026, 9, 1) == at(2026, 9, 2, hour=0)


@pytest.mark.parametrize("days", [0, -1, 251])
def test_a_term_has_one_to_250_days(days: int) -> None:
    with pytest.raises(ValueError, match="1 to 250"):
        working_days.due(at(2026, 3, 2), days)


@given(
    start=st.integers(at(2010, 1, 1), at(2035, 1, 1)),
    days=st.integers(1, 30),
)
def test_a_longer_term_ends_later_and_on_a_working_day(start: int, days: int) -> None:
    end = working_days.due(start, days)
    assert end > start
    assert is_working_day(working_days.day_of(end - 1))
    following = working_days.due(start, days + 1)
    assert following > end
    between = (working_days.day_of(following - 1) - working_days.day_of(end - 1)).days
    assert [is_working_day(working_days.day_of(end - 1) + timedelta(days=each)) for each in range(1, between)] == [
        False
    ] * (between - 1)
