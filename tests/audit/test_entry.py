"""The one form of an entry: what it accepts, and that nothing else gets in."""

import dataclasses
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import entry as entries
from audit.entry import Entry, EntryKind, encode, is_own_id, new_id, parse
from audit.errors import FormatError

FULL: dict[str, Any] = {
    "counterparty": "bank-a",
    "detail": {"answer": "ab" * 32, "counter": 7, "purpose": "贷前审查"},
    "id": "0123456789abcdef" * 2,
    "job": "5e" * 32,
    "kind": EntryKind.ANSWER_SENT,
    "node": "tax-bureau",
    "permit_id": "p-2026-0001",
    "time": 1_790_000_000_123,
    "version": 1,
}
BARE: dict[str, Any] = {"id": "00" * 16, "kind": EntryKind.PARTY_ENROLLED, "time": 0, "node": "operator"}
SETTINGS = settings(max_examples=120, deadline=None, derandomize=True, database=None)

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", fullmatch=True)
INTEGERS = st.integers(-entries.MAX_INTEGER, entries.MAX_INTEGER)
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=256)
ENTRIES = st.builds(
    Entry,
    id=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    kind=st.sampled_from(EntryKind),
    time=st.integers(0, entries.MAX_INTEGER),
    node=NAMES,
    counterparty=st.none() | NAMES,
    permit_id=st.none() | NAMES,
    job=st.none() | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    detail=st.dictionaries(st.from_regex(r"[a-z_]{1,64}", fullmatch=True), INTEGERS | TEXTS, max_size=6),
)


def as_json(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_the_bytes_of_an_entry() -> None:
    assert encode(Entry(**FULL)).decode() == (
        '{"counterparty":"bank-a",'
        '"detail":{"answer":"abababababababababababababababababababababababababababababababab",'
        '"counter":7,"purpose":"贷前审查"},'
        '"id":"0123456789abcdef0123456789abcdef",'
        '"job":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e",'
        '"kind":"answer_sent","node":"tax-bureau","permit_id":"p-2026-0001",'
        '"time":1790000000123,"version":1}'
    )
    assert encode(Entry(**BARE)) == (
        b'{"counterparty":null,"detail":{},"id":"00000000000000000000000000000000","job":null,'
        b'"kind":"party_enrolled","node":"operator","permit_id":null,"time":0,"version":1}'
    )


@SETTINGS
@given(ENTRIES)
def test_round_trip_in_rfc_8785(entry: Entry) -> None:
    data = encode(entry)
    assert parse(data) == entry
    assert hash(parse(data)) == hash(entry)
    assert encode(parse(data)) == data
    members = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
    assert data == rfc8785.dumps(members | {"kind": entry.kind.value, "detail": dict(entry.detail)})


@SETTINGS
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@SETTINGS
@given(st.sampled_from(sorted(FULL)), JSON)
def test_any_json_value_in_any_member(name: str, value: object) -> None:
    data = json.dumps(FULL | {name: value}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    raw = data.encode("utf-8", "surrogatepass")
    try:
        entry = parse(raw)
    except FormatError:
        return
    assert encode(entry) == raw


@SETTINGS
@given(ENTRIES, st.data())
def test_changed_bytes_are_refused_or_another_canonical_entry(entry: Entry, data: st.DataObject) -> None:
    good = encode(entry)
    at = data.draw(st.integers(0, len(good) - 1))
    removed = data.draw(st.integers(0, 2))
    put = data.draw(st.binary(max_size=2))
    changed = good[:at] + put + good[at + removed :]
    try:
        parsed = parse(changed)
    except FormatError:
        return
    assert encode(parsed) == changed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version"),
        ({"version": True}, "version"),
        ({"version": "1"}, "version"),
        ({"kind": "answer_deleted"}, "kind: not in the vocabulary"),
        ({"kind": None}, "kind: not in the vocabulary"),
        ({"kind": ["refused"]}, "kind: not in the vocabulary"),
        ({"time": -1}, "time"),
        ({"time": 2**53}, "time"),
        ({"time": True}, "time"),
        ({"time": "1"}, "time"),
        ({"time": None}, "time"),
        ({"id": "0" * 31}, "id"),
        ({"id": "0" * 33}, "id"),
        ({"id": "A" * 32}, "id"),
        ({"id": "٥" * 32}, "id"),
        ({"id": "0" * 32 + "\n"}, "id"),
        ({"id": 0}, "id"),
        ({"node": ""}, "node"),
        ({"node": None}, "node"),
        ({"node": "税务局"}, "node"),
        ({"node": "a b"}, "node"),
        ({"node": "-a"}, "node"),
        ({"node": "a" * 129}, "node"),
        ({"counterparty": ""}, "counterparty"),
        ({"permit_id": "p\u202e1"}, "permit_id"),
        ({"permit_id": 5}, "permit_id"),
        ({"job": "5e" * 31}, "job"),
        ({"job": "5E" * 32}, "job"),
        ({"detail": None}, "detail: not a mapping"),
        ({"detail": []}, "detail: not a mapping"),
        ({"detail": {"": 1}}, "a name in detail"),
        ({"detail": {"a1": 1}}, "a name in detail"),
        ({"detail": {"a\n": 1}}, "a name in detail"),
        ({"detail": {"a" * 65: 1}}, "a name in detail"),
        ({"detail": {"a": None}}, "detail.a: neither"),
        ({"detail": {"a": True}}, "detail.a: neither"),
        ({"detail": {"a": {}}}, "detail.a: neither"),
        ({"detail": {"a": "x" * 257}}, "detail.a: more than 256"),
        ({"detail": {chr(97 + i) + chr(97 + j): 1 for i in range(3) for j in range(11)}}, "more than 32"),
        ({"detail": {"a": "line\nbreak"}}, "detail.a: a control"),
        ({"detail": {"a": "\x7f"}}, "detail.a: a control"),
        ({"detail": {"a": "\x85"}}, "detail.a: a control"),
        ({"detail": {"a": "\u2028"}}, "detail.a: a control"),
        ({"detail": {"a": "\u200f"}}, "detail.a: a control"),
        ({"detail": {"a": "\u202e"}}, "detail.a: a control"),
        ({"detail": {"a": "\u2067"}}, "detail.a: a control"),
    ],
)
def test_a_member_out_of_bounds_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse(as_json(FULL | changes))
    with pytest.raises(FormatError, match=message.split(":", maxsplit=1)[0]):
        Entry(**FULL | changes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"counter":7', '"counter":7.0', "not an integer"),
        ('"counter":7', '"counter":7e0', "not an integer"),
        ('"counter":7', '"counter":NaN', "not an integer"),
        ('"counter":7', '"counter":-Infinity', "not an integer"),
        ('"counter":7', '"counter":9007199254740992', "beyond"),
        ('"counter":7', '"counter":-9007199254740992', "beyond"),
        ('"counter":7', '"counter":' + "9" * 5000, "beyond"),
        ('"counter":7', '"counter":-0', "not canonical"),
        ('"counter":7', '"counter":07', "not JSON"),
        ('"counter":7', '"counter":1_0', "not JSON"),
        ('"counter":7', '"counter":٥', "not JSON"),
        ('"counter":7', '"counter":7,"counter":7', "'counter': duplicate"),
        ('"version":1', '"version":1,"version":1', "'version': duplicate"),
        ('"version":1', '"version":1,"zone":1', "'zone': unknown"),
        (',"version":1', "", "version: missing"),
        ('"job":"' + "5e" * 32 + '",', "", "job: missing"),
        ("贷", "\\u8d37", "not canonical"),
        ("贷", "\\/", "not canonical"),
        ("贷", "\\ud800", "surrogate"),
        ("贷", "\n", "not JSON"),
        ('"version":1', '"version": 1', "not canonical"),
        ('"version":1}', '"version":1}\n', "not canonical"),
        ('"version":1}', '"version":1}{}', "not JSON"),
        ('{"counterparty":"bank-a",', '{"detail":{},', "duplicate"),
        ('"time":1790000000123,"version":1', '"version":1,"time":1790000000123', "not canonical"),
    ],
)
def test_bytes_that_are_not_canonical_are_refused(old: str, new: str, message: str) -> None:
    good = encode(Entry(**FULL)).decode()
    assert old in good
    with pytest.raises(FormatError, match=message):
        parse(good.replace(old, new).encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON in UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ('{"version":1}'.encode("utf-16"), "not JSON in UTF-8"),
        (b'"\xed\xa0\x80"', "not JSON in UTF-8"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "missing"),
        (b"[" * 65_535, "not JSON"),
        (b" " * 65_536, "over the limit"),
    ],
)
def test_bytes_that_are_no_entry_at_all(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse(data)


def test_a_kind_is_one_of_the_vocabulary_and_no_text() -> None:
    with pytest.raises(FormatError, match="kind"):
        Entry(**FULL | {"kind": "refused"})


def test_the_largest_entry_fits_the_size_limit() -> None:
    texts = {"a" * 32 + "b" * number + "c" * (32 - number): "𠀀" * 256 for number in range(32)}
    name = "n" * 128
    largest = Entry(
        **FULL | {"detail": texts, "node": name, "counterparty": name, "permit_id": name, "time": 2**53 - 1}
    )
    assert len(encode(largest)) <= entries.MAX_SIZE
    assert parse(encode(largest)) == largest


def test_an_entry_does_not_change_after_it_was_checked() -> None:
    detail: dict[str, str | int] = {"counter": 1}
    entry = Entry(**BARE, detail=detail)
    detail["counter"] = 1 << 60
    assert entry.detail == {"counter": 1}
    with pytest.raises(TypeError):
        entry.detail["counter"] = 2  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.time = 1  # type: ignore[misc]


def test_an_id_is_a_nodes_own_and_follows_from_its_fact() -> None:
    assert new_id("tax", b"fact") == new_id("tax", b"fact") != new_id("tax", b"other")
    assert new_id("tax") != new_id("tax")
    for made in (new_id("tax"), new_id("tax", b"fact")):
        assert is_own_id(made, "tax")
        assert not is_own_id(made, "bank")
        assert Entry(id=made, kind=EntryKind.REFUSED, time=1, node="tax").id == made
