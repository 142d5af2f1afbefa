"""A bank that plays against the alphabet proof: labels outside V, and what a second challenge would tell of it.

Soundness is (|V|+2)/2¹²⁸ for each hash tried: here each attack does its best and is refused, and where a part of
the proof is what stops it, the same attack succeeds without that part.
"""

import functools
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any

import engine
import gmpy2
import pytest
from gmpy2 import mpz
from label_vectors import GOOD_BAD, Masks, challenge_of, claim_of, prove_by_the_letter, responses_of

from compute.paillier.ciphertexts import to_bytes
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner
from compute.protocols.key_enrolment.numbers import ProofError
from compute.protocols.label_vector import alphabet_proof
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.alphabet_proof import AlphabetClaim, check_alphabet
from compute.protocols.label_vector.alphabet_prover import prove_alphabet
from compute.protocols.label_vector.messages import AlphabetProof
from compute.protocols.label_vector.transcript import Transcript

RUNNER = replace(HERE, costs=engine.small)
WIDE = Alphabet(classes=16, width=64, with_zero=True)
# Primes with p − q = 2⁹⁶⁰ − 2⁶⁴, found by trying: as long as any other key's, both ≡ 3 mod 4.
P_NEAR = int(
    "e170b33839263059f28c105d1fb17c2390c192cfd3ac94af0f21ddb66cad4a268d116ece1738f7d93d9c172411e20b8f6b0d549b6f03675a"
    "1600a35a099950d836f675cc81e74ef5e8e25d940ed904759531985d5d9dc9f81818e811892f902bd23f0824128b2f330c5c7fd0a6a3a450"
    "6513270e269e0d37f2a74de452e91893",
    16,
)
Q_NEAR = P_NEAR - 2**960 + 2**64


def refusal(claim: AlphabetClaim, proof: AlphabetProof) -> str:
    with pytest.raises(ProofError) as caught:
        check_alphabet(claim, proof, RUNNER)
    return str(caught.value)


# --- labels outside the alphabet ------------------------------------------------------------------------------

FALSE = {
    "2": 2,
    "two ones": 1 + 2**64,
    "beyond the last class": 2**128,
    "-1": -1,
    "just beneath a class": 2**64 - 1,
    "1/2": "half",
    "1 mod p and 0 mod q": "mixed",
    "a random number": 3**1000,
}


@pytest.mark.parametrize("name", FALSE)
@pytest.mark.parametrize("row", [0, 3])
def test_a_label_outside_the_alphabet_is_not_proven(key: PrivateKey, name: str, row: int) -> None:
    """One false row among true ones, wherever it stands."""
    n, (p, q) = key.public.n, key.factors
    special = {"half": gmpy2.invert(2, n), "mixed": q * gmpy2.invert(q, p)}
    false = FALSE[name]
    plaintexts = [mpz(1), mpz(0), mpz(2**64), mpz(1)]
    plaintexts[row] = mpz(special[false] if isinstance(false, str) else false)
    claim = claim_of(key, plaintexts)
    refusal(claim, prove_by_the_letter(key, claim, plaintexts))


def test_powers_of_a_base_that_would_read_everybodys_bins(key: PrivateKey) -> None:
    plaintexts = [1000**row for row in range(8)]
    claim = claim_of(key, plaintexts)
    refusal(claim, prove_by_the_letter(key, claim, plaintexts))


def test_zero_is_no_label_in_a_disclosed_cohort(key: PrivateKey) -> None:
    disclosed = Alphabet(classes=2, width=64, with_zero=False)
    plaintexts = [1, 0, 2**64]
    claim = claim_of(key, plaintexts, disclosed)
    assert "outside its alphabet" in refusal(claim, prove_by_the_letter(key, claim, plaintexts))


def test_a_true_part_does_not_prove_the_ciphertexts_of_a_false_one(key: PrivateKey) -> None:
    true = claim_of(key, [0, 1, 2**64])
    proof = prove_alphabet(key, true, [0, 1, 2], RUNNER)
    check_alphabet(true, proof, RUNNER)
    false = claim_of(key, [0, 1, 2**70])
    refusal(false, proof)


def test_the_classes_that_a_bank_claims_must_be_those_that_it_encrypted(key: PrivateKey) -> None:
    claim = claim_of(key, [0, 1, 2**64])
    assert "do not open masks and labels" in refusal(claim, prove_alphabet(key, claim, [0, 2, 1], RUNNER))


# --- each part of the proof is needed ---------------------------------------------------------------------------


def test_without_the_range_a_label_could_be_one_value_modulo_each_prime(
    key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The polynomial vanishes modulo n for y ≡ 1 mod p, ≡ 0 mod q: only the range of the responses stops it."""
    p, q = key.factors
    mixed = [mpz(1), q * gmpy2.invert(q, p) % key.public.n]
    claim = claim_of(key, mixed)
    refusal(claim, prove_by_the_letter(key, claim, mixed))
    unbounded = int(key.public.n)
    for module in ("label_vectors", "compute.protocols.label_vector.alphabet_proof"):
        monkeypatch.setattr(f"{module}.greatest_response", lambda _alphabet: unbounded)
        monkeypatch.setattr(f"{module}.response_bytes", lambda _alphabet: 256)
    monkeypatch.setattr(alphabet_proof, "check_fit", lambda _key, _alphabet: None)
    check_alphabet(claim, prove_by_the_letter(key, claim, mixed), RUNNER)


def test_alphabets_too_wide_for_a_key_would_let_a_key_with_near_primes_cheat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With p − q = v' − v the label v + p is v modulo p and v' modulo q, and short enough for a wide alphabet."""
    key = _near()
    v, v_dash = 2**64, 2**960
    assert {v, v_dash} <= set(WIDE.values)
    label = v + P_NEAR
    assert label == v_dash + Q_NEAR
    assert label not in WIDE.values
    claim = claim_of(key, [1, label], WIDE)
    proof = prove_by_the_letter(key, claim, [1, label])
    assert "labels of 961 bits cannot be proven" in refusal(claim, proof)
    monkeypatch.setattr(alphabet_proof, "check_fit", lambda _key, _alphabet: None)
    check_alphabet(claim, proof, RUNNER)  # what the check is for
    assert key.decrypt(int.from_bytes(claim.ciphertexts[512:])) == label


def test_without_coins_of_the_rows_false_labels_would_cancel(
    key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """y·(y−1)·(y−4) is −4 of 2 and 20 of 5: of five 2s and a 5 the sum vanishes, and they are short."""
    alphabet, labels = Alphabet(classes=2, width=2, with_zero=True), [2, 2, 2, 2, 2, 5]
    assert alphabet.values == (0, 1, 4)
    claim = claim_of(key, labels, alphabet)
    assert "outside its alphabet" in refusal(claim, prove_by_the_letter(key, claim, labels))
    coins = Transcript.coins
    monkeypatch.setattr(
        Transcript, "coins", lambda self, name, count: [1] * count if name == "rho" else coins(self, name, count)
    )
    check_alphabet(claim, prove_by_the_letter(key, claim, labels), RUNNER)


def test_without_coins_of_the_openings_responses_could_be_traded(
    key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels −1 and 2 whose responses are those of 0 and 1: the sums of both are 1, and so open alike."""
    labels, claimed = [-1, 2], [0, 1]
    claim = claim_of(key, labels)
    assert "do not open" in refusal(claim, prove_alphabet(key, claim, claimed, RUNNER))
    coins = Transcript.coins
    monkeypatch.setattr(
        Transcript, "coins", lambda self, name, count: [1] * count if name == "delta" else coins(self, name, count)
    )
    check_alphabet(claim, prove_alphabet(key, claim, claimed, RUNNER), RUNNER)


# --- one mask, one challenge ----------------------------------------------------------------------------------


def extracted(
    one: tuple[AlphabetClaim, AlphabetProof], other: tuple[AlphabetClaim, AlphabetProof]
) -> list[mpz | None]:
    """The labels, were the masks of the two proofs the same: (f − f')/(e − e'), where that is whole."""
    e, e_dash = challenge_of(*one), challenge_of(*other)
    pairs = zip(responses_of(*one), responses_of(*other), strict=True)
    quotients = [divmod(mpz(f - f_dash), e - e_dash) for f, f_dash in pairs]
    return [quotient if remainder == 0 else None for quotient, remainder in quotients]


def test_two_challenges_for_one_mask_give_every_label(key: PrivateKey) -> None:
    """What a prover who kept its masks over a crash would tell: here one is made to."""
    labels, masks = [1, 0, 2**64, 2**64], Masks.draw(key, GOOD_BAD, 4)
    claim = claim_of(key, labels)
    again = replace(claim, vector=bytes(32))  # any change gives another challenge; fresh coefficients do too
    kept = [(each, prove_by_the_letter(key, each, labels, masks)) for each in (claim, again)]
    for each in kept:
        check_alphabet(*each, RUNNER)
    assert extracted(kept[0], kept[1]) == labels
    same_claim = (claim, prove_by_the_letter(key, claim, labels, masks))
    assert extracted(kept[0], same_claim) == labels


def test_a_proof_that_is_made_again_tells_nothing_together_with_the_first(key: PrivateKey) -> None:
    classes = [1, 0, 2, 2]
    claim = claim_of(key, [GOOD_BAD.values[label] for label in classes])
    one, other = ((claim, prove_alphabet(key, claim, classes, RUNNER)) for _ in range(2))
    assert _blocks(one[1].masks).isdisjoint(_blocks(other[1].masks))
    assert set(responses_of(*one)).isdisjoint(responses_of(*other))
    assert extracted(one, other) == [None] * 4


class Stops(Executor):
    """Workers of which the last task never comes back, as when a machine goes down."""

    def __init__(self, tasks: int) -> None:
        self.left = tasks
        self.results: list[list[mpz]] = []

    def submit(self, function: Any, /, *args: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        self.left -= 1
        if self.left < 0:
            future.set_exception(ConnectionError("the worker is gone"))
        else:
            self.results.append(function(*args, **named))
            future.set_result(self.results[-1])
        return future


@pytest.mark.parametrize("tasks", [0, 2, 4, 7])
def test_a_resumed_proof_starts_over_with_fresh_masks(key: PrivateKey, tasks: int) -> None:
    """Broken off before, amid and after its masks are encrypted, and at the very end: nothing comes again."""
    classes = [1, 0, 2, 2]
    claim = claim_of(key, [GOOD_BAD.values[label] for label in classes])
    stops = Stops(tasks)
    with pytest.raises(ConnectionError):
        prove_alphabet(key, claim, classes, Runner(stops, workers=2, costs=engine.large))
    proof = prove_alphabet(key, claim, classes, RUNNER)
    check_alphabet(claim, proof, RUNNER)
    left_behind = {to_bytes(key.public, [c]) for result in stops.results for c in result}
    assert len(left_behind) == tasks  # a task encrypts one number: four masks, three coefficients
    assert _blocks(proof.masks + proof.coefficients).isdisjoint(left_behind)


def _blocks(data: bytes, size: int = 512) -> set[bytes]:
    return {data[at : at + size] for at in range(0, len(data), size)}


@functools.cache
def _near() -> PrivateKey:
    return PrivateKey(P_NEAR, Q_NEAR)
