"""The one form of an entry: what it accepts, and that nothing else gets in."""

import base64
import dataclasses
import json
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import entry as entries
from audit.entry import (
    Entry,
    EntryKind,
    Event,
    encode,
    is_own_id,
    new_id,
    parse,
    parse_event,
    sign,
    verify_signature,
)
from audit.errors import FormatError, SignatureError
from audit.strict_json import MAX_INTEGER

KEY = Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)
SIGNATURE = base64.b64encode(bytes(range(64))).decode()
FULL: dict[str, Any] = {
    "counterparty": "bank-a",
    "contract": "bank-a:loans",
    "counter": 12,
    "detail": {"answer": "ab" * 32, "fields": ("naics", "years_active"), "purpose": "贷前审查", "rows": 7},
    "id": "0123456789abcdef" * 2,
    "job": "5e" * 32,
    "kind": EntryKind.ANSWER_SENT,
    "node": "tax-bureau",
    "permit_id": "p-2026-0001",
    "signature": SIGNATURE,
    "time": 1_790_000_000_123,
    "version": 2,
}
BARE: dict[str, Any] = {
    "id": "00" * 16,
    "kind": EntryKind.PARTY_ENROLLED,
    "time": 0,
    "node": "operator",
    "counter": 1,
    "signature": SIGNATURE,
}
SETTINGS = settings(max_examples=120, deadline=None, derandomize=True, database=None)

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", fullmatch=True)
INTEGERS = st.integers(-MAX_INTEGER, MAX_INTEGER)
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=entries.MAX_TEXT)
LISTS = st.lists(st.from_regex(r"[a-z][a-z0-9_-]{0,63}", fullmatch=True), max_size=8).map(tuple)
ENTRIES = st.builds(
    Entry,
    id=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    kind=st.sampled_from(EntryKind),
    time=st.integers(0, MAX_INTEGER),
    node=NAMES,
    contract=st.none() | NAMES,
    counterparty=st.none() | NAMES,
    permit_id=st.none() | NAMES,
    job=st.none() | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    detail=st.dictionaries(st.from_regex(r"[a-z_]{1,64}", fullmatch=True), INTEGERS | TEXTS | LISTS, max_size=6),
    counter=st.integers(1, MAX_INTEGER),
    signature=st.binary(min_size=64, max_size=64).map(lambda data: base64.b64encode(data).decode()),
)


def as_json(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def test_the_bytes_of_an_entry() -> None:
    assert encode(Entry(**FULL)).decode() == (
        '{"contract":"bank-a:loans","counter":12,"counterparty":"bank-a",'
        '"detail":{"answer":"abababababababababababababababababababababababababababababababab",'
        '"fields":["naics","years_active"],"purpose":"贷前审查","rows":7},'
        '"id":"0123456789abcdef0123456789abcdef",'
        '"job":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e",'
        '"kind":"answer_sent","node":"tax-bureau","permit_id":"p-2026-0001",'
        f'"signature":"{SIGNATURE}","time":1790000000123,"version":2}}'
    )
    assert encode(Entry(**BARE)).decode() == (
        '{"contract":null,"counter":1,"counterparty":null,"detail":{},"id":"00000000000000000000000000000000",'
        '"job":null,"kind":"party_enrolled","node":"operator","permit_id":null,'
        f'"signature":"{SIGNATURE}","time":0,"version":2}}'
    )


def test_an_event_is_numbered_and_signed_by_its_node() -> None:
    event = Event(**{name: FULL[name] for name in Event.__dataclass_fields__})
    entry = sign(event, 12, KEY)
    assert replace(entry, signature=SIGNATURE) == Entry(**FULL)
    assert parse_event(encode(event)) == event
    with pytest.raises(FormatError, match="counter: missing"):
        parse(encode(event))
    with pytest.raises(FormatError, match="unknown"):
        parse_event(encode(entry))
    # Ed25519 over the domain and the canonical JSON of all the rest, as anybody else would verify it.
    members = json.loads(encode(entry))
    signature = base64.b64decode(members.pop("signature"))
    KEY.public_key().verify(signature, b"veilmart/event/v1\n" + rfc8785.dumps(members))
    public_key = KEY.public_key().public_bytes_raw()
    verify_signature(entry, public_key)
    for changes in (
        {"counter": 13},
        {"contract": None},
        {"contract": "bank-a:other"},
        {"node": "bank-a"},
        {"time": entry.time + 1},
        {"kind": EntryKind.REFUSED},
        {"detail": {}},
        {"signature": SIGNATURE},
    ):
        with pytest.raises(SignatureError, match=f"{entry.id} is not signed by"):
            verify_signature(replace(entry, **changes), public_key)
    for other in (bytes(32), b"\xff" * 32, b"short", Ed25519PrivateKey.generate().public_key().public_bytes_raw()):
        with pytest.raises(SignatureError):
            verify_signature(entry, other)


@SETTINGS
@given(ENTRIES)
def test_round_trip_in_rfc_8785(entry: Entry) -> None:
    data = encode(entry)
    assert parse(data) == entry
    assert hash(parse(data)) == hash(entry)
    assert encode(parse(data)) == data
    members = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
    assert data == rfc8785.dumps(members | {"kind": entry.kind.value, "detail": dict(entry.detail)})
    assert parse_event(encode(event_of(entry))) == event_of(entry)


def event_of(entry: Entry) -> Event:
    return Event(**{name: getattr(entry, name) for name in Event.__dataclass_fields__})


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
        ({"version": 1}, "version"),
        ({"version": 3}, "version"),
        ({"version": True}, "version"),
        ({"version": "2"}, "version"),
        ({"kind": "answer_deleted"}, "kind: not in the vocabulary"),
        ({"kind": None}, "kind: not in the vocabulary"),
        ({"kind": ["refused"]}, "kind: not in the vocabulary"),
        ({"time": -1}, "time"),
        ({"time": 2**53}, "time"),
        ({"time": True}, "time"),
        ({"time": "1"}, "time"),
        ({"time": None}, "time"),
        ({"counter": 0}, "counter"),
        ({"counter": -1}, "counter"),
        ({"counter": 2**53}, "counter"),
        ({"counter": True}, "counter"),
        ({"counter": None}, "counter"),
        ({"contract": ""}, "contract"),
        ({"contract": "a b"}, "contract"),
        ({"contract": 5}, "contract"),
        ({"signature": None}, "signature"),
        ({"signature": SIGNATURE[:-4]}, "signature"),
        ({"signature": SIGNATURE[:-3] + "z=="}, "signature"),  # bits that say nothing are not zero
        ({"signature": SIGNATURE.replace("A", "-", 1)}, "signature"),
        ({"signature": SIGNATURE + "\n"}, "signature"),
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
        ({"detail": {"a": "x" * 513}}, "detail.a: more than 512"),
        ({"detail": {"a": [1]}}, "detail.a: not a text|detail.a: neither"),
        ({"detail": {"a": ["A"]}}, "detail.a: not a text|detail.a: neither"),
        ({"detail": {"a": [["a"]]}}, "detail.a: not a text|detail.a: neither"),
        ({"detail": {"a": ["a" * 65]}}, "detail.a: not a text|detail.a: neither"),
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
        ('"rows":7', '"rows":7.0', "not an integer"),
        ('"rows":7', '"rows":7e0', "not an integer"),
        ('"rows":7', '"rows":NaN', "not an integer"),
        ('"rows":7', '"rows":-Infinity', "not an integer"),
        ('"rows":7', '"rows":9007199254740992', "beyond"),
        ('"rows":7', '"rows":-9007199254740992', "beyond"),
        ('"rows":7', '"rows":' + "9" * 5000, "beyond"),
        ('"rows":7', '"rows":-0', "not canonical"),
        ('"rows":7', '"rows":07', "not JSON"),
        ('"rows":7', '"rows":1_0', "not JSON"),
        ('"rows":7', '"rows":٥', "not JSON"),
        ('"rows":7', '"rows":7,"rows":7', "'rows': duplicate"),
        ('"version":2', '"version":2,"version":2', "'version': duplicate"),
        ('"version":2', '"version":2,"zone":1', "'zone': unknown"),
        (',"version":2', "", "version: missing"),
        ('"job":"' + "5e" * 32 + '",', "", "job: missing"),
        ("贷", "\\u8d37", "not canonical"),
        ("贷", "\\/", "not canonical"),
        ("贷", "\\ud800", "surrogate"),
        ("贷", "\n", "not JSON"),
        ('"version":2', '"version": 2', "not canonical"),
        ('"version":2}', '"version":2}\n', "not canonical"),
        ('"version":2}', '"version":2}{}', "not JSON"),
        ('{"contract":"bank-a:loans",', '{"detail":{},', "duplicate"),
        ('"time":1790000000123,"version":2', '"version":2,"time":1790000000123', "not canonical"),
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
    def detail(count: int) -> dict[str, Any]:
        names = ["a" * 32 + "b" * number + "c" * (32 - number) for number in range(32)]
        full, rest = divmod(count, entries.MAX_TEXT)
        lengths = [entries.MAX_TEXT] * full + [rest] * bool(rest)
        lists = dict.fromkeys(names[len(lengths) :][:16], ("n" * 64,) * 16)
        return lists | {name: "𠀀" * length for name, length in zip(names, lengths, strict=False)}

    name = "n" * 128
    full = FULL | {"node": name, "counterparty": name, "contract": name, "permit_id": name, "time": 2**53 - 1}
    largest = Entry(**full | {"detail": detail(entries.MAX_TEXTS), "counter": 2**53 - 1})
    assert len(encode(largest)) <= entries.MAX_SIZE
    assert parse(encode(largest)) == largest
    with pytest.raises(FormatError, match="more than 8192 characters in texts"):
        Entry(**full | {"detail": detail(entries.MAX_TEXTS + 1)})
    with pytest.raises(FormatError, match="more than 256 names in lists"):
        Entry(**full | {"detail": {"names": ("n",) * 257}})


def test_an_entry_does_not_change_after_it_was_checked() -> None:
    detail: dict[str, Any] = {"rows": 1}
    entry = Entry(**BARE, detail=detail)
    detail["rows"] = 1 << 60
    assert entry.detail == {"rows": 1}
    with pytest.raises(TypeError):
        entry.detail["rows"] = 2  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.time = 1  # type: ignore[misc]


def test_an_id_is_a_nodes_own_and_follows_from_its_fact() -> None:
    assert new_id("tax", b"fact") == new_id("tax", b"fact") != new_id("tax", b"other")
    assert new_id("tax") != new_id("tax")
    for made in (new_id("tax"), new_id("tax", b"fact")):
        assert is_own_id(made, "tax")
        assert not is_own_id(made, "bank")
        assert Event(id=made, kind=EntryKind.REFUSED, time=1, node="tax").id == made
