"""Signed notes against the keys and signatures of others, and against whoever tampers with them."""

import base64
import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import note
from audit.errors import FormatError, SignatureError
from audit.note import KeyKind, Note, NoteSignature, VerifierKey

SETTINGS = settings(max_examples=150, deadline=None, derandomize=True, database=None)

# The example of Go's golang.org/x/mod/sumdb/note.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_SECRET = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
NEUMANN_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
NEUMANN_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
NEUMANN_NOTE = f"{NEUMANN_TEXT}\n{NEUMANN_LINE}\n".encode()

# The example of C2SP signed-note.
EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

OTHERS_KEYS = [
    NEUMANN,
    EXAMPLE,
    "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
    "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",  # a + in the base64
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",  # a witness
]

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
TEXT = "one\n\ntwo\n"
P = 2**255 - 19


def made(*signatures: NoteSignature, text: str = TEXT) -> Note:
    return note.parse(Note(text, signatures).encode())


def lines(count: int) -> tuple[NoteSignature, ...]:
    return tuple(NoteSignature(f"key{number}", b"abcd", b"?") for number in range(count))


def test_the_notes_of_others() -> None:
    for data, vkey in ((NEUMANN_NOTE, NEUMANN), (EXAMPLE_NOTE, EXAMPLE)):
        found = note.parse(data)
        key = VerifierKey.parse(vkey)
        assert note.verify(found, [key]) == (key,)
        assert found.encode() == data
    assert note.parse(NEUMANN_NOTE).text == NEUMANN_TEXT


def test_a_signature_like_that_of_others() -> None:
    secret = Ed25519PrivateKey.from_private_bytes(NEUMANN_SECRET)
    signature = note.sign(NEUMANN_TEXT, "PeterNeumann", secret)
    assert signature.encode() == NEUMANN_LINE
    assert VerifierKey.of("PeterNeumann", secret).encode() == NEUMANN


def test_a_signature_of_rfc_8032() -> None:
    # §7.1 TEST 3, over two bytes that are no note: the key verifies what the RFC says.
    key = VerifierKey(
        "rfc",
        KeyKind.ED25519,
        bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
    )
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert key.verifies(signature, b"\xaf\x82")
    assert not key.verifies(signature, b"\xaf\x83")
    assert not key.verifies(signature[:-1], b"\xaf\x82")


@pytest.mark.parametrize("vkey", OTHERS_KEYS)
def test_the_keys_of_others(vkey: str) -> None:
    assert VerifierKey.parse(vkey).encode() == vkey


@pytest.mark.parametrize("vkey", OTHERS_KEYS)
def test_no_part_of_a_key_is_a_key_nor_is_an_altered_one(vkey: str) -> None:
    parts = {vkey[start:stop] for start in range(len(vkey)) for stop in range(start + 1, len(vkey) + 1)}
    altered = {vkey[:at] + chr(ord(vkey[at]) + 1) + vkey[at + 1 :] for at in range(len(vkey))}
    for bad in (parts | altered) - {vkey}:
        with pytest.raises(FormatError):
            VerifierKey.parse(bad)


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # upper case
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # Go's: too long a key
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # Go's: an unknown kind
        "PeterNeumann+c74f20a3+",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "++",
        "",
        "\ud800+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+\u0661\u0662345678+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(FormatError):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a+b", "a\tb", "a\nb", "a\u00a0b", "a\u2028b", "a\x01", "\ud800"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(FormatError):
        VerifierKey.of(name, KEY)
    with pytest.raises(FormatError):
        NoteSignature(name, b"abcd", b"?")
    with pytest.raises(FormatError):
        note.sign(TEXT, name, KEY)


def test_a_key_that_signs_everything_is_refused() -> None:
    identity = (1).to_bytes(32, "little")
    forged = identity + bytes(32)  # R the identity, S = 0
    Ed25519PublicKey.from_public_bytes(identity).verify(forged, b"whatever")  # the library does not look
    order_8 = [y for y in note._WEAK if y not in {0, 1, P - 1}]
    d = -121665 * pow(121666, -1, P) % P
    for y in order_8:  # doubled, it is of order 4: its ordinate x² + y² is 0
        assert ((y * y - 1) * pow(d * y * y + 1, -1, P) + y * y) % P == 0
    assert len(order_8) == 2
    for y in note._WEAK:
        for encoded in (number for number in (y, y + P) if number < 2**255):
            for sign in (0, 1 << 255):
                with pytest.raises(FormatError, match="small order"):
                    VerifierKey("weak", KeyKind.ED25519, (encoded | sign).to_bytes(32, "little"))


@pytest.mark.parametrize("public_key", [b"", bytes(31), b"k" * 33, "k" * 32])
def test_what_is_no_public_key_is_refused(public_key: bytes) -> None:
    with pytest.raises(FormatError):
        VerifierKey("name", KeyKind.ED25519, public_key)


def test_the_kind_is_part_of_the_id() -> None:
    assert VerifierKey.of("n", KEY).key_id != VerifierKey.of("n", KEY, KeyKind.COSIGNATURE).key_id
    with pytest.raises(FormatError):
        VerifierKey("n", 1, b"k" * 32)  # type: ignore[arg-type]


def test_the_last_empty_line_separates() -> None:
    for text in ("a\n", "\n", "a\n\n", "\n\n\n", "a\n\n— key YWJjZD8=\n", "\u2028\n", "\x7f\u0085\n"):
        found = made(*lines(1), text=text)
        assert found.text == text
        assert found.signatures == lines(1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        b"text\n\xe2\x80\x94 key YWJjZD8=\n",  # no empty line
        b"text\n\n\xe2\x80\x94 key YWJjZD8=",  # no newline at the end
        b"text\n\n\xe2\x80\x94 key YWJjZD8=\n\n",
        b"text\n\n\xe2\x80\x94 key YWJjZD8=\nmore\n",
        b"text\n\n- key YWJjZD8=\n",
        b"text\n\n\xe2\x80\x93 key YWJjZD8=\n",  # en dash
        b"text\n\n\xe2\x80\x94key YWJjZD8=\n",
        b"text\n\n\xe2\x80\x94  YWJjZD8=\n",
        b"text\n\n\xe2\x80\x94 key  YWJjZD8=\n",
        b"text\n\n\xe2\x80\x94 key YWJjZD8= \n",
        b"text\n\n\xe2\x80\x94 k+y YWJjZD8=\n",
        b"text\n\n\xe2\x80\x94 k\xc2\xa0y YWJjZD8=\n",
        b"text\n\n\xe2\x80\x94 key \n",
        b"text\n\n\xe2\x80\x94 key YWJj\n",  # three bytes
        b"text\n\n\xe2\x80\x94 key YWJjZA==\n",  # an id and no signature
        b"text\n\n\xe2\x80\x94 key YWJjZD9=\n",  # bits that say nothing are not zero
        b"text\n\n\xe2\x80\x94 key YWJjZD8\n",
        b"text\n\n\xe2\x80\x94 key YWJj-_8=\n",
        b"te\tt\n\n\xe2\x80\x94 key YWJjZD8=\n",
        b"te\rt\n\n\xe2\x80\x94 key YWJjZD8=\n",
        b"text\r\n\r\n\xe2\x80\x94 key YWJjZD8=\r\n",
        b"te\0t\n\n\xe2\x80\x94 key YWJjZD8=\n",
        b"te\xfft\n\n\xe2\x80\x94 key YWJjZD8=\n",
        b"te\xed\xa0\x80t\n\n\xe2\x80\x94 key YWJjZD8=\n",  # a surrogate
        b"te\xc0\x8at\n\n\xe2\x80\x94 key YWJjZD8=\n",  # an overlong newline
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        note.parse(data)


def test_many_signatures() -> None:
    for count in (1, 16, 100):
        assert made(*lines(count)).signatures == lines(count)
    with pytest.raises(FormatError):
        Note(TEXT, lines(101))
    with pytest.raises(FormatError):
        Note(TEXT, ())
    for count in (101, 102, 5000):
        body = "".join(line.encode() + "\n" for line in lines(count))
        with pytest.raises(FormatError):
            note.parse(f"{TEXT}\n{body}".encode())


def test_a_note_that_is_too_large() -> None:
    rest = len(Note("\n", lines(1)).encode())
    largest = Note("x" * (note.MAX_SIZE - rest) + "\n", lines(1))
    assert note.parse(largest.encode()) == largest
    with pytest.raises(FormatError):
        note.parse(b"x" + largest.encode())
    with pytest.raises(FormatError):
        dataclasses.replace(largest, text="x" + largest.text).encode()


@pytest.mark.parametrize("text", ["", "x", "x\ny", "\t\n", "\x1f\n", "\ud800\n"])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        Note(text, lines(1))
    with pytest.raises(FormatError):
        note.sign(text, "a", KEY)


@pytest.mark.parametrize(("key_id", "blob"), [(b"", b"?"), (b"abc", b"?"), (b"abcde", b"?"), (b"abcd", b"")])
def test_what_is_no_signature_is_refused(key_id: bytes, blob: bytes) -> None:
    with pytest.raises(FormatError):
        NoteSignature("name", key_id, blob)


def test_signers_are_told_by_name_and_key() -> None:
    a, b = VerifierKey.of("a", KEY), VerifierKey.of("b", OTHER)
    signed = made(note.sign(TEXT, "a", KEY), note.sign(TEXT, "b", OTHER))
    assert note.verify(signed, [a, b]) == (a, b)
    assert note.verify(signed, [b]) == (b,)
    assert note.verify(signed, []) == ()
    assert note.verify(signed, [VerifierKey.of("c", KEY)]) == ()
    # A foreign line with the name, or with the id, of a known key says nothing.
    same_name = NoteSignature("a", b"abcd", b"?" * 64)
    same_id = NoteSignature("c", a.key_id, b"?" * 64)
    assert note.verify(made(same_name, same_id), [a]) == ()
    assert note.verify(made(same_name, note.sign(TEXT, "a", KEY), same_id), [a]) == (a,)


def test_a_false_signature_of_a_known_key_rejects_the_note() -> None:
    a, good = VerifierKey.of("a", KEY), note.sign(TEXT, "a", KEY)
    for bad in (
        dataclasses.replace(good, blob=good.blob[:-1]),
        dataclasses.replace(good, blob=good.blob + b"\0"),
        dataclasses.replace(good, blob=bytes([good.blob[0] ^ 1]) + good.blob[1:]),
        dataclasses.replace(good, blob=note.sign(TEXT, "a", OTHER).blob),
        note.sign("one\n", "a", KEY),
        dataclasses.replace(good, blob=KEY.sign(TEXT.encode() + b"\n")),  # with the empty line
        dataclasses.replace(good, blob=KEY.sign(TEXT.encode()[:-1])),
    ):
        for signatures in ((bad,), (good, bad), (bad, good)):
            with pytest.raises(SignatureError, match="a does not verify"):
                note.verify(made(*signatures), [a])


def test_every_altered_character_of_the_text_is_found() -> None:
    key = VerifierKey.parse(NEUMANN)
    for at in range(len(NEUMANN_TEXT) - 1):
        data = NEUMANN_NOTE[:at] + bytes([NEUMANN_NOTE[at] ^ 0x20 or 0x21]) + NEUMANN_NOTE[at + 1 :]
        with pytest.raises((SignatureError, FormatError)):
            note.verify(note.parse(data), [key])


def test_nobody_is_counted_twice() -> None:
    a, alias = VerifierKey.of("a", KEY), VerifierKey.of("alias", KEY)
    twice = made(note.sign(TEXT, "a", KEY), note.sign(TEXT, "a", KEY))
    assert note.verify(twice, [a]) == (a,)
    assert note.verify(twice, [a, a]) == (a,)
    assert note.verify(made(note.sign(TEXT, "a", KEY), note.sign(TEXT, "alias", KEY)), [a, alias]) == (a,)


def test_a_cosigners_key_is_not_asked_here() -> None:
    key = VerifierKey.of("a", KEY, KeyKind.COSIGNATURE)
    with pytest.raises(FormatError):
        note.verify(made(NoteSignature("a", key.key_id, KEY.sign(TEXT.encode()))), [key])


LINES = st.sampled_from([NEUMANN_LINE, "— key YWJjZD8=", "", "text", "— key", "— a b c", "\x00", "\u2028"])


@SETTINGS
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(LINES, max_size=8).map(lambda parts: "\n".join(parts).encode()),
        st.tuples(st.integers(0, len(NEUMANN_NOTE)), st.integers(0, 4), st.binary(max_size=4)).map(
            lambda cut: NEUMANN_NOTE[: cut[0]] + cut[2] + NEUMANN_NOTE[cut[0] + cut[1] :]
        ),
    )
)
def test_whatever_note_is_accepted_is_the_one(data: bytes) -> None:
    try:
        found = note.parse(data)
    except FormatError:
        return
    assert found.encode() == data


@SETTINGS
@given(st.one_of(st.text(), st.lists(st.sampled_from(NEUMANN.split("+")), max_size=5).map("+".join)))
def test_whatever_key_is_accepted_is_the_one(text: str) -> None:
    try:
        key = VerifierKey.parse(text)
    except FormatError:
        return
    assert key.encode() == text
