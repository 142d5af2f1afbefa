"""The two halves of each answer, matched."""

from typing import Any

from audit.entry import Entry, EntryKind
from audit.trace import unacknowledged

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
