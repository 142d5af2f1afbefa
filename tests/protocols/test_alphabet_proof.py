"""The alphabet proof: it proves what is true, in the one form that it has, of this very claim."""

import hashlib
import secrets
from dataclasses import replace

import engine
import msgspec
import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st
from label_vectors import GOOD_BAD, Masks, claim_of, plain_coefficients, prove_by_the_letter

from compute.canonical import FormatError, decode, encode
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE
from compute.protocols.key_enrolment.numbers import ProofError
from compute.protocols.label_vector.alphabet import MAX_CLASSES, Alphabet
from compute.protocols.label_vector.alphabet_proof import (
    AlphabetClaim,
    check_alphabet,
    check_fit,
    fits,
    greatest_response,
    mask_bits,
    response_bytes,
    widest_slots,
)
from compute.protocols.label_vector.alphabet_prover import polynomial_coefficients, prove_alphabet
from compute.protocols.label_vector.messages import AlphabetProof
from compute.protocols.label_vector.transcript import Transcript

RUNNER = replace(HERE, costs=engine.small)
CLASSES = [0, 1, 2, 0, 2, 1, 1]
ALPHABETS = [
    GOOD_BAD,
    Alphabet(classes=2, width=16, with_zero=False),
    Alphabet(classes=1, width=64, with_zero=True),
    Alphabet(classes=1, width=64, with_zero=False),
    Alphabet(classes=16, width=28, with_zero=True),
    Alphabet(classes=7, width=64, with_zero=False),
]
Proven = tuple[AlphabetClaim, AlphabetProof]


@pytest.fixture(scope="module")
def proven(key: PrivateKey) -> Proven:
    claim = claim_of(key, [GOOD_BAD.values[label] for label in CLASSES])
    return claim, prove_alphabet(key, claim, CLASSES, RUNNER)


def refusal(claim: AlphabetClaim, proof: AlphabetProof) -> str:
    with pytest.raises(ProofError) as caught:
        check_alphabet(claim, proof, RUNNER)
    return str(caught.value)


def changed(proof: AlphabetProof, field: str, data: bytes) -> AlphabetProof:
    return msgspec.structs.replace(proof, **{field: data})


# --- what is true is proven ---------------------------------------------------------------------------------


def test_an_alphabet_has_a_slot_for_each_class() -> None:
    assert GOOD_BAD.values == (0, 1, 2**64)
    assert Alphabet(classes=3, width=16, with_zero=False).values == (1, 2**16, 2**32)
    for alphabet in ALPHABETS:
        assert alphabet.greatest == max(alphabet.values)
        assert len(set(alphabet.values)) == len(alphabet.values)


def test_classes_stand_in_the_alphabet_or_are_refused_by_row() -> None:
    assert GOOD_BAD.positions([0, 1, 2]) == [0, 1, 2]
    assert Alphabet(classes=2, width=16, with_zero=False).positions([1, 2]) == [0, 1]
    for alphabet, classes in ((GOOD_BAD, [0, 3]), (ALPHABETS[1], [1, 0]), (GOOD_BAD, [1, -1])):
        with pytest.raises(ValueError, match="row 1 is of class"):
            alphabet.positions(classes)


@pytest.mark.parametrize("alphabet", ALPHABETS, ids=repr)
def test_every_alphabet_is_proven(key: PrivateKey, alphabet: Alphabet) -> None:
    least = 0 if alphabet.with_zero else 1
    classes = [*range(least, alphabet.classes + 1), alphabet.classes]
    claim = claim_of(key, [alphabet.values[label - least] for label in classes], alphabet)
    heard: list[tuple[int, int]] = []
    proof = prove_alphabet(key, claim, classes, RUNNER)
    check_alphabet(claim, proof, RUNNER, lambda *at: heard.append(at))
    assert heard[-1] == (len(classes), len(classes))


def test_one_row_is_proven_and_a_vector_of_one_class(key: PrivateKey) -> None:
    for classes in ([2], [0] * 5):
        claim = claim_of(key, [GOOD_BAD.values[label] for label in classes])
        check_alphabet(claim, prove_alphabet(key, claim, classes, RUNNER), RUNNER)


def test_a_proof_is_the_same_after_it_travelled(proven: Proven) -> None:
    claim, proof = proven
    check_alphabet(claim, decode(encode(proof), AlphabetProof), RUNNER)


def test_the_letter_of_the_protocol_gives_proofs_too(key: PrivateKey, proven: Proven) -> None:
    """By formulas written down apart from the prover's: what false proofs in these tests are made by."""
    claim, _ = proven
    check_alphabet(claim, prove_by_the_letter(key, claim, [GOOD_BAD.values[label] for label in CLASSES]), RUNNER)


@settings(max_examples=20)
@given(
    alphabet=st.sampled_from(ALPHABETS),
    drawn=st.lists(st.tuples(st.integers(0, 2**300), st.integers(0, 16), st.integers(0, 2**128 - 1)), min_size=1),
)
def test_the_coefficients_are_those_of_the_polynomial(
    alphabet: Alphabet, drawn: list[tuple[int, int, int]]
) -> None:
    n, values = mpz(2**521 - 1) * (2**607 - 1), alphabet.values
    s, rho = [mpz(mask) for mask, _, _ in drawn], [coin for _, _, coin in drawn]
    positions = [label % len(values) for _, label, _ in drawn]
    *expected, top = plain_coefficients(s, [mpz(values[each]) for each in positions], rho, values, n)
    assert polynomial_coefficients(s, positions, rho, values, n) == expected
    assert top == 0


def test_the_bank_is_told_of_classes_that_do_not_fit(key: PrivateKey, proven: Proven) -> None:
    claim, _ = proven
    with pytest.raises(ValueError, match="6 classes for 7 rows"):
        prove_alphabet(key, claim, CLASSES[:-1], RUNNER)
    with pytest.raises(ValueError, match="row 6 is of class 3"):
        prove_alphabet(key, claim, [*CLASSES[:-1], 3], RUNNER)


def test_masks_are_eighty_bits_longer_than_what_they_hide(proven: Proven) -> None:
    assert mask_bits(GOOD_BAD) == 128 + 80 + 65
    # The greatest mask and the greatest challenge, and nothing beyond.
    assert greatest_response(GOOD_BAD) == 2**273 - 1 + (2**128 - 1) * 2**64
    assert response_bytes(GOOD_BAD) == 35
    claim, proof = proven
    assert len(proof.responses) == 35 * claim.rows
    assert len(proof.masks) == 512 * claim.rows


# --- the form -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["masks", "coefficients", "responses", "opening_root", "polynomial_root"])
def test_a_byte_too_few_or_too_many_in_any_field(proven: Proven, field: str) -> None:
    claim, proof = proven
    data = getattr(proof, field)
    for other in (data[:-1], data + b"\0", b"\0" + data):
        assert "bytes" in refusal(claim, changed(proof, field, other))


@pytest.mark.parametrize("field", ["masks", "coefficients", "responses", "opening_root", "polynomial_root"])
@pytest.mark.parametrize("at", [0, -1])
def test_a_flipped_bit_in_any_field(proven: Proven, field: str, at: int) -> None:
    claim, proof = proven
    data = bytearray(getattr(proof, field))
    data[at] ^= 1
    refusal(claim, changed(proof, field, bytes(data)))


@pytest.mark.parametrize("field", ["masks", "coefficients"])
def test_numbers_that_are_no_ciphertexts(key: PrivateKey, proven: Proven, field: str) -> None:
    claim, proof = proven
    data, size, p = getattr(proof, field), key.public.ciphertext_bytes, key.factors[0]
    for number, reason in (
        (mpz(0), "outside (0, n²)"),
        (key.public.n_squared, "outside (0, n²)"),
        (p, "shares a factor"),
        (key.public.n, "shares a factor"),
    ):
        broken = data[:-size] + number.to_bytes(size, "big")
        message = refusal(claim, changed(proof, field, broken))
        assert message.startswith(field)
        assert reason in message


def test_labels_that_are_no_ciphertexts(key: PrivateKey, proven: Proven) -> None:
    claim, proof = proven
    size, p = key.public.ciphertext_bytes, key.factors[0]
    broken = replace(claim, ciphertexts=claim.ciphertexts[:-size] + p.to_bytes(size, "big"))
    assert refusal(broken, proof) == "the labels: number 6 shares a factor with n; encrypt it under this key"
    assert "the labels" in refusal(replace(claim, ciphertexts=claim.ciphertexts[:-size]), proof)


@pytest.mark.parametrize("field", ["opening_root", "polynomial_root"])
def test_roots_outside_their_modulus(key: PrivateKey, proven: Proven, field: str) -> None:
    claim, proof = proven
    for number in (0, int(key.public.n)):
        assert "outside its modulus" in refusal(claim, changed(proof, field, number.to_bytes(256, "big")))


def test_a_response_may_be_the_greatest_and_no_greater(proven: Proven) -> None:
    claim, proof = proven
    length, most = response_bytes(GOOD_BAD), greatest_response(GOOD_BAD)
    beyond = proof.responses[:-length] + (most + 1).to_bytes(length, "big")
    assert refusal(claim, changed(proof, "responses", beyond)) == "response 6 lies beyond its bound"
    at_most = proof.responses[:-length] + most.to_bytes(length, "big")
    assert "beyond" not in refusal(claim, changed(proof, "responses", at_most))  # it is false all the same


def test_messages_bound_what_a_proof_may_hold(proven: Proven) -> None:
    _, proof = proven
    too_long = changed(proof, "coefficients", bytes(17 * 1024 + 1))
    with pytest.raises(FormatError):
        decode(encode(too_long), AlphabetProof)


# --- the claim ----------------------------------------------------------------------------------------------


def test_a_proof_is_of_this_claim_and_no_other(key: PrivateKey, proven: Proven) -> None:
    claim, proof = proven
    size = key.public.ciphertext_bytes
    swapped = claim.ciphertexts[size : 2 * size] + claim.ciphertexts[:size] + claim.ciphertexts[2 * size :]
    wider = Alphabet(classes=2, width=63, with_zero=True)
    others = {
        "another vector": replace(claim, vector=bytes(32)),
        "another part": replace(claim, part=1),
        "rows in another order": replace(claim, ciphertexts=swapped),
        "another alphabet": replace(claim, alphabet=wider),
        "another key": replace(claim, key=PublicKey(claim.key.n + 2)),
        "the same labels encrypted anew": claim_of(key, [GOOD_BAD.values[label] for label in CLASSES]),
    }
    for name, other in others.items():
        assert refusal(other, proof), name


def test_masks_of_two_rows_are_not_to_be_swapped(key: PrivateKey, proven: Proven) -> None:
    claim, proof = proven
    size = key.public.ciphertext_bytes
    swapped = proof.masks[size : 2 * size] + proof.masks[:size] + proof.masks[2 * size :]
    refusal(claim, changed(proof, "masks", swapped))


def test_masks_of_another_proof_do_not_serve(key: PrivateKey, proven: Proven) -> None:
    claim, proof = proven
    another = prove_alphabet(key, claim, CLASSES, RUNNER)
    for field in ("masks", "coefficients", "responses", "opening_root", "polynomial_root"):
        refusal(claim, changed(proof, field, getattr(another, field)))


def test_each_coin_follows_from_everything_before_it(proven: Proven) -> None:
    claim, _ = proven
    claims = [
        claim,
        replace(claim, vector=bytes(32)),
        replace(claim, part=1),
        replace(claim, rows=6),
        replace(claim, alphabet=Alphabet(classes=2, width=63, with_zero=True)),
        replace(claim, alphabet=Alphabet(classes=2, width=64, with_zero=False)),
        replace(claim, key=PublicKey(claim.key.n + 2)),
        replace(claim, ciphertexts=claim.ciphertexts[:-1] + b"\0"),
    ]
    seen = set()
    names = ("masks", "coefficients", "responses", "polynomial_root")
    for each in claims:
        transcript = each.transcript()
        for name in names:
            seen.add(tuple(transcript.coins("coins", 2)))
            transcript.add(name, b"sent")
        seen.add(tuple(transcript.coins("coins", 2)))
    assert len(seen) == len(claims) * (len(names) + 1)


def test_the_transcript_is_the_hash_that_is_written_down() -> None:
    """Kind, length of the name, name, length of the part in 8 bytes, part; a draw is its kind, name and count."""

    def part(name: bytes, data: bytes) -> bytes:
        return b"\0" + bytes([len(name)]) + name + len(data).to_bytes(8, "big") + data

    begun = part(b"label", b"veilmart/alphabet-proof/v1") + part(b"suite", b"intl") + part(b"masks", b"abc")
    drawn = hashlib.shake_256(begun + b"\1\3rho" + (2).to_bytes(8, "big")).digest(32)
    transcript = Transcript()
    transcript.add("masks", b"abc")
    assert transcript.coins("rho", 2) == [int.from_bytes(drawn[:16]), int.from_bytes(drawn[16:])]
    later = hashlib.shake_256(begun + part(b"x", b"") + b"\1\1e" + (1).to_bytes(8, "big")).digest(16)
    transcript.add("x", b"")
    assert transcript.coins("e", 1) == [int.from_bytes(later)]


# --- alphabets and keys ---------------------------------------------------------------------------------------


def test_labels_are_bounded_by_the_least_factor_that_a_key_may_have(key: PrivateKey) -> None:
    for bits, widest in {2048: 430, 3072: 942, 4096: 1454}.items():
        for n in (mpz(1) << bits - 1 | 1, (mpz(1) << bits) - 1):
            assert fits(PublicKey(n), _of_bits(widest))
            assert not fits(PublicKey(n), _of_bits(widest + 1))
    too_wide = Alphabet(classes=16, width=64, with_zero=True)
    with pytest.raises(ProofError, match="labels of 961 bits cannot be proven under a key of 2048"):
        check_fit(key.public, too_wide)
    claim = claim_of(key, [0], too_wide)
    with pytest.raises(ProofError, match="labels of 961 bits"):
        prove_alphabet(key, claim, [0], RUNNER)
    masks = Masks.draw(key, GOOD_BAD, 1)
    assert "labels of 961 bits" in refusal(claim, prove_by_the_letter(key, claim, [0], masks))


def test_the_widest_slots_that_can_be_proven(key: PrivateKey) -> None:
    longer = PublicKey((mpz(1) << 3072) - 1)
    assert [widest_slots(key.public, classes) for classes in (1, 2, 7, 8, 16)] == [64, 64, 64, 61, 28]
    assert [widest_slots(longer, classes) for classes in (15, 16)] == [64, 62]
    for classes in range(1, MAX_CLASSES + 1):
        widest = widest_slots(key.public, classes)
        check_fit(key.public, Alphabet(classes=classes, width=widest, with_zero=True))


def _of_bits(bits: int) -> Alphabet:
    """An alphabet, as no message has one, of labels with so many bits."""
    return Alphabet(classes=2, width=bits - 1, with_zero=True)


def test_alphabets_in_messages_are_bounded() -> None:
    for classes, width in ((0, 64), (17, 64), (1, 15), (1, 65)):
        with pytest.raises(FormatError):
            decode(encode(Alphabet(classes=classes, width=width, with_zero=True)), Alphabet)


def test_masks_come_from_the_systems_randomness(
    key: PrivateKey, proven: Proven, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    randbits = secrets.randbits

    def record(bits: int) -> int:
        drawn.append(bits)
        return randbits(bits)

    monkeypatch.setattr(secrets, "randbits", record)
    prove_alphabet(key, proven[0], CLASSES, RUNNER)
    assert drawn == [mask_bits(GOOD_BAD)] * len(CLASSES)
