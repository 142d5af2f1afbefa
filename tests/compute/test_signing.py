"""A statement is signed by the pinned key of the party that it must come from, or it is refused."""

import hashlib
import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.canonical import FormatError, Message, Name, decode, encode
from compute.signing import Pin, Role, SignatureError, Signed, digest, sign, verify


class Promise(Message, frozen=True):
    """A statement."""

    party: Name
    amount: int


class Threat(Message, frozen=True):
    """Another statement with the same fields."""

    party: Name
    amount: int


ALICE = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
MALLORY = Ed25519PrivateKey.from_private_bytes(b"m" * 32)
PINS = {
    "alice": Pin("consumer", ALICE.public_key().public_bytes_raw()),
    "mallory": Pin("consumer", MALLORY.public_key().public_bytes_raw()),
}
PROMISE = Promise(party="alice", amount=5)
SIGNED = sign(PROMISE, "alice", ALICE)


def test_a_signed_statement_verifies() -> None:
    assert verify(SIGNED, "alice", "consumer", PINS) == PROMISE
    assert verify(decode(encode(SIGNED), Signed[Promise]), "alice", "consumer", PINS) == PROMISE


def test_what_is_signed_is_suite_signer_and_canonical_statement() -> None:
    statement = json.dumps({"amount": 5, "party": "alice", "type": "promise"}, separators=(",", ":"))
    ALICE.public_key().verify(SIGNED.signature, b"veilmart/signed/v1\nintl\nalice\n" + statement.encode())
    assert digest(PROMISE) == hashlib.sha256(statement.encode()).digest()


def test_a_tampered_statement_is_refused() -> None:
    for statement in (Promise(party="alice", amount=6), Promise(party="mallory", amount=5)):
        with pytest.raises(SignatureError, match="signature of alice does not verify"):
            verify(msgspec.structs.replace(SIGNED, statement=statement), "alice", "consumer", PINS)


@pytest.mark.parametrize("bit", [0, 7, 255, 256, 511])
def test_a_tampered_signature_is_refused(bit: int) -> None:
    flipped = int.from_bytes(SIGNED.signature) ^ 1 << bit
    forged = msgspec.structs.replace(SIGNED, signature=flipped.to_bytes(64))
    with pytest.raises(SignatureError, match="does not verify"):
        verify(forged, "alice", "consumer", PINS)


def test_another_signer_is_refused() -> None:
    with pytest.raises(SignatureError, match="signed by alice, but it must be signed by mallory"):
        verify(SIGNED, "mallory", "consumer", PINS)


def test_a_swapped_signer_is_refused() -> None:
    swapped = msgspec.structs.replace(SIGNED, signer="mallory")
    with pytest.raises(SignatureError, match="signature of mallory does not verify"):
        verify(swapped, "mallory", "consumer", PINS)
    same_key = {"alice": PINS["alice"], "bob": PINS["alice"]}
    with pytest.raises(SignatureError, match="signature of bob does not verify"):
        verify(msgspec.structs.replace(SIGNED, signer="bob"), "bob", "consumer", same_key)


def test_another_key_in_the_partys_name_is_refused() -> None:
    with pytest.raises(SignatureError, match="signature of alice does not verify under its pinned key"):
        verify(sign(PROMISE, "alice", MALLORY), "alice", "consumer", PINS)


def test_an_unpinned_party_is_refused() -> None:
    with pytest.raises(SignatureError, match="no key of alice is pinned here; enrol"):
        verify(SIGNED, "alice", "consumer", {"mallory": PINS["mallory"]})
    with pytest.raises(SignatureError, match="no key of alice is pinned here"):
        verify(SIGNED, "alice", "consumer", {})


def test_a_signature_of_another_statement_type_is_refused() -> None:
    threat = Signed(
        suite="intl", signer="alice", signature=SIGNED.signature, statement=Threat(party="alice", amount=5)
    )
    with pytest.raises(SignatureError, match="does not verify"):
        verify(threat, "alice", "consumer", PINS)
    with pytest.raises(FormatError, match="not a well-formed message"):
        decode(encode(SIGNED), Signed[Threat])


def test_another_suite_is_refused() -> None:
    with pytest.raises(FormatError, match="suite"):
        decode(encode(SIGNED).replace(b'"intl"', b'"gm"'), Signed[Promise])
    other = ALICE.sign(b"veilmart/signed/v1\ngm\nalice\n" + encode(PROMISE))
    with pytest.raises(SignatureError, match="does not verify"):
        verify(msgspec.structs.replace(SIGNED, signature=other), "alice", "consumer", PINS)


def test_a_bare_signature_over_the_statement_is_refused() -> None:
    with pytest.raises(SignatureError, match="does not verify"):
        verify(msgspec.structs.replace(SIGNED, signature=ALICE.sign(encode(PROMISE))), "alice", "consumer", PINS)


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_has_64_bytes(length: int) -> None:
    wrong = msgspec.structs.replace(SIGNED, signature=bytes(length))
    with pytest.raises(FormatError, match="signature"):
        decode(encode(wrong), Signed[Promise])
    with pytest.raises(SignatureError, match="does not verify"):
        verify(wrong, "alice", "consumer", PINS)


def test_a_signers_name_cannot_reach_into_the_statement() -> None:
    with pytest.raises(FormatError, match="signer"):
        decode(encode(msgspec.structs.replace(SIGNED, signer="alice\n{}")), Signed[Promise])


@pytest.mark.parametrize("role", ["provider", "model_reviewer", "operator"])
def test_a_party_signs_in_its_own_role_only(role: Role) -> None:
    with pytest.raises(SignatureError, match="alice is enrolled as consumer"):
        verify(SIGNED, "alice", role, PINS)
