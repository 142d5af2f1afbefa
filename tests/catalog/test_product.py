from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.delivery import HIGHEST, Delivery, check_delivery
from catalog.description import parse_product
from catalog.errors import FieldError, ProductError, TextError
from catalog.field import Field, FieldType
from catalog.grade import Grade
from catalog.product import check_fields, check_grade
from catalog.text import Text, check_name, check_version

MEANING = Text(zh="意义", en="meaning")


def field(
    name: str,
    kind: FieldType = FieldType.TEXT,
    grade: Grade = Grade.GENERAL_1,
    scale: int = 0,
    unit: Text | None = None,
) -> Field:
    return Field(name=name, type=kind, grade=grade, meaning=MEANING, scale=scale, unit=unit)


KEY = field("uscc", FieldType.KEY)


def test_a_product_knows_its_key(description: str) -> None:
    product = parse_product(description.encode())
    assert product.key.name == "uscc"
    assert product.delivery == (Delivery.ENCRYPTED, Delivery.FILE)


def test_a_product_does_not_change(description: str) -> None:
    product = parse_product(description.encode())
    with pytest.raises(AttributeError):
        product.grade = Grade.GENERAL_1
    assert hash(product) == hash(parse_product(description.encode()))


@pytest.mark.parametrize("name", ["a", "a-b_9", "a" * 64])
def test_names(name: str) -> None:
    check_name(name, "a name")


@pytest.mark.parametrize("name", ["", "A", "9a", "-a", "a b", "a.b", "名", "a" * 65, "a\n", "ａ"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(TextError, match="a name must match"):
        check_name(name, "a name")
    with pytest.raises(TextError, match="a field's name must match"):
        field(name)


@pytest.mark.parametrize("version", ["0.0.0", "1.0.0-rc.1+build.5", "10.20.30", "1.0.0-0a", "1.0.0--"])
def test_semantic_versions(version: str) -> None:
    check_version(version)


@pytest.mark.parametrize(
    "version", ["", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0\n", "1.0.٥", "1.0.0+" + "a" * 64]
)
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(TextError, match="semver"):
        check_version(version)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ((), "0 fields are of type key"),
        ((field("a"),), "0 fields are of type key"),
        ((KEY, field("other", FieldType.KEY)), "2 fields are of type key"),
        ((KEY,), "the key is the only field"),
        ((KEY, field("b"), field("a"), field("b"), field("a")), "fields a, b are described more than once"),
    ],
)
def test_fields_are_one_key_and_more(fields: tuple[Field, ...], told: str) -> None:
    with pytest.raises(ProductError, match=told):
        check_fields(fields)


@pytest.mark.parametrize("grade", [grade for grade in Grade if grade < Grade.CORE])
def test_a_product_takes_the_highest_grade(grade: Grade) -> None:
    fields = (KEY, field("a", grade=grade), field("b"))
    for own in Grade:
        if grade <= own < Grade.CORE:
            check_grade(own, fields)
        else:
            with pytest.raises(
                ProductError, match="never be listed" if own is Grade.CORE else f"raise it to {grade}"
            ):
                check_grade(own, fields)


@pytest.mark.parametrize("own", Grade)
def test_a_core_field_is_never_listed(own: Grade) -> None:
    with pytest.raises(ProductError, match="never be listed"):
        check_grade(own, (KEY, field("a", grade=Grade.CORE)))


@given(st.lists(st.sampled_from(Delivery), max_size=4), st.sampled_from(Grade))
def test_delivery_follows_the_grade(modes: list[Delivery], grade: Grade) -> None:
    distinct = len(modes) == len(set(modes)) > 0
    allowed = all(grade <= HIGHEST[mode] for mode in modes)
    if distinct and allowed:
        check_delivery(tuple(modes), grade)
    else:
        with pytest.raises(ProductError):
            check_delivery(tuple(modes), grade)


@pytest.mark.parametrize(
    ("kind", "parts", "told"),
    [
        (FieldType.DECIMAL, {}, "give its scale, 1 to 17"),
        (FieldType.DECIMAL, {"scale": 18}, "give its scale, 1 to 17"),
        (FieldType.INTEGER, {"scale": 1}, "only a decimal has a scale"),
        (FieldType.TEXT, {"unit": MEANING}, "only a number has a unit"),
    ],
)
def test_parts_fit_the_type(kind: FieldType, parts: dict[str, Any], told: str) -> None:
    with pytest.raises(FieldError, match=f"field a: {told}"):
        field("a", kind, **parts)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        (" a", "white space"),
        ("a\u3000", "white space"),
        ("a" * 301, "longer than 300"),
        ("a\nb", "control or direction"),
        ("a\x7fb", "control or direction"),
        ("a\u202eb", "control or direction"),
        ("a\u2066b", "control or direction"),
        ("a\u2028b", "control or direction"),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_texts_are_what_they_look_like(language: str, text: str, told: str) -> None:
    with pytest.raises(TextError, match=rf"text {language} .*{told}"):
        Text(**{"zh": "好", "en": "good", language: text})


def test_both_languages_are_needed() -> None:
    with pytest.raises(msgspec.ValidationError, match="zh"):
        msgspec.convert({"en": "good"}, Text)
