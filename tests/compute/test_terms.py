import msgspec
import pytest
from contracts import ALLOWED, TERMS

from compute.canonical import FormatError, decode, encode
from compute.terms import Terms, Use, violations


def clauses(**changes: object) -> list[str]:
    return [violation.clause for violation in violations(TERMS, Use(**{**ALLOWED, **changes}))]  # type: ignore[arg-type]


def test_a_use_within_the_terms_breaks_nothing() -> None:
    assert clauses() == []
    assert clauses(time=1999, fields=frozenset({"region", "naics"})) == []


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        ({"consumer": "other-bank"}, "consumer"),
        ({"provider": "customs"}, "grants"),
        ({"product": "insurance"}, "product"),
        ({"product_version": "1.0.1"}, "product"),
        ({"fields": frozenset({"region", "owner"})}, "fields"),
        ({"operation": "statistics"}, "operation"),
        ({"purpose": "credit_monitoring"}, "purpose"),
        ({"uses": 61}, "max_uses"),
        ({"used": 101}, "max_uses"),
        ({"time": 999}, "not_before"),
        ({"time": 2000}, "not_after"),
    ],
)
def test_each_clause_is_named(change: dict[str, object], clause: str) -> None:
    assert clauses(**change) == [clause]


def test_all_broken_clauses_are_given_at_once() -> None:
    broken = clauses(consumer="other-bank", purpose="prescreening", time=2000, uses=101)
    assert broken == ["consumer", "purpose", "max_uses", "not_after"]


@pytest.mark.parametrize(
    "change",
    [
        {"grants": ()},
        {"grants": TERMS.grants[:1] * 2},
        {"not_after": 1000},
        {"max_uses": 0},
        {"purpose": "curiosity"},
        {"grants": (msgspec.structs.replace(TERMS.grants[1], fields=("employees", "employees")),)},
    ],
)
def test_terms_that_cannot_be_are_no_message(change: dict[str, object]) -> None:
    document = {**msgspec.to_builtins(TERMS), **msgspec.to_builtins(change)}
    with pytest.raises(FormatError):
        decode(msgspec.json.encode(document, order="sorted"), Terms)


def test_the_canonical_form_round_trips() -> None:
    assert decode(encode(TERMS), Terms) == TERMS
    assert TERMS.parties == ("bank", "tax", "labour")
