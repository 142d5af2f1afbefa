"""Months and working days of Shanghai."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.flow.months import bounds, following, month_of, previous

MONTHS = st.builds("{:04}-{:02}".format, st.integers(2001, 2098), st.integers(1, 12))


def milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("time", "month"),
    [
        ("2026-10-31T15:59:59", "2026-10"),
        ("2026-10-31T16:00:00", "2026-11"),  # midnight in Shanghai
        ("2026-12-31T15:59:59", "2026-12"),
        ("2026-12-31T16:00:00", "2027-01"),
    ],
)
def test_a_month_begins_at_midnight_in_shanghai(time: str, month: str) -> None:
    assert month_of(milliseconds(time)) == month


@given(MONTHS)
def test_months_follow_each_other_without_a_gap(month: str) -> None:
    start, end = bounds(month)
    assert month_of(start) == month_of(end - 1) == month
    assert month_of(start - 1) == previous(month)
    assert month_of(end) == following(month)
    assert bounds(following(month))[0] == end
