"""Which entries of a log are about a contract; and the two halves of each answer, matched."""

from typing import Any

from audit.entry import Entry, EntryKind
from audit.trace import entries_of, unacknowledged

JOB, ANSWER, OTHER = "ab" * 32, "cd" * 32, "ef" * 32


def entry(kind: EntryKind, node: str, **members: Any) -> Entry:
    return Entry(id="0" * 32, kind=kind, time=1, node=node, **members)


def released(**changes: Any) -> Entry:
    members = {"counterparty": "bank", "job": JOB, "detail": {"answer": ANSWER, "rows": 2}} | changes
    return entry(EntryKind.ANSWER_RELEASED, "tax", **members)


def acknowledged(node: str = "bank", **changes: Any) -> Entry:
    return entry(EntryKind.ANSWER_ACKNOWLEDGED, node, **({"job": JOB, "detail": {"answer": ANSWER}} | changes))


def alone(*entries: Entry) -> list[int]:
    return [index for index, _ in unacknowledged(list(enumerate(entries)))]


def test_both_halves_make_a_whole() -> None:
    assert alone(released(), acknowledged()) == []
    assert alone(acknowledged(), released()) == []  # the consumer's node may be the faster to report


def test_a_half_stays_alone() -> None:
    assert alone(released()) == [0]
    assert alone(acknowledged()) == []


def test_only_the_consumer_s_word_on_this_answer_counts() -> None:
    for other in (
        acknowledged("tax"),
        acknowledged("other-bank"),
        acknowledged(job=OTHER),
        acknowledged(detail={"answer": OTHER}),
        acknowledged(detail={}),
        entry(EntryKind.JOB_RECEIVED, "bank", job=JOB, detail={"answer": ANSWER}),
    ):
        assert alone(released(), other) == [0]


def test_each_provider_s_answer_is_one_of_its_own() -> None:
    second = released(detail={"answer": OTHER})
    assert alone(released(), second, acknowledged()) == [1]
    assert alone(released(detail={}), acknowledged(detail={})) == [0]


# --- what is about a contract -------------------------------------------------------------------------------

OURS, THEIRS = {"contract": "ours"}, {"contract": "theirs"}
AGREED = [
    entry(EntryKind.CONTRACT_SIGNED, "market", counterparty="bank", detail=OURS),
    entry(EntryKind.CONTRACT_SIGNED, "market", counterparty="tax", detail=OURS),
    entry(EntryKind.PERMIT_ISSUED, "market", counterparty="tax", permit_id="permit-1", detail=OURS),
    entry(EntryKind.PERMIT_ISSUED, "market", counterparty="tax", permit_id="permit-2", detail=THEIRS),
]
"""Index 3 is not ours."""


def about(*entries: Entry) -> list[int]:
    """Which of these, from 0 on, are about our contract; they come after the agreement."""
    found = [index for index, _ in entries_of("ours", enumerate([*AGREED, *entries]))]
    assert found[:3] == [0, 1, 2]
    return [index - len(AGREED) for index in found[3:]]


def test_what_names_the_contract_or_a_permit_of_it_is_about_it() -> None:
    revoked = entry(EntryKind.PERMIT_REVOKED, "market", permit_id="permit-1", detail=OURS)
    named = released(permit_id="permit-1")
    other = released(permit_id="permit-2", job=OTHER)
    unnamed = released(job=OTHER)
    expired = entry(EntryKind.CONTRACT_EXPIRED, "market", detail=THEIRS)
    assert about(revoked, named, other, unnamed, expired, revoked) == [0, 1, 5]


def test_a_party_s_event_joins_by_its_job_and_nobody_else_s_does() -> None:
    named = released(permit_id="permit-1")
    assert about(named, acknowledged(), acknowledged("stranger"), acknowledged(job=OTHER)) == [0, 1]
    assert about(acknowledged(), named) == [1]  # what was not about it then does not become so
    assert about(released(job=OTHER), acknowledged(job=OTHER)) == []


def test_a_job_is_of_the_contract_that_it_was_first_named_under() -> None:
    ours, foreign = released(permit_id="permit-1"), released(permit_id="permit-2")
    assert about(ours, foreign, acknowledged()) == [0, 2]
    assert about(foreign, ours, acknowledged()) == [1]  # yet a use under our permit cannot be hidden


def test_no_entry_is_about_a_contract_that_is_none() -> None:
    assert list(entries_of("none", enumerate([*AGREED, released(permit_id="permit-1"), acknowledged()]))) == []
