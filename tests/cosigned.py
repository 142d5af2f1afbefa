"""A log with three witnesses, for the tests of what is signed about it."""

import dataclasses

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import checkpoint, cosignature
from audit.checkpoint import Checkpoint
from audit.note import KeyKind, NoteSignature, VerifierKey
from audit.policy import Policy, Witness

ORIGIN = "market.example/log"
LOG = Ed25519PrivateKey.from_private_bytes(b"m" * 32)
LOG_KEY = VerifierKey.of(ORIGIN, LOG)
NOW = 1_700_000_000
PARTIES = ("bank", "lender", "office")
WITNESSES = {party: Ed25519PrivateKey.from_private_bytes(party[:1].encode() * 32) for party in PARTIES}


def witness_name(party: str) -> str:
    return f"{party}/witness"


def witness_key(party: str) -> VerifierKey:
    return VerifierKey.of(witness_name(party), WITNESSES[party], KeyKind.COSIGNATURE)


def policy(*, quorum: int = 2, outside: int = 1) -> Policy:
    return Policy(
        party="market",
        log=LOG_KEY,
        log_url="https://market.example:8443/log",
        witnesses=tuple(Witness(party, witness_key(party)) for party in PARTIES),
        quorum=quorum,
        outside=outside,
        max_age=600,
    )


def head(size: int, root: bytes, origin: str = ORIGIN, key: Ed25519PrivateKey = LOG) -> Checkpoint:
    return checkpoint.parse(checkpoint.signed(origin, size, root, key))


def with_lines(signed: Checkpoint, *lines: NoteSignature) -> Checkpoint:
    """The checkpoint with these signature lines after its own."""
    note = dataclasses.replace(signed.note, signatures=(*signed.note.signatures, *lines))
    return checkpoint.parse(note.encode())


def cosigned(signed: Checkpoint, **times: int) -> Checkpoint:
    """The checkpoint with the cosignatures of these parties."""
    return with_lines(signed, *(line(signed, party, time) for party, time in times.items()))


def line(signed: Checkpoint, party: str, time: int) -> NoteSignature:
    return cosignature.cosign(signed.note.text, witness_name(party), WITNESSES[party], time)
