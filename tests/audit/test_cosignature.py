"""Cosignatures: those of public witnesses, and every way to seem more cosigners, or later ones, than there are."""

import dataclasses

import pytest
from cosigned import LOG, LOG_KEY, NOW, PARTIES, WITNESSES, cosigned, head, line, with_lines, witness_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import checkpoint, cosignature, note
from audit.errors import FormatError, SignatureError
from audit.note import KeyKind, NoteSignature, VerifierKey

SETTINGS = settings(max_examples=100, deadline=None, derandomize=True, database=None)
ROOT = bytes(range(32))
SIGNED = head(7, ROOT)
BANK, LENDER, OFFICE = (witness_key(party) for party in PARTIES)

# A checkpoint of the public log Arche2025h1 and the cosignatures of four public witnesses on it.
ARCHE = checkpoint.parse(
    """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev \
ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden \
2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 \
pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de \
2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu \
Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
""".encode()
).note
PUBLIC_WITNESSES = [
    VerifierKey.parse(vkey)
    for vkey in (
        "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
        "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    )
]
ARCHE_TIME = 0x6A122120


def test_the_cosignatures_of_public_witnesses() -> None:
    for key in PUBLIC_WITNESSES:
        assert cosignature.verify(ARCHE, key) == ARCHE_TIME
        assert note.verify(ARCHE, [LOG_KEY]) == ()
    found = cosignature.cosigners(ARCHE, PUBLIC_WITNESSES)
    assert found == {key.public_key: ARCHE_TIME for key in PUBLIC_WITNESSES}
    altered = dataclasses.replace(ARCHE, text=ARCHE.text.replace("1432088532", "1432088533"))
    for key in PUBLIC_WITNESSES:
        with pytest.raises(SignatureError):
            cosignature.verify(altered, key)


def test_what_is_signed() -> None:
    made = cosignature.cosign(SIGNED.note.text, "w", WITNESSES["bank"], 1679315147)
    message = f"cosignature/v1\ntime 1679315147\n{SIGNED.note.text}".encode()
    key = VerifierKey.of("w", WITNESSES["bank"], KeyKind.COSIGNATURE)
    assert made.key_id == key.key_id
    assert made.blob == (1679315147).to_bytes(8, "big") + WITNESSES["bank"].sign(message)
    assert cosignature.verify(with_lines(SIGNED, made).note, key) == 1679315147


@SETTINGS
@given(st.integers(0, 2**63 - 1))
def test_every_time_is_read_back(time: int) -> None:
    assert cosignature.verify(cosigned(SIGNED, bank=time).note, BANK) == time


@pytest.mark.parametrize("time", [-1, 2**63, 2**64, True, 1.0, "1", None])
def test_what_is_no_time_is_not_signed(time: int) -> None:
    with pytest.raises(FormatError):
        cosignature.cosign(SIGNED.note.text, "w", WITNESSES["bank"], time)


@pytest.mark.parametrize("text", ["", "a text\n", "time 1\n", SIGNED.note.text + "\n", SIGNED.note.text[:-1]])
def test_a_witness_signs_nothing_but_checkpoints(text: str) -> None:
    with pytest.raises(FormatError):
        cosignature.cosign(text, "w", WITNESSES["bank"], NOW)


def test_a_name_that_cannot_be_is_not_signed() -> None:
    with pytest.raises(FormatError):
        cosignature.cosign(SIGNED.note.text, "a b", WITNESSES["bank"], NOW)


def test_extension_lines_are_cosigned() -> None:
    text = SIGNED.note.text + "an extension\n"
    own = note.sign(text, SIGNED.origin, LOG)
    made = cosignature.cosign(text, "bank/witness", WITNESSES["bank"], NOW)
    assert cosignature.verify(note.Note(text, (own, made)), BANK) == NOW
    with pytest.raises(SignatureError):
        cosignature.verify(with_lines(SIGNED, made).note, BANK)


def test_who_has_not_cosigned() -> None:
    both = cosigned(SIGNED, bank=NOW, office=NOW + 5).note
    assert cosignature.cosigners(both, [BANK, LENDER, OFFICE]) == {
        BANK.public_key: NOW,
        OFFICE.public_key: NOW + 5,
    }
    assert cosignature.cosigners(SIGNED.note, [BANK]) == {}
    with pytest.raises(SignatureError, match="has not cosigned"):
        cosignature.verify(both, LENDER)


def test_a_repeated_cosignature_is_one_of_the_newest_time() -> None:
    bank = line(SIGNED, "bank", NOW)
    for lines in ((bank, bank), (bank, line(SIGNED, "bank", NOW - 9)), (line(SIGNED, "bank", NOW - 9), bank)):
        repeated = with_lines(SIGNED, *lines).note
        assert cosignature.verify(repeated, BANK) == NOW
        assert cosignature.cosigners(repeated, [BANK, BANK, LENDER]) == {BANK.public_key: NOW}


def test_one_key_under_two_names_is_one_cosigner() -> None:
    alias = VerifierKey.of("alias", WITNESSES["bank"], KeyKind.COSIGNATURE)
    bank = line(SIGNED, "bank", NOW)
    copied = NoteSignature("alias", alias.key_id, bank.blob)  # the name is not signed
    both = with_lines(SIGNED, bank, copied).note
    assert cosignature.verify(both, alias) == NOW
    assert cosignature.cosigners(both, [BANK, alias]) == {BANK.public_key: NOW}


def test_what_is_dated_ahead_does_not_count() -> None:
    ahead = cosigned(SIGNED, bank=NOW + 61, lender=NOW + 60).note
    assert cosignature.cosigners(ahead, [BANK, LENDER], NOW + 60) == {LENDER.public_key: NOW + 60}
    both = with_lines(SIGNED, line(SIGNED, "bank", NOW + 61), line(SIGNED, "bank", NOW - 5)).note
    assert cosignature.cosigners(both, [BANK], NOW + 60) == {BANK.public_key: NOW - 5}


def test_foreign_cosignatures_say_nothing() -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    foreign = with_lines(
        SIGNED,
        cosignature.cosign(SIGNED.note.text, "stranger", stranger, NOW),
        cosignature.cosign(SIGNED.note.text, BANK.name, stranger, NOW),  # another key under the bank's name
        NoteSignature("stranger", BANK.key_id, b"?" * 72),
    ).note
    assert cosignature.cosigners(foreign, [BANK, LENDER, OFFICE]) == {}


def test_a_log_signature_is_no_cosignature_nor_the_other_way_round() -> None:
    # One private key used for both, and each line under the id of the other kind.
    log, witness = VerifierKey.of("w", LOG), VerifierKey.of("w", LOG, KeyKind.COSIGNATURE)
    by_log = note.sign(SIGNED.note.text, "w", LOG)
    by_witness = cosignature.cosign(SIGNED.note.text, "w", LOG, NOW)
    with pytest.raises(SignatureError):
        note.verify(with_lines(SIGNED, NoteSignature("w", log.key_id, by_witness.blob)).note, [log])
    with pytest.raises(SignatureError):
        cosignature.verify(with_lines(SIGNED, NoteSignature("w", witness.key_id, by_log.blob)).note, witness)


def test_a_key_that_signs_notes_is_not_asked_here() -> None:
    for check in (cosignature.verify, lambda found, key: cosignature.cosigners(found, [key])):
        with pytest.raises(FormatError):
            check(SIGNED.note, LOG_KEY)


def test_a_false_cosignature_rejects_the_note() -> None:
    good = line(SIGNED, "bank", NOW)
    later = (NOW + 1).to_bytes(8, "big") + good.blob[8:]
    beyond = (2**63).to_bytes(8, "big")
    text = SIGNED.note.text
    for blob in (
        later,
        good.blob[:-1],
        good.blob + b"\0",
        good.blob[:8],
        good.blob[:3],
        good.blob[8:],
        good.blob[:-1] + bytes([good.blob[-1] ^ 1]),
        line(SIGNED, "lender", NOW).blob,
        line(head(8, ROOT), "bank", NOW).blob,
        line(head(7, bytes(32)), "bank", NOW).blob,
        line(head(7, ROOT, origin="other.example/log"), "bank", NOW).blob,
        good.blob[:8] + WITNESSES["bank"].sign(f"cosignature/v2\ntime {NOW}\n{text}".encode()),
        good.blob[:8] + WITNESSES["bank"].sign(f"time {NOW}\n{text}".encode()),
        beyond + WITNESSES["bank"].sign(f"cosignature/v1\ntime {2**63}\n{text}".encode()),
    ):
        false = dataclasses.replace(good, blob=blob)
        for lines in ((false,), (good, false), (false, good)):
            with pytest.raises(SignatureError, match="bank/witness"):
                cosignature.verify(with_lines(SIGNED, *lines).note, BANK)
            with pytest.raises(SignatureError, match="bank/witness"):
                cosignature.cosigners(with_lines(SIGNED, *lines).note, [LENDER, BANK])


@SETTINGS
@given(st.binary(min_size=1, max_size=100))
def test_no_other_bytes_are_a_cosignature(blob: bytes) -> None:
    fuzzed = with_lines(SIGNED, NoteSignature(BANK.name, BANK.key_id, blob)).note
    with pytest.raises(SignatureError):
        cosignature.verify(fuzzed, BANK)
