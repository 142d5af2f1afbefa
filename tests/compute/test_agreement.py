"""What follows from terms: the policy by ODRL's own vocabulary and rules, the texts, one digest of all."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from contracts import TERMS
from hypothesis import given
from hypothesis import strategies as st

from compute.agreement.documents import agreement_digest, amended, bind, documents, is_bound
from compute.agreement.odrl import PROFILE, build, policy
from compute.agreement.text import text
from compute.canonical import FormatError, decode, encode
from compute.terms import DraftTerms, Grant, Terms

VOCABULARY = json.loads((Path(__file__).parent / "odrl22.json").read_text("utf-8"))
BASE = bind(
    DraftTerms(
        **{name: getattr(TERMS, name) for name in TERMS.__struct_fields__}
        | {"policy_version": 2, "subject_types": ("enterprise", "person"), "not_after": 90_000_000_000}
    )
)
CHANGES: list[dict[str, Any]] = [
    {"contract": "contract-2"},
    {"consumer": "other-bank"},
    {"grants": TERMS.grants[:1]},
    {"grants": (msgspec.structs.replace(TERMS.grants[0], provider="customs"), TERMS.grants[1])},
    {"grants": (msgspec.structs.replace(TERMS.grants[0], product="companies"), TERMS.grants[1])},
    {"grants": (msgspec.structs.replace(TERMS.grants[0], product_version="1.0.1"), TERMS.grants[1])},
    {"grants": (msgspec.structs.replace(TERMS.grants[0], fields=("region",)), TERMS.grants[1])},
    {"operation": "joint_statistics", "legal_basis": "anonymised_statistics"},
    {"purpose": "prescreening"},
    {"model_reviewer": "other-reviewer"},
    {"max_uses": 101},
    {"not_before": 1001},
    {"not_after": 90_000_000_001},
    {"subject_types": ("enterprise",)},
    {"subject_types": ("enterprise", "sole_trader")},
    {"version": 2},
    {"renews": "contract-0"},
]


# --- one model, three documents -------------------------------------------------------------------------------


@pytest.mark.parametrize("change", CHANGES, ids="-".join)
def test_every_member_of_the_terms_stands_in_all_three_documents(change: dict[str, Any]) -> None:
    other = amended(BASE, **change)
    assert policy(other) != policy(BASE)
    assert text(other, "zh") != text(BASE, "zh")
    assert text(other, "en") != text(BASE, "en")
    assert other.agreement != BASE.agreement
    before, after = documents(BASE), documents(other)
    assert not {before.policy, before.zh, before.en} & {after.policy, after.zh, after.en}


def test_no_member_of_the_terms_is_left_out_above() -> None:
    changed = {member for change in CHANGES for member in change}
    assert changed == set(Terms.__struct_fields__) - {"agreement", "policy_version"}


def test_the_digest_is_of_the_terms_without_it() -> None:
    assert is_bound(BASE)
    assert BASE.agreement == agreement_digest(BASE) == agreement_digest(bind(BASE))
    assert not is_bound(msgspec.structs.replace(BASE, agreement="0" * 64))
    assert not is_bound(msgspec.structs.replace(BASE, max_uses=1))


def test_terms_of_the_first_policy_version_are_read_as_they_were_signed() -> None:
    assert b"subject_types" not in encode(TERMS)
    assert decode(encode(TERMS), Terms) == TERMS
    assert is_bound(TERMS)  # they name no agreement
    for later in ({"subject_types": ["enterprise"]}, {"version": 2}, {"agreement": "0" * 64}):
        document = {**msgspec.to_builtins(TERMS), **later}
        with pytest.raises(FormatError, match="policy version 1 cannot be used so"):
            decode(msgspec.json.encode(document, order="sorted"), Terms)


@pytest.mark.parametrize(
    ("member", "said"), [("subject_types", "the kinds of subjects are not named"), ("agreement", "the digest")]
)
def test_terms_of_the_second_name_subjects_and_agreement(member: str, said: str) -> None:
    document = msgspec.to_builtins(BASE)
    del document[member]
    with pytest.raises(FormatError, match=said):
        decode(msgspec.json.encode(document, order="sorted"), Terms)


def test_what_is_left_out_by_default_is_not_written_out() -> None:
    document = {**msgspec.to_builtins(BASE), "version": 1}
    with pytest.raises(FormatError, match="not in canonical form"):
        decode(msgspec.json.encode(document, order="sorted"), Terms)


# --- the texts ------------------------------------------------------------------------------------------------


def test_separate_consent_is_spelt_out_for_persons_and_sole_traders_only() -> None:
    assert "articles 23 and 29" in text(BASE, "en")
    assert "第二十三条、第二十九条" in text(BASE, "zh")
    companies = amended(BASE, subject_types=("enterprise",))
    assert "articles 23" not in text(companies, "en")
    assert "第二十三条" not in text(companies, "zh")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_clauses_are_numbered_without_a_gap(language: Any) -> None:
    lines = text(BASE, language).splitlines()
    headings = [int(line.split()[1]) for line in lines if line.startswith("## ")]
    assert headings == list(range(1, len(headings) + 1))
    assert all(re.match(r"\d+\.\d+ \S", line) for line in lines if line and not line.startswith("#"))
    assert not any("{" in line for line in lines)


def test_times_are_told_in_china_s_time_and_in_utc() -> None:
    assert "1970年01月01日08时00分01.000秒(北京时间)" in text(BASE, "zh")
    assert "1970-01-01 00:00:01.000 UTC" in text(BASE, "en")


# --- the policy, by ODRL 2.2 ----------------------------------------------------------------------------------


def odrl_problems(found: dict[str, Any]) -> list[str]:
    """What breaks the ODRL Information Model 2.2 (sections 2.1 to 2.6) or uses a word that ODRL does not have.

    Words outside its common vocabulary must be of a profile that the policy names (section 3).
    """
    rules = [(kind, rule) for kind in ("permission", "prohibition", "obligation") for rule in found.get(kind, [])]
    checks = {
        "a policy has a uid and a type": found["@type"] in VOCABULARY["policies"] and "uid" in found,
        "a policy has a rule": bool(rules),
        "an agreement's rules have an assigner and an assignee": found["@type"] != "Agreement"
        or all("assigner" in rule and "assignee" in rule for _, rule in rules),
        "the conflict strategy is one of three": found.get("conflict", "invalid") in VOCABULARY["conflicts"],
    }
    problems = [said for said, holds in checks.items() if not holds]
    for kind, rule in rules:
        problems += rule_problems(kind, rule, profiled=found.get("profile") == PROFILE)
    return problems


def rule_problems(kind: str, rule: dict[str, Any], *, profiled: bool) -> list[str]:
    problems = []
    if kind != "obligation" and "target" not in rule:
        problems.append(f"a {kind} has a target")
    if kind == "prohibition" and "duty" in rule:
        problems.append("a prohibition has no duty")
    actions = [each.get("action") for each in (rule, *rule.get("duty", []))]
    problems += [f"no action of ODRL: {each}" for each in actions if each not in VOCABULARY["actions"]]
    for constraint in rule.get("constraint", []):
        left = constraint["leftOperand"]
        if left not in VOCABULARY["leftOperands"] and not (profiled and left.startswith("veilmart:")):
            problems.append(f"no left operand of ODRL or the profile: {left}")
        if constraint["operator"] not in VOCABULARY["operators"] or "rightOperand" not in constraint:
            problems.append(f"no constraint: {constraint}")
    return problems


names = st.from_regex(r"\A[a-z][a-z0-9_-]{0,20}\Z")
grants = st.builds(
    Grant,
    provider=names,
    product=names,
    product_version=st.just("1.0.0"),
    fields=st.lists(names, min_size=1, max_size=4, unique=True).map(tuple),
)


@given(
    st.lists(grants, min_size=1, max_size=4, unique_by=lambda grant: grant.provider).map(tuple),
    st.integers(1, 10**8),
    st.integers(0, 2**52),
)
def test_any_terms_give_a_policy_that_odrl_allows(held: tuple[Grant, ...], uses: int, begin: int) -> None:
    found = build(amended(BASE, grants=held, max_uses=uses, not_before=begin, not_after=begin + 1))
    assert odrl_problems(found) == []


def test_what_odrl_does_not_allow_is_found() -> None:
    good = build(BASE)
    assert odrl_problems(good) == []
    for broken, said in (
        ({**good, "permission": [], "prohibition": [], "obligation": []}, "a policy has a rule"),
        ({**good, "conflict": "shrug"}, "the conflict strategy is one of three"),
        ({**good, "profile": "urn:other"}, "no left operand"),
        ({**good, "permission": [{**good["permission"][0], "action": "peek"}]}, "no action of ODRL: peek"),
        ({**good, "permission": [{"action": "use", "assigner": "a", "assignee": "b"}]}, "has a target"),
    ):
        assert any(said in problem for problem in odrl_problems(broken)), said


def test_the_policy_says_what_the_terms_say() -> None:
    found = build(BASE)
    first = found["permission"][0]
    constraints = {(each["leftOperand"], each["operator"]): each["rightOperand"] for each in first["constraint"]}
    assert first["target"] == "urn:veilmart:product:tax:register:1.0.0"
    assert constraints["count", "lteq"]["@value"] == "100"
    assert constraints["dateTime", "gteq"]["@value"] == "1970-01-01T00:00:01.000Z"
    assert constraints["veilmart:field", "isAnyOf"] == ["region", "naics"]
    assert first["duty"][0] == {"action": "obtainConsent"}
    statistics = build(amended(BASE, operation="joint_statistics", legal_basis="anonymised_statistics"))
    assert statistics["permission"][0]["duty"][0] == {"action": "anonymize"}
