"""Randomness that the bank chooses: who owns the key takes n-th roots, and finds in them what was multiplied."""

import itertools
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import get_origin

import gmpy2
import msgspec
import pytest
from attacker import answer as ask
from attacker import asked, primes
from attacker import ciphertexts as numbers_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gmpy2 import mpz
from world import SUBJECTS, World, scorecard

from compute.node.provider import desk
from compute.node.provider.pools import PoolStore
from compute.node.settings import Computing
from compute.paillier import blinding
from compute.paillier.blinding import blind, conceal, own_residue, top_mask
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.pool import Pool
from compute.paillier.primes import factors_of_order
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey
from compute.protocols.key_enrolment.messages import EnrolKey
from compute.protocols.risk_score.messages import ModelApproval
from compute.protocols.risk_score.scorecard import Scorecard

SIZES = (3, 4, 5)
ROWS = [(i % 3, i % 4, i % 5) for i in range(30)]
"""The codes of 30 companies, each of which is asked about alone."""
LAYOUT = SlotLayout(13, 100, 0)
MARKS = dict(zip(((j, code) for j, size in enumerate(SIZES) for code in range(size)), primes(), strict=False))
"""The r of every bin of every feature: different primes."""


def marked_tables(key: PrivateKey) -> list[list[int]]:
    """Encryptions of innocent points under the marks."""
    return [
        [int(key.encrypt(7 * code, MARKS[feature, code])) for code in range(size)]
        for feature, size in enumerate(SIZES)
    ]


def root(key: PrivateKey, c: int) -> int:
    """What the key's owner sees of a ciphertext beside its plaintext: the r of (1+n)^m·r^n."""
    return int(key.nth_root(c % key.public.n))


def factored(number: int) -> tuple[int, ...] | None:
    """Read the codes out of a product of marks; None if it is none."""
    read = []
    for feature, size in enumerate(SIZES):
        found = [code for code in range(size) if number % MARKS[feature, code] == 0]
        if len(found) != 1:
            return None
        read.append(found[0])
    return tuple(read) if number == prod(MARKS[mark] for mark in enumerate(read)) else None


def answers(key: PrivateKey, tables: Sequence[Sequence[int]]) -> list[mpz]:
    """What the kernel makes of the tables for each company, under a mask that hides the plaintext wholly."""
    public, made = key.public, []
    for row in ROWS:
        (total,) = lookup_sum(public, tables, [[code] for code in row], LAYOUT)
        made.append(total * public.residue(public.random_unit()) % public.n_squared)
    return made


# --- marks ---------------------------------------------------------------------------------------------------


def test_marks_name_every_feature_through_a_uniform_mask(key: PrivateKey) -> None:
    """The mask of the sum hides the plaintext only: 30 companies of 30 are read, each from one masked answer."""
    assert [factored(root(key, c)) for c in answers(key, marked_tables(key))] == ROWS


def test_the_top_mask_hides_no_mark(key: PrivateKey) -> None:
    capped = [top_mask(key.public, [c], LAYOUT, 2, 1)[0] for c in answers(key, marked_tables(key))[:5]]
    assert [factored(root(key, c)) for c in capped] == ROWS[:5]


def test_a_residue_that_is_always_the_same_cancels_between_two_answers(key: PrivateKey) -> None:
    """``conceal`` is for the kernel's time and not for what leaves: the ratio of two answers has only marks."""
    own = own_residue(key.public, bytes(32))
    roots = [root(key, c) for c in answers(key, [conceal(key.public, table, own) for table in marked_tables(key)])]
    assert not any(factored(each) for each in roots)
    first = prod(MARKS[mark] for mark in enumerate(ROWS[0]))
    n = key.public.n
    ratios = [int(each * gmpy2.invert(roots[0], n) * first % n) for each in roots]
    assert [factored(each) for each in ratios] == ROWS


def test_one_marked_bin_among_ones_tells_its_members(key: PrivateKey) -> None:
    """r = 1 but in one bin: with n-th roots left out, one glance says who is in it."""
    tables = [[int(key.encrypt(7 * code, 2 if code == 1 else 1)) for code in range(SIZES[1])]]
    for code in range(SIZES[1]):
        (total,) = lookup_sum(key.public, tables, [[code]], LAYOUT)
        assert (total % key.public.n == 1) == (code != 1)


@pytest.fixture
def marked(world: World, monkeypatch: pytest.MonkeyPatch) -> ModelApproval:
    """A model under marks, recomputed and approved by the reviewer: they are randomness like any other."""
    marks = primes()
    with monkeypatch.context() as chosen:
        chosen.setattr(PublicKey, "random_unit", lambda _key: mpz(next(marks)))
        return world.model()


def products(card: Scorecard) -> dict[str, list[int]]:
    """All products of marks that each provider's answer to a query of one company could hold, in slot 0."""
    marks, found = primes(), {}
    for provider, product in (("labour", "insurance"), ("tax", "register")):
        tables = [[next(marks) for _ in feature.points] for feature in card.sources[product]]
        found[provider] = [prod(chosen) for chosen in itertools.product(*tables)]
    return found


def seen_roots(world: World, model: ModelApproval, subjects: Sequence[str]) -> dict[str, list[int]]:
    """The root of every provider's answer about each company alone."""
    found: dict[str, list[int]] = {provider: [] for provider in world.providers}
    for subject in subjects:
        query = asked(world, model, [subject])
        for provider, roots in found.items():
            (c,) = numbers_of(world, query, ask(world, provider, query))
            roots.append(root(world.key, int(c)))
    return found


def readable(key: PrivateKey, roots: Sequence[int], candidates: Sequence[int]) -> int:
    """How many roots are a product of marks, or the product that some other root is, up to a common factor."""
    n = key.public.n
    ratios = {int(a * gmpy2.invert(b, n) % n) for a in candidates for b in candidates}
    alone = sum(each in candidates for each in roots)
    return alone + sum(int(a * gmpy2.invert(b, n) % n) in ratios for a, b in itertools.combinations(roots, 2))


def test_no_mark_is_found_in_a_blinded_answer(world: World, marked: ModelApproval) -> None:
    """A product of marks by chance, or a ratio of two, would have a probability below 2⁻¹⁹⁰⁰."""
    for provider, roots in seen_roots(world, marked, SUBJECTS[:8]).items():
        assert readable(world.key, roots, products(scorecard())[provider]) == 0
        assert all(each.bit_length() > world.key.public.bits - 64 for each in roots)


def test_the_same_marks_are_found_once_the_provider_does_not_blind(
    world: World, marked: ModelApproval, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same nodes, the same messages, without the one line: every pair of answers tells a ratio."""
    monkeypatch.setattr("compute.protocols.risk_score.provider.blind", lambda _key, numbers, *_: list(numbers))
    subjects = SUBJECTS[:8]
    for provider, roots in seen_roots(world, marked, subjects).items():
        pairs = len(subjects) * (len(subjects) - 1) // 2
        assert readable(world.key, roots, products(scorecard())[provider]) == pairs


# --- a base that the key's owner sends -------------------------------------------------------------------------


def base_of_small_order(key: PrivateKey) -> tuple[int, int]:
    """Give an n-th residue of full order modulo p² and of a small order t modulo q², and t.

    This t could be found by trial; an owner that builds one of 200 bits into q−1 need not fear that.
    """
    p, q = key.factors
    factors = factors_of_order(int(q))
    assert factors is not None
    t = int(factors[-2])
    g = next(g for g in (gmpy2.powmod(h, (q - 1) // t, q) for h in range(2, 99)) if g != 1)
    x = gmpy2.powmod(5, 1, p) * q * gmpy2.invert(q, p) + g * p * gmpy2.invert(p, q)
    return int(gmpy2.powmod(x % key.public.n, key.public.n, key.public.n_squared)), t


def test_powers_of_an_owner_s_base_blind_nothing(key: PrivateKey) -> None:
    """Raised to t, the blinding is gone modulo q, and every company's product of marks is recognised."""
    public, q = key.public, key.factors[1]
    base, t = base_of_small_order(key)
    assert base % public.n > public.n >> 64
    blinded = [
        c * gmpy2.powmod(base, public.random_unit(), public.n_squared) % public.n_squared
        for c in answers(key, marked_tables(key))
    ]
    of = {
        int(gmpy2.powmod(prod(MARKS[mark] for mark in enumerate(codes)), t, q)): codes
        for codes in itertools.product(*map(range, SIZES))
    }
    assert len(of) == prod(SIZES)
    assert [of[int(gmpy2.powmod(root(key, int(c)), t, q))] for c in blinded] == ROWS


def test_the_provider_s_own_blinding_survives_that_power(key: PrivateKey) -> None:
    q, (_, t) = key.factors[1], base_of_small_order(key)
    of = {
        int(gmpy2.powmod(prod(MARKS[mark] for mark in enumerate(codes)), t, q))
        for codes in itertools.product(*map(range, SIZES))
    }
    blinded = blind(key.public, answers(key, marked_tables(key)))
    assert not any(int(gmpy2.powmod(root(key, int(c)), t, q)) in of for c in blinded)


def test_what_a_bank_sends_does_not_enter_the_blinding(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blinding of an answer is drawn from nothing but the public key, after the last of the bank's bytes."""
    drawn: list[tuple[object, ...]] = []
    honest = blinding.nth_residues

    def record(*arguments: object) -> list[mpz]:
        drawn.append(arguments)
        return honest(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(blinding, "nth_residues", record)
    model = world.model()
    assert drawn == []  # neither an enrolment nor a registration makes any
    query = asked(world, model, SUBJECTS[:1])
    ask(world, "tax", query)
    ((public, count, *_),) = drawn
    assert (public, count) == (world.key.public, 1)


NUMBERS = {
    ("Acknowledge", "entry"),
    ("Acknowledge", "receipt"),
    ("Answer", "content"),
    ("RegisteredTables", "ciphertexts"),
    ("JobStatement", "n"),
}
"""The log's entry and its proof, another provider's answer, ciphertexts, the modulus: and never a base."""


def test_no_message_to_a_provider_has_a_place_for_a_base(world: World) -> None:
    """Every field of every message that a provider takes, as deep as they go, that could hold a number below n.

    But for an enrolment: its numbers are proofs, and what is read of it later is n alone (``Provider._key``).
    """
    taken = desk.handlers(world.providers["tax"], world.enrollers["tax"])
    assert EnrolKey in taken
    assert {place for message in taken if message is not EnrolKey for place in wide_fields(message)} == NUMBERS


def wide_fields(message: type) -> set[tuple[str, str]]:
    """The message and name of each field of more than 64 bytes, which is what a signature has."""
    found: set[tuple[str, str]] = set()
    for field in msgspec.inspect.type_info(message).fields:  # type: ignore[attr-defined]
        for kind in parts(field.type):
            if isinstance(kind, msgspec.inspect.StructType):
                found |= wide_fields(kind.cls)
            elif isinstance(kind, msgspec.inspect.BytesType) and (kind.max_length or 512) > 64:
                found.add(((get_origin(message) or message).__name__, field.name))
    return found


def parts(kind: object) -> list[object]:
    """A type and those of its items or members, but not of its fields."""
    inner = [*getattr(kind, "types", ()), *getattr(kind, "item_types", ())]
    if (item := getattr(kind, "item_type", None)) is not None:
        inner.append(item)
    return [kind, *(part for each in inner for part in parts(each))]


# --- the pool ------------------------------------------------------------------------------------------------


def pool_of(key: PublicKey, number: int) -> Pool:
    """A pool of one number over and over: what somebody who writes the node's files would lay there."""
    made = number.to_bytes(key.ciphertext_bytes, "big")
    return Pool(key, made * 330)


def test_who_chooses_the_pool_sees_through_the_blinding(key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ones, or of a base of small order: the kernel that takes it blinds nothing for the key's owner."""
    base, t = base_of_small_order(key)
    q = key.factors[1]
    monkeypatch.setattr(blinding, "pool_pays", lambda *_, **__: True)
    made = answers(key, marked_tables(key))
    for number, power in ((1, 1), (base, t)):
        of = {
            int(gmpy2.powmod(prod(MARKS[mark] for mark in enumerate(codes)), power, q)): codes
            for codes in itertools.product(*map(range, SIZES))
        }
        blinded = blind(key.public, made, pool=pool_of(key.public, number))
        assert [of[int(gmpy2.powmod(root(key, int(c)), power, q))] for c in blinded] == ROWS


def test_a_node_takes_no_pool_that_it_did_not_seal(key: PrivateKey, tmp_path: Path) -> None:
    computing = Computing(processes=1, folder=tmp_path / "computing")
    identity = Ed25519PrivateKey.from_private_bytes(bytes(32))
    store, chosen = PoolStore(computing, identity), pool_of(key.public, 1)
    path = computing.folder / "pools" / key.public.fingerprint
    for secret in (bytes(32), b"guess"):
        path.write_bytes(chosen.seal(secret))
        assert store.find(key.public) is None
