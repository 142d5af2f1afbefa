"""What is wrong with a message is said with its place and with what is allowed there."""

import json

import pytest

from compute.canonical import FormatError, InvalidMessageError, decode
from compute.node.console.messages import ApplicationDraft, PermitsPresented, Scoring
from compute.records import PartyRecord

DRAFT = {
    "type": "application_draft",
    "reference": "loans-1",
    "grants": [
        {"type": "grant", "provider": "tax", "product": "taxes", "product_version": "1.0", "fields": ["paid"]}
    ],
    "operation": "risk_score",
    "purpose": "credit_approval",
    "subject_types": ["enterprise"],
    "model_reviewer": "reviewer",
    "max_uses": 10,
    "not_before": 1_795_000_000_000,
    "not_after": 1_796_000_000_000,
}
NAME = "Expected a lower-case letter, then up to 63 lower-case letters, digits, _ or -"


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def draft(**changes: object) -> bytes:
    return canonical({name: value for name, value in {**DRAFT, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (draft(reference="Loans"), f"reference: {NAME}"),
        (draft(grants=[DRAFT["grants"][0] | {"provider": "Tax"}]), f"grants.0.provider: {NAME}"),  # type: ignore[index]
        (draft(purpose="fun"), "purpose: Invalid enum value 'fun' (one of credit_approval, credit_monitoring"),
        (draft(type="aplication"), "type: Invalid value 'aplication' (one of application_draft)"),
        (draft(porpoise="fun"), "unknown field porpoise (its fields are type, reference, grants, purpose"),
        (draft(max_uses=None), "Object missing required field max_uses"),
        (draft(max_uses=0), "max_uses: Expected int >= 1"),
        (draft(not_after="2026"), "not_after: Expected int, got str (UTC, in milliseconds since 1970-01-01)"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_allowed(data: bytes, told: str) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        decode(data, ApplicationDraft)
    assert told in str(caught.value)
    assert "\\" not in str(caught.value)


def test_of_a_union_all_that_is_allowed_is_told() -> None:
    union = PermitsPresented | Scoring
    with pytest.raises(InvalidMessageError, match="one of permits_presented, scoring"):
        decode(canonical({"type": "scorings"}), union)  # type: ignore[arg-type]
    with pytest.raises(InvalidMessageError, match=f"permits: {NAME}"):
        decode(canonical({"type": "permits_presented", "contract": "c", "permits": {"A": "p"}}), PermitsPresented)


def test_an_address_is_described_in_words() -> None:
    record = {"type": "party_record", "name": "a", "kind": "buyer", "public_key": "A" * 43 + "="}
    with pytest.raises(InvalidMessageError, match=r"base_url: Expected https://, a host in lower case"):
        decode(canonical(record | {"base_url": "http://a"}), PartyRecord)


def test_what_is_wrong_as_a_whole_is_no_mistake_in_a_field() -> None:
    for data in (b"", b"{", draft() + b"\n", json.dumps(DRAFT).encode()):
        with pytest.raises(FormatError) as caught:
            decode(data, ApplicationDraft)
        assert type(caught.value) is FormatError
