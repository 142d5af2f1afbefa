"""The transcripts and proofs of key enrolment stay what they are, byte for byte: vectors/key_enrolment.json.

A format that changes must change its label (`…/v1`) and its vectors: run as a script, this file writes them.
"""

import functools
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import gmpy2
from gmpy2 import mpz

from compute.paillier.private import PrivateKey
from compute.protocols.key_enrolment.blum_modulus import blum_challenges, check_blum_modulus
from compute.protocols.key_enrolment.blum_modulus_prover import prove_blum_modulus
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.messages import KeyStatement, challenges
from compute.protocols.key_enrolment.numbers import residue_bytes
from compute.protocols.key_enrolment.ring_pedersen import RingPedersen, check_ring_pedersen, transcript
from compute.protocols.key_enrolment.ring_pedersen_maker import Trapdoor, prove_ring_pedersen
from compute.protocols.key_enrolment.small_factor import (
    SmallFactorProof,
    check_small_factor,
    small_factor_challenge,
)
from compute.protocols.key_enrolment.small_factor_prover import prove_small_factor
from compute.signing import digest

FILE = Path(__file__).parent / "vectors" / "key_enrolment.json"
KNOWN: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
INPUTS = {name: mpz(value, 16) for name, value in KNOWN["numbers"].items()}
BANK, PROVIDER = KNOWN["bank"], KNOWN["provider"]


class Drawn:
    """Numbers that follow from a label: SHAKE256(label ‖ counter), 128 bits longer than their bound."""

    def __init__(self, label: str) -> None:
        self._label, self._count = label.encode(), 0

    def below(self, bound: int) -> int:
        self._count += 1
        seed = self._label + self._count.to_bytes(4, "big")
        return int.from_bytes(hashlib.shake_256(seed).digest(bound.bit_length() // 8 + 17), "big") % bound

    def signed(self, bound: int) -> int:
        return self.below(2 * bound + 1) - bound


def sha256(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


@functools.cache
def computed() -> tuple[dict[str, Any], KeyStatement]:
    """Everything that the file records of what follows from its numbers."""
    key = PrivateKey(INPUTS["p"], INPUTS["q"])
    trapdoor = Trapdoor(INPUTS["p_hat"], INPUTS["q_hat"], INPUTS["lambda"])
    masks = Drawn("masks")
    own = prove_ring_pedersen(
        PROVIDER, trapdoor, INPUTS["t"], [masks.below(int(trapdoor.order)) for _ in range(128)]
    )
    parameters = check_ring_pedersen(own, PROVIDER)
    claim = Claim(key.public, BANK, PROVIDER, parameters)
    n = key.public.n
    roots = tuple(residue_bytes([key.nth_root(y)], n) for y in challenges(claim))
    blum = prove_blum_modulus(key, claim, int(INPUTS["w"]))
    check_blum_modulus(claim, blum)
    small = prove_small_factor(key, claim, Drawn("small factor").signed)
    check_small_factor(claim, small)
    statement = KeyStatement(
        suite="intl",
        bank=BANK,
        provider=PROVIDER,
        issued_at=1,
        n=key.public.to_bytes(),
        modulus=own.modulus,
        roots=roots,
        blum_modulus=blum,
        small_factor=small,
    )
    y = blum_challenges(claim, blum.w)
    recorded = {
        "ring_pedersen": {
            "s": own.s.hex(),
            "challenge": transcript(PROVIDER, parameters, own.commitments).challenge().hex(),
            "sha256_commitments": sha256(own.commitments),
            "sha256_responses": sha256(own.responses),
            "sha256_statement": digest(own).hex(),
        },
        "roots": {
            "challenge_0": residue_bytes(challenges(claim)[:1], n).hex(),
            "sha256_challenges": sha256(residue_bytes(challenges(claim), n)),
            "sha256_roots": sha256(*roots),
        },
        "blum_modulus": {
            "challenge_0": residue_bytes(y[:1], n).hex(),
            "sha256_challenges": sha256(residue_bytes(y, n)),
            "a": blum.a.hex(),
            "b": blum.b.hex(),
            "sha256_fourth_roots": sha256(blum.x),
            "sha256_nth_roots": sha256(blum.z),
        },
        "small_factor": {
            "challenge": f"{small_factor_challenge(claim, small.commitments):032x}",
            **{name: getattr(small, name).hex() for name in SmallFactorProof.__struct_fields__},
        },
        "sha256_statement": digest(statement).hex(),
    }
    return recorded, statement


def test_challenges_proofs_and_statements_are_the_recorded_ones() -> None:
    recorded, _ = computed()
    for part in ("ring_pedersen", "roots", "blum_modulus", "small_factor", "sha256_statement"):
        assert recorded[part] == KNOWN[part], part


def test_the_recorded_proof_of_no_small_factor_verifies() -> None:
    """As it is in the file, without the prover of today."""
    _, statement = computed()
    modulus = INPUTS["p_hat"] * INPUTS["q_hat"]
    s, t = mpz(KNOWN["ring_pedersen"]["s"], 16), INPUTS["t"]
    assert s == gmpy2.powmod(t, INPUTS["lambda"], modulus)
    record = {name: bytes.fromhex(value) for name, value in KNOWN["small_factor"].items() if name != "challenge"}
    proof = SmallFactorProof(**record)
    key = PrivateKey(INPUTS["p"], INPUTS["q"]).public
    assert statement.n == key.to_bytes()
    check_small_factor(Claim(key, BANK, PROVIDER, RingPedersen(modulus, s, t)), proof)


def test_the_recorded_challenges_open_by_hand() -> None:
    """The first round of Π_mod, with nothing of the product but what the file says."""
    n, w = INPUTS["p"] * INPUTS["q"], INPUTS["w"]
    _, statement = computed()
    proof, y = statement.blum_modulus, int(KNOWN["blum_modulus"]["challenge_0"], 16)
    a, b = int(KNOWN["blum_modulus"]["a"][0], 16) >> 3, int(KNOWN["blum_modulus"]["b"][0], 16) >> 3
    assert pow(int.from_bytes(proof.x[:256]), 4, int(n)) == (-1) ** a * int(w) ** b * y % n
    assert pow(int.from_bytes(proof.z[:256]), int(n), int(n)) == y


if __name__ == "__main__":
    FILE.write_text(json.dumps(KNOWN | computed()[0], indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"{FILE}\n")
