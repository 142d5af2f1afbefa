"""One form of a message: what is not the very bytes that encode() gives is a FormatError, and nothing else."""

import base64
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from compute.binning import CategoryBins, NumberBins
from compute.canonical import (
    MAX_MESSAGE_BYTES,
    Bytes32,
    Date,
    FormatError,
    Hex32,
    Message,
    Milliseconds,
    Name,
    Version,
    decode,
    encode,
)


class SampleNote(Message, frozen=True):
    """A message with a field of every kind in use."""

    name: Name
    version: Version
    digest: Hex32
    seed: Bytes32
    body: bytes
    text: str
    at: Milliseconds
    day: Date
    words: tuple[str, ...] = ()
    optional: int | None = None


NOTE = SampleNote(
    name="note-1",
    version="1.0",
    digest="0f" * 32,
    seed=bytes(32),
    body=b"\xff\x00\x10",
    text='可用不可见 é \U0001f512 "\\\n',
    at=1_700_000_000_000,
    day="2024-02-29",
    words=("b", "a"),
)


class Anything(Message, frozen=True):
    value: Any


DATA = encode(NOTE)
BINS = CategoryBins(column="state", groups=(("b", "甲"), ("c",)))
VALID = [DATA, encode(BINS), encode(NumberBins(column="x", edges=("-1.5", "0", "2")))]
ANY = SampleNote | CategoryBins | NumberBins
NOTES = st.builds(
    SampleNote,
    name=st.from_regex(r"\A[a-z][a-z0-9_-]{0,10}\Z"),
    version=st.just("1.0.0"),
    digest=st.binary(min_size=32, max_size=32).map(bytes.hex),
    seed=st.binary(min_size=32, max_size=32),
    body=st.binary(max_size=40),
    text=st.text(max_size=20),
    at=st.integers(0, 2**53 - 1),
    day=st.dates().map(str),
    words=st.lists(st.text(max_size=5), max_size=4).map(tuple),
    optional=st.none() | st.integers(-(2**53) + 1, 2**53 - 1),
)


def changed(**fields: object) -> bytes:
    """NOTE as sorted, compact JSON with some fields replaced; ``...`` leaves a field out."""
    document = {**json.loads(DATA), **fields}
    kept = {name: value for name, value in document.items() if value is not ...}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@given(note=NOTES)
def test_messages_round_trip(note: SampleNote) -> None:
    assert decode(encode(note), SampleNote) == note


def test_the_form_is_sorted_compact_json() -> None:
    assert changed() == DATA
    assert json.loads(DATA)["type"] == "sample_note"
    assert json.loads(DATA)["body"] == base64.b64encode(NOTE.body).decode()


def test_a_union_is_told_apart_by_its_tag() -> None:
    assert decode(encode(BINS), CategoryBins | NumberBins) == BINS  # type: ignore[arg-type] # a union of message types


@given(data=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@example(b"")
@example(b"\xff\xfe")
@example(b"null")
@example(b'{"type":"sample_note"}')
@example(b"[" * 100_000)
@example(b'{"type":' * 100_000)
@example(b'{"words":' + b"[" * 100_000)
def test_noise_is_a_format_error(data: bytes) -> None:
    for expected in (SampleNote, CategoryBins, ANY):
        with pytest.raises(FormatError):
            decode(data, expected)  # type: ignore[arg-type] # a union of message types


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A valid message with a few bytes replaced, removed, repeated or put in."""
    data = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 12)))
        piece = draw(
            st.binary(max_size=4)
            | st.sampled_from(
                [b" ", b'"', b"\\u0000", b"\\ud800", b"1e3", b"-", b"0", b"NaN", b",", b"{", b"[]", b"="]
            )
            | st.just(bytes(data[start:stop]) * 2)
        )
        data[start:stop] = piece
    return bytes(data)


@given(data=mutations())
def test_a_mutated_message_is_refused_or_canonical(data: bytes) -> None:
    try:
        message = decode(data, ANY)  # type: ignore[arg-type] # a union of message types
    except FormatError:
        return
    assert encode(message) == data


@pytest.mark.parametrize("position", range(0, len(DATA), 7))
def test_a_truncated_message_is_refused(position: int) -> None:
    with pytest.raises(FormatError, match="not a well-formed message"):
        decode(DATA[:position], SampleNote)


@pytest.mark.parametrize(
    "data",
    [
        DATA + b"\n",
        b" " + DATA,
        DATA.replace(b'":', b'": ', 1),
        DATA.replace(b",", b", ", 1),
        json.dumps(json.loads(DATA), sort_keys=True, separators=(",", ":")).encode(),
        json.dumps(dict(reversed(json.loads(DATA).items())), separators=(",", ":"), ensure_ascii=False).encode(),
        DATA.replace("é".encode(), b"\\u00e9"),
        DATA.replace(b"\\n", b"\\u000a"),
        DATA.replace(b'"name":"note-1"', b'"name":"note-1","name":"note-1"'),
        DATA.replace(b'"name":"note-1"', b'"name":"other","name":"note-1"'),
        changed(optional=...),
        changed(words=...),
    ],
    ids=[
        "newline after",
        "space before",
        "space after colon",
        "space after comma",
        "escapes",
        "order",
        "one escape",
        "long escape",
        "duplicate",
        "duplicate of another value",
        "default left out",
        "empty left out",
    ],
)
def test_another_spelling_is_refused(data: bytes) -> None:
    assert data != DATA
    with pytest.raises(FormatError, match="not in canonical form"):
        decode(data, SampleNote)


@pytest.mark.parametrize("number", [b"1700000000000.0", b"1.7e12", b"17e11", b"1700000000000E0"])
def test_a_float_is_no_integer(number: bytes) -> None:
    with pytest.raises(FormatError):
        decode(DATA.replace(b"1700000000000", number), SampleNote)


@pytest.mark.parametrize(
    "number", [b"01", b"+1", b"1_0", b"NaN", b"Infinity", b"-Infinity", b"0x1", "٥".encode(), b""]
)
def test_what_json_does_not_know_is_refused(number: bytes) -> None:
    with pytest.raises(FormatError, match="not a well-formed message"):
        decode(DATA.replace(b"1700000000000", number), SampleNote)


def test_minus_zero_is_not_zero() -> None:
    with pytest.raises(FormatError, match="not in canonical form"):
        decode(DATA.replace(b"1700000000000", b"-0"), SampleNote)


@pytest.mark.parametrize("number", [-1, 2**53, 2**63, 2**64, 10**400])
def test_a_time_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(FormatError, match="not a well-formed message"):
        decode(changed(at=number), SampleNote)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"extra": 1}, "extra"),
        ({"name": ...}, "name"),
        ({"body": ...}, "body"),
        ({"at": "1"}, "at"),
        ({"at": True}, "at"),
        ({"at": None}, "at"),
        ({"text": 1}, "text"),
        ({"text": None}, "text"),
        ({"words": "ab"}, "words"),
        ({"words": [1]}, "words"),
        ({"words": {}}, "words"),
        ({"optional": "1"}, "optional"),
        ({"name": "Note"}, "name"),
        ({"name": "note\n"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "n" * 65}, "name"),
        ({"name": "nöte"}, "name"),
        ({"version": "v1"}, "version"),
        ({"version": "1\n"}, "version"),
        ({"version": "١"}, "version"),
        ({"digest": "0F" * 32}, "digest"),
        ({"digest": "0f" * 31}, "digest"),
        ({"seed": base64.b64encode(bytes(31)).decode()}, "seed"),
        ({"seed": base64.b64encode(bytes(33)).decode()}, "seed"),
        ({"day": "2024-13-01"}, "day"),
        ({"day": "2024-1-01"}, "day"),
        ({"day": "2024-01-01T00:00"}, "day"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], named: str) -> None:
    with pytest.raises(FormatError, match=f"not a well-formed message.*{named}"):
        decode(changed(**fields), SampleNote)


@pytest.mark.parametrize("tag", ["other_note", "SampleNote", "number_bins", "", 1, None, ...])
def test_another_tag_is_refused(tag: object) -> None:
    with pytest.raises(FormatError):
        decode(changed(type=tag), SampleNote)


def test_one_message_is_not_another() -> None:
    with pytest.raises(FormatError, match="not a well-formed message"):
        decode(encode(BINS), NumberBins)


@pytest.mark.parametrize(
    ("text", "body"), [("/wAQ", b"\xff\0\x10"), ("/wA=", b"\xff\0"), ("/w==", b"\xff"), ("", b"")]
)
def test_bytes_are_base64(text: str, body: bytes) -> None:
    assert decode(changed(body=text), SampleNote).body == body


@pytest.mark.parametrize(
    "text", ["_wAQ", "/wAQ=", "/wAQ\n", " /wAQ", "/wA", "/wB=", "/wA==", "/x==", "é", "/", "===="]
)
def test_base64_has_one_spelling(text: str) -> None:
    """Neither the other alphabet nor bits beyond the last byte (``/wB=``, ``/x==``)."""
    with pytest.raises(FormatError):
        decode(changed(body=text), SampleNote)


@pytest.mark.parametrize("text", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe9", b"\\ud800"])
def test_text_that_is_no_unicode_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError, match="not a well-formed message"):
        decode(DATA.replace("é".encode(), text), SampleNote)


def test_an_oversize_message_is_not_even_read() -> None:
    with pytest.raises(FormatError, match=f"{MAX_MESSAGE_BYTES + 1} bytes; a message has at most"):
        decode(bytes(MAX_MESSAGE_BYTES + 1), SampleNote)


def test_bins_that_overlap_are_no_message() -> None:
    with pytest.raises(FormatError, match="bins overlap"):
        decode(b'{"column":"x","edges":["2","1"],"type":"number_bins"}', NumberBins)


def test_an_integer_beyond_json_is_a_format_error() -> None:
    class Unbounded(Message, frozen=True):
        value: int

    with pytest.raises(FormatError, match="well-formed"):
        decode(b'{"type":"unbounded","value":9007199254740992}', Unbounded)


ASCII = st.text(st.characters(max_codepoint=127)) | st.from_regex(r"[a:,\[]-?[0-9]{1,20}[.eE]?[0-9]?")
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | ASCII | st.text() | st.just(2**53)


@given(
    st.recursive(
        LEAVES, lambda inner: st.lists(inner) | st.dictionaries(ASCII | st.text(max_size=2), inner), max_leaves=12
    )
)
def test_whatever_is_encoded_is_encoded_as_rfc_8785_says(value: object) -> None:
    try:
        expected = rfc8785.dumps({"type": "anything", "value": value})  # type: ignore[dict-item]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
            encode(Anything(value=value))
    else:
        assert encode(Anything(value=value)) == expected
