"""Coverage, contact, quality and registration codes: parts of a description that are checked by themselves."""

from datetime import date
from typing import Any

import pytest

from catalog.contact import Contact
from catalog.coverage import MAX_PLACES, NATION, Coverage, Place
from catalog.errors import ProductError, TextError
from catalog.quality import Quality
from catalog.registration import check_registration_code
from catalog.text import SUMMARY_CHARACTERS, Summary, Text

DAY = date(2026, 1, 1)
HAIKOU = Place(label=Text(zh="海口市", en="Haikou"), code="460100")


@pytest.mark.parametrize("code", [None, NATION, "460000", "460100", "460105", "810000", "110101"])
def test_places_of_the_standard(code: str | None) -> None:
    assert Place(label=HAIKOU.label, code=code).code == code


@pytest.mark.parametrize(
    "code", ["", "46", "990000", "460001", "4601000", "46010０", "000000", "100001", "46010a"]
)
def test_other_codes_are_no_place(code: str) -> None:
    with pytest.raises(ProductError, match="no division of GB/T 2260"):
        Place(label=HAIKOU.label, code=code)


def test_a_coverage_may_go_on_and_may_be_one_day() -> None:
    assert Coverage(first_day=DAY, places=(HAIKOU,)).last_day is None
    assert Coverage(first_day=DAY, last_day=DAY, places=(HAIKOU,)).last_day == DAY


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"last_day": date(2025, 12, 31)}, "exchange the days"),
        ({"places": ()}, "0 places"),
        ({"places": (HAIKOU,) * (MAX_PLACES + 1)}, "name 1 to"),
        ({"places": (HAIKOU, HAIKOU)}, "given twice"),
    ],
)
def test_a_coverage_that_cannot_be(parts: dict[str, Any], told: str) -> None:
    with pytest.raises(ProductError, match=told):
        Coverage(**{"first_day": DAY, "places": (HAIKOU,)} | parts)


@pytest.mark.parametrize("phone", ["12345", "0898-65342345", "+86 898 65342345", "400 123 4567"])
@pytest.mark.parametrize("email", [None, "data@example.gov.cn", "a.b+c@x-y.example"])
def test_a_desk_can_be_reached(phone: str, email: str | None) -> None:
    assert Contact(desk=HAIKOU.label, phone=phone, email=email).phone == phone


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({}, "neither phone nor email"),
        ({"phone": "call me"}, "phone is none"),
        ({"phone": "1"}, "phone is none"),
        ({"phone": "１２３４５"}, "phone is none"),
        ({"email": "data@example"}, "email is none"),
        ({"email": "a@b@example.cn"}, "email is none"),
        ({"email": "数据@example.cn"}, "email is none"),
        ({"email": "a@example.cn\n"}, "email is none"),
        ({"email": "a" * 65 + "@example.cn"}, "email is none"),
        ({"email": "a@" + "b." * 126 + "cn"}, "email is none"),
    ],
)
def test_a_desk_that_cannot_be_reached(parts: dict[str, str], told: str) -> None:
    with pytest.raises(ProductError, match=told):
        Contact(desk=HAIKOU.label, **parts)


@pytest.mark.parametrize("share", ["0", "1", "0.5", "0.987654"])
def test_shares(share: str) -> None:
    assert Quality(measured=DAY, accuracy=share).accuracy == share


@pytest.mark.parametrize("share", ["", "1.0", "0.50", "0.1234567", ".5", "2", "-0.1", "50%", "1e-1", "0.٥"])
def test_what_is_no_share(share: str) -> None:
    with pytest.raises(ProductError, match="timeliness is no share"):
        Quality(measured=DAY, timeliness=share)


def test_a_quality_has_a_figure() -> None:
    with pytest.raises(ProductError, match="no figure"):
        Quality(measured=DAY)


@pytest.mark.parametrize("code", ["123456", "HN-2026-000123", "A" * 64])
def test_registration_codes(code: str) -> None:
    check_registration_code(code)


@pytest.mark.parametrize(
    "code", ["", "12345", "A" * 65, "-12345", "12345-", "hn-2026", "HN 2026", "HN2026\n", "登记000001"]
)
def test_what_no_registrar_gave(code: str) -> None:
    with pytest.raises(TextError, match="copy it from the registrar"):
        check_registration_code(code)


def test_a_summary_may_have_paragraphs_and_a_text_may_not() -> None:
    long = "a" * SUMMARY_CHARACTERS
    assert Summary(zh="一\n\n二", en=long).en == long
    with pytest.raises(TextError, match="longer than 2000"):
        Summary(zh="一", en=long + "a")
    with pytest.raises(TextError, match="control"):
        Summary(zh="一\r\n二", en="a")
    with pytest.raises(TextError, match="control"):
        Text(zh="一\n二", en="a")
    with pytest.raises(TextError, match="control"):
        Summary(zh="\ud800", en="a")
