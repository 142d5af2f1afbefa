import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as reference

from connectors.errors import UsccError
from connectors.uscc import ALPHABET, SHAPE, check, wrong_checks

DIGITS = "0123456789"


def organisation_check_holds(code: str) -> bool:
    total = sum(
        int(character, 36) * weight
        for character, weight in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    return (total + (10 if code[16] == "X" else int(code[16], 36))) % 11 == 0 and code[16] in DIGITS + "X"


def is_valid(code: str) -> bool:
    try:
        check(code)
    except UsccError:
        return False
    return True


# Half of the codes get the right character 17, and half of these the right character 18.
@st.composite
def codes(draw: st.DrawFn) -> str:
    body = draw(st.text(DIGITS, min_size=8, max_size=8)) + draw(st.text(ALPHABET, min_size=8, max_size=8))
    right = [body + last for last in DIGITS + "X" if organisation_check_holds(body + last)]
    body += draw(st.sampled_from(right) | st.sampled_from(ALPHABET)).removeprefix(body)
    return body + draw(st.just(reference.calc_check_digit(body)) | st.sampled_from(ALPHABET))


@given(codes())
def test_agrees_with_the_reference_and_the_organisation_code(code: str) -> None:
    assert is_valid(code) == (reference.is_valid(code) and organisation_check_holds(code))
    assert wrong_checks([code])[0] == (
        17 if not organisation_check_holds(code) else 0 if reference.is_valid(code) else 18
    )


@given(st.lists(codes(), max_size=20))
def test_many_codes_are_checked_like_one(many: list[str]) -> None:
    assert (wrong_checks(many) == 0).tolist() == [is_valid(code) for code in many]


@given(st.text(max_size=20) | st.text(ALPHABET + "IOSVZ", min_size=18, max_size=18))
def test_the_shape_is_the_references(text: str) -> None:
    canonical = reference.compact(text) == text
    if is_valid(text) and text[:2].isdigit():
        assert canonical
        assert reference.is_valid(text)
    if re.fullmatch(SHAPE, text) is None and canonical:
        assert not reference.is_valid(text)


@pytest.mark.parametrize("code", ["91110000600037341L", "91350100M000100Y43", "914403001922038216"])
def test_real_codes_are_valid(code: str) -> None:
    check(code)


def test_an_authority_may_be_a_letter() -> None:
    body = "N2330106MF000001"
    org = next(d for d in DIGITS + "X" if organisation_check_holds(body + d))
    check(body + org + reference.calc_check_digit(body + org))


@pytest.mark.parametrize("position", range(18))
def test_every_substitution_is_found(position: int) -> None:
    code = "91110000600037341L"
    for other in set(ALPHABET if position > 7 else DIGITS) - {code[position]}:
        assert not is_valid(code[:position] + other + code[position + 1 :])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("91110000600037341l", "18 digits or capitals"),
        (" 91110000600037341L", "18 digits or capitals"),
        ("91110000600037341L\n", "18 digits or capitals"),
        ("91110000-60003734-1L", "18 digits or capitals"),
        ("９1110000600037341L", "18 digits or capitals"),
        ("A1110000600037341L", "check character 18"),
        ("", "18 digits or capitals"),
        ("91110000600037342L", "check character 17"),
        ("91110000600037341M", "check character 18"),
    ],
)
def test_the_refusal_says_why_and_not_what(code: str, reason: str) -> None:
    with pytest.raises(UsccError, match=reason) as caught:
        check(code)
    assert not code or code not in str(caught.value)
