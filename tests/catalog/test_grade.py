import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.grade import Grade, highest

RISING = ["general_1", "general_2", "general_3", "general_4", "important", "core"]
PLACES = st.integers(0, 5)


@given(PLACES, PLACES)
def test_order_is_of_harm_and_not_of_spelling(one: int, other: int) -> None:
    a, b = Grade(RISING[one]), Grade(RISING[other])
    assert (a < b, a <= b, a > b, a >= b) == (one < other, one <= other, one > other, one >= other)
    assert (a < RISING[other], a == b) == (one < other, one == other)


@given(st.lists(PLACES, min_size=1))
def test_take_the_higher(places: list[int]) -> None:
    assert highest(Grade(RISING[place]) for place in places) == RISING[max(places)]


def test_nothing_has_no_grade() -> None:
    with pytest.raises(ValueError, match="empty"):
        highest([])


def test_only_grades_compare() -> None:
    with pytest.raises(ValueError, match="secret"):
        _ = Grade.CORE > "secret"
