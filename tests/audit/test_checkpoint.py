"""Checkpoints: those of a public log, those made here, and everything that is none."""

import base64
import dataclasses

import pytest
from cosigned import LOG, LOG_KEY, ORIGIN
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import checkpoint, note
from audit.errors import FormatError
from audit.merkle import EMPTY_ROOT
from audit.note import Note, NoteSignature, VerifierKey

SETTINGS = settings(max_examples=150, deadline=None, derandomize=True, database=None)
ROOT = bytes(range(32))
ROOT64 = base64.b64encode(ROOT).decode()
LINES = (NoteSignature("key", b"abcd", b"?"),)

# A checkpoint of the public log Arche2025h1, with the log's signature in two forms.
ARCHE_KEY = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
ARCHE = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev \
zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev \
ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
""".encode()


def with_text(text: str) -> bytes:
    return Note(text, LINES).encode()


def test_the_checkpoint_of_a_public_log() -> None:
    found = checkpoint.parse(ARCHE)
    assert (found.origin, found.size) == ("arche2025h1.staging.ct.transparency.dev", 1_432_088_532)
    assert base64.b64encode(found.root) == b"U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro="
    assert found.extensions == ()
    assert found.encode() == ARCHE
    key = VerifierKey.parse(ARCHE_KEY)
    assert note.verify(found.note, [key]) == (key,)


def test_a_checkpoint_made_here() -> None:
    assert checkpoint.text(ORIGIN, 70_000, ROOT) == f"{ORIGIN}\n70000\n{ROOT64}\n"
    data = checkpoint.signed(ORIGIN, 70_000, ROOT, LOG)
    found = checkpoint.parse(data)
    assert (found.origin, found.size, found.root, found.extensions) == (ORIGIN, 70_000, ROOT, ())
    assert found.encode() == data
    assert note.verify(found.note, [LOG_KEY]) == (LOG_KEY,)
    assert [line.name for line in found.note.signatures] == [ORIGIN]


@pytest.mark.parametrize("size", [0, 1, 2**63 - 1])
def test_sizes(size: int) -> None:
    assert checkpoint.parse(checkpoint.signed(ORIGIN, size, EMPTY_ROOT, LOG)).size == size


def test_extension_lines() -> None:
    found = checkpoint.parse(with_text(f"an origin\u2028with+signs\n0\n{ROOT64}\none\n two\u2028\n"))
    assert found.origin == "an origin\u2028with+signs"
    assert found.extensions == ("one", " two\u2028")


def test_the_fields_are_those_of_the_signed_text() -> None:
    found = checkpoint.parse(ARCHE)
    with pytest.raises(TypeError):
        checkpoint.Checkpoint(found.note, size=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="root"):
        dataclasses.replace(found, root=ROOT)
    other = checkpoint.parse(checkpoint.signed(ORIGIN, 1, ROOT, LOG))
    assert dataclasses.replace(found, note=other.note) == other
    with pytest.raises(FormatError):
        checkpoint.Checkpoint(Note("a text\n", LINES))


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        "origin\n",
        "origin\n1\n",
        f"\n1\n{ROOT64}\n",
        f"origin\n\n{ROOT64}\n",
        "origin\n1\n\n",
        f"origin\n1\n{ROOT64}\n\n",
        f"origin\n1\n{ROOT64}\n\nmore\n",
        f"\norigin\n1\n{ROOT64}\n",
        f"origin\n01\n{ROOT64}\n",
        f"origin\n00\n{ROOT64}\n",
        f"origin\n-1\n{ROOT64}\n",
        f"origin\n+1\n{ROOT64}\n",
        f"origin\n1_0\n{ROOT64}\n",
        f"origin\n 1\n{ROOT64}\n",
        f"origin\n1 \n{ROOT64}\n",
        f"origin\n1.0\n{ROOT64}\n",
        f"origin\n0x1\n{ROOT64}\n",
        f"origin\n١\n{ROOT64}\n",
        f"origin\n１\n{ROOT64}\n",
        f"origin\n{2**63}\n{ROOT64}\n",
        f"origin\n{'9' * 5000}\n{ROOT64}\n",
        f"origin\n1\n{ROOT64[:-1]}\n",
        f"origin\n1\n{ROOT64}=\n",
        f"origin\n1\n {ROOT64}\n",
        f"origin\n1\n{ROOT64[:-2]}9=\n",  # bits that say nothing are not zero
        f"origin\n1\n{base64.b64encode(bytes(31)).decode()}\n",
        f"origin\n1\n{base64.b64encode(bytes(33)).decode()}\n",
        "origin\n1\n" + base64.urlsafe_b64encode(b"\xff" * 32).decode() + "\n",
        "origin\n1\n" + ROOT.hex() + "\n",
        "origin\u20281\u2028" + ROOT64 + "\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        checkpoint.parse(with_text(text))
    with pytest.raises(FormatError):
        checkpoint.parse_text(text)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, ROOT),
        ("a\nb", 1, ROOT),
        ("a\n", 1, ROOT),
        (f"a\n1\n{ROOT64}\nb", 1, ROOT),
        ("a\tb", 1, ROOT),
        ("\ud800", 1, ROOT),
        ("a", -1, ROOT),
        ("a", 2**63, ROOT),
        ("a", "01", ROOT),
        ("a", None, ROOT),
        ("a", 1.0, ROOT),
        ("a", 1, b""),
        ("a", 1, bytes(31)),
        ("a", 1, bytes(33)),
    ],
)
def test_values_that_no_log_has_are_not_signed(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(FormatError):
        checkpoint.text(origin, size, root)
    with pytest.raises(FormatError):
        checkpoint.signed(origin, size, root, LOG)


@pytest.mark.parametrize("origin", ["a b", "a+b", "a\u00a0b"])
def test_an_origin_that_is_no_name_of_a_key_is_not_signed(origin: str) -> None:
    with pytest.raises(FormatError):
        checkpoint.signed(origin, 1, ROOT, LOG)


@SETTINGS
@given(
    st.one_of(
        st.binary(max_size=100),
        st.lists(st.sampled_from(["o", "1", "01", ROOT64, "", "— key YWJjZD8="]), max_size=7).map(
            lambda lines: ("\n".join(lines) + "\n\n— key YWJjZD8=\n").encode()
        ),
        st.tuples(st.integers(0, len(ARCHE)), st.integers(0, 3), st.binary(max_size=3)).map(
            lambda cut: ARCHE[: cut[0]] + cut[2] + ARCHE[cut[0] + cut[1] :]
        ),
    )
)
def test_whatever_checkpoint_is_accepted_is_the_one(data: bytes) -> None:
    try:
        found = checkpoint.parse(data)
    except FormatError:
        return
    assert found.encode() == data
    if not found.extensions:
        assert found.note.text == checkpoint.text(found.origin, found.size, found.root)


def test_signatures_are_deterministic() -> None:
    again = Ed25519PrivateKey.from_private_bytes(LOG.private_bytes_raw())
    assert checkpoint.signed(ORIGIN, 1, ROOT, LOG) == checkpoint.signed(ORIGIN, 1, ROOT, again)
