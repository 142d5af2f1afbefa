from itertools import pairwise

import pytest

from catalog.delivery import ENFORCED, FITTING, HIGHEST, Delivery, Lock, unlocked
from catalog.field import Field, FieldType
from catalog.grade import Grade
from catalog.grading import Reason, field_grade, suggest
from catalog.kind import ProductKind
from catalog.text import Text

MEANING = Text(zh="意义", en="meaning")


def field(name: str, grade: Grade, *, sensitive: bool = False) -> Field:
    return Field(name=name, type=FieldType.TEXT, meaning=MEANING, grade=grade, sensitive=sensitive)


def open_modes(grade: Grade, kind: ProductKind) -> set[Delivery]:
    return {mode.delivery for mode in unlocked(grade, kind) if mode.is_open}


@pytest.mark.parametrize("kind", ProductKind)
@pytest.mark.parametrize("grade", Grade)
def test_only_what_is_enforced_fits_and_is_not_too_high_is_open(grade: Grade, kind: ProductKind) -> None:
    modes = unlocked(grade, kind)
    assert [mode.delivery for mode in modes] == [*Delivery]
    for mode in modes:
        assert (Lock.NOT_ENFORCED in mode.locks) == (mode.delivery not in ENFORCED)
        assert (Lock.KIND in mode.locks) == (mode.delivery not in FITTING[kind])
        assert (Lock.GRADE in mode.locks) == (grade > HIGHEST[mode.delivery])


def test_what_a_data_set_may_be_delivered_as() -> None:
    everything = {Delivery.ENCRYPTED, Delivery.AGGREGATE}
    found = {grade: open_modes(grade, ProductKind.DATASET) for grade in Grade}
    assert found == dict.fromkeys(Grade, everything) | {
        Grade.IMPORTANT: {Delivery.ENCRYPTED},
        Grade.CORE: set(),
    }


def test_a_higher_grade_never_opens_a_mode() -> None:
    for kind in ProductKind:
        for low, high in pairwise(Grade):
            assert open_modes(high, kind) <= open_modes(low, kind)


def test_the_higher_is_suggested_with_its_reasons() -> None:
    fields = [field("a", Grade.GENERAL_1), field("b", Grade.GENERAL_3), field("c", Grade.GENERAL_3)]
    found = suggest(fields)
    assert found.grade is Grade.GENERAL_3
    assert found.reasons == (
        Reason(Grade.GENERAL_3, "field", "b"),
        Reason(Grade.GENERAL_3, "field", "c"),
    )


@pytest.mark.parametrize(
    ("grade", "least"), [(Grade.GENERAL_1, Grade.GENERAL_4), (Grade.IMPORTANT, Grade.IMPORTANT)]
)
def test_a_sensitive_field_asks_for_level_four(grade: Grade, least: Grade) -> None:
    sensitive = field("a", grade, sensitive=True)
    assert field_grade(sensitive) is least
    assert suggest([sensitive]).grade is least
    rules = {"field"} if grade is least else {"sensitive"}
    assert {reason.rule for reason in suggest([sensitive]).reasons} == rules
