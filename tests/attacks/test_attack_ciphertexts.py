"""Numbers that are no ciphertexts, or odd ones: in a registration, to the reviewer, in an answer to the bank."""

from collections.abc import Callable

import gmpy2
import msgspec
import pytest
from attacker import (
    Column,
    asked,
    assert_refused,
    forged,
    lie,
    register,
    resubmitted,
    submitted,
    unchecked,
    under_one_approval,
)
from attacker import answer as ask
from attacker import ciphertexts as numbers_of
from engine import plain_lookup
from gmpy2 import mpz
from world import SUBJECTS, World, scorecard

from compute.paillier.blinding import blind, top_mask
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey
from compute.protocols.base import AnswerError
from compute.protocols.risk_score.messages import RegisterTables, TableOpening

REGION = scorecard().sources["register"][0].bins
EMPLOYEES = scorecard().sources["insurance"][1].bins
CODES = [0, 1, 2, 0, 1, 2, 1]
LAYOUT = SlotLayout(13, 100, 0)

Number = Callable[[PrivateKey], int]


def zero(_key: PrivateKey) -> int:
    return 0


def modulus(key: PrivateKey) -> int:
    return int(key.public.n)


def factor(key: PrivateKey) -> int:
    return int(key.factors[0])


def square(key: PrivateKey) -> int:
    return int(key.public.n_squared)


def above(key: PrivateKey) -> int:
    """n² + 5, which is 5 in another form."""
    return int(key.public.n_squared) + 5


NO_CIPHERTEXTS: list[tuple[Number, str]] = [
    (zero, "outside (0, n²)"),
    (modulus, "shares a factor with n"),
    (factor, "shares a factor with n"),
    (square, "outside (0, n²)"),
    (above, "outside (0, n²)"),
]
"""What is none, and by which words it is refused."""


def through_all_defences(key: PrivateKey, tables: list[list[int]], code: int) -> mpz:
    """One company's answer, with a mask that hides the plaintext wholly, a top mask and blinding, all unchecked.

    The kernel's formula, without the split of units into two factors, which such numbers have not.
    """
    public = key.public
    with unchecked():
        sums = plain_lookup(public, tables, [[code]], LAYOUT)
        masked = [c * public.residue(public.random_unit()) % public.n_squared for c in sums]
        return blind(public, top_mask(public, masked, LAYOUT, 2, 1))[0]


# --- in a registration ---------------------------------------------------------------------------------------


DIVISORS = [(zero, square), (modulus, modulus), (factor, factor), (square, square)]


@pytest.mark.parametrize(("number", "divisor"), DIVISORS)
def test_an_absorbing_number_marks_the_members_of_a_bin_through_every_mask(
    key: PrivateKey, number: Number, divisor: Number
) -> None:
    """It divides the answer of exactly those in its bin, whatever is multiplied to it: no blinding helps."""
    table = [int(key.encrypt(1)), number(key), int(key.encrypt(3))]
    seen = [through_all_defences(key, [table], code) for code in CODES]
    assert [c % divisor(key) == 0 for c in seen] == [code == 1 for code in CODES]


def test_two_forms_of_one_number_give_one_model_two_digests(key: PrivateKey) -> None:
    """Unchecked, n²+5 is 5: tables of another digest that decrypt alike."""
    public = key.public
    with unchecked():
        one, other = (lookup_sum(public, [[number]], [[0]], LAYOUT) for number in (5, above(key)))
    assert one == other


@pytest.mark.parametrize("where", [0, -1])
@pytest.mark.parametrize(("number", "reason"), NO_CIPHERTEXTS, ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_no_ciphertext_is_not_registered(world: World, number: Number, reason: str, where: int) -> None:
    """Also under an approval that a colluding reviewer signed for these very tables."""
    world.enrol()
    table = [int(world.key.encrypt(1)) for _ in range(3)]
    table[where] = number(world.key)
    message = registration(world, table)
    assert_refused(world, "tax", message, 6, reason)
    assert world.providers["tax"]._registry.registration(message.approval.statement.tables[0].digest) is None


def registration(world: World, table: list[int]) -> RegisterTables:
    """The tax office's part of a model with this table."""
    other = [int(world.key.encrypt(1)) for _ in range(4)]
    columns = {"labour": [Column(EMPLOYEES, other)], "tax": [Column(REGION, table)]}
    return forged(world, columns)[1]


@pytest.mark.parametrize("change", [-512, -1, 1, 512])
def test_ciphertexts_of_another_length_are_not_registered(world: World, change: int) -> None:
    world.enrol()
    tables = registration(world, [int(world.key.encrypt(1)) for _ in range(3)]).tables
    data = tables.ciphertexts
    changed = msgspec.structs.replace(tables, ciphertexts=data[:change] if change < 0 else data + bytes(change))
    other = forged(world, {"labour": [Column(EMPLOYEES, [int(world.key.encrypt(1))] * 4)]})[0].tables
    message = under_one_approval(world, (other, changed))[1]
    assert_refused(world, "tax", message, 6, "were expected")


# --- ciphertexts without randomness ----------------------------------------------------------------------------


@pytest.mark.parametrize("trivial", [1, -1])
def test_trivial_ciphertexts_show_the_other_factor_of_an_unblinded_product(key: PrivateKey, trivial: int) -> None:
    """1 and −1 are E(0) with r = 1 and r = −1: all but one bin being such, the answer is that bin's own number."""
    public = key.public
    lone = int(key.encrypt(1))
    table = [trivial % int(public.n_squared), lone, trivial % int(public.n_squared)]
    seen = [lookup_sum(public, [table], [[code]], LAYOUT)[0] for code in CODES]
    assert [c == lone for c in seen] == [code == 1 for code in CODES]


@pytest.mark.parametrize("trivial", [1, -1])
def test_answers_over_trivial_ciphertexts_are_as_blind_as_others(world: World, trivial: int) -> None:
    """They are ciphertexts, so they are taken; what comes back shows neither them nor the one that differs."""
    key = world.key
    public = key.public
    lone, number = int(key.encrypt(1)), trivial % int(public.n_squared)
    world.enrol()
    columns = {
        "labour": [Column(EMPLOYEES, [int(key.encrypt(1))] * 4)],
        "tax": [Column(REGION, [number, lone, number])],
    }
    model = register(world, forged(world, columns))
    for subject in SUBJECTS[:4]:
        query = asked(world, model, [subject])
        (c,) = numbers_of(world, query, ask(world, "tax", query))
        bases = {each % public.n for each in (1, -1, lone, -lone)}
        assert c % public.n not in bases
        assert int(key.nth_root(c % public.n)) not in {int(key.nth_root(each)) for each in bases}
        assert gmpy2.gcd(c - 1, public.n) == 1


# --- to the reviewer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "reason"), NO_CIPHERTEXTS, ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_no_ciphertext_is_not_approved(world: World, number: Number, reason: str) -> None:
    statement, opening = submitted(world, scorecard())
    first = statement.tables[0]
    data = number(world.key).to_bytes(512, "big") + first.ciphertexts[512:]
    tables = (msgspec.structs.replace(first, ciphertexts=data), *statement.tables[1:])
    message = resubmitted(world, statement, tables, opening.tables)
    assert_refused(world, "reviewer", message, 4, reason)


@pytest.mark.parametrize("beyond", [False, True])
def test_randomness_that_is_no_unit_opens_nothing(world: World, *, beyond: bool) -> None:
    """With r = 0 every point would open the ciphertext 0, and with r ≥ n one would have two openings."""
    statement, opening = submitted(world, scorecard())
    first = statement.tables[0]
    r = int(world.key.public.n) + 1 if beyond else 0
    lying = TableOpening(
        points=opening.tables[0].points,
        randomness=r.to_bytes(256, "big") + opening.tables[0].randomness[256:],
    )
    message = resubmitted(world, statement, (first, *statement.tables[1:]), (lying, *opening.tables[1:]))
    assert_refused(world, "reviewer", message, 4, "must be invertible")


# --- to the bank -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [zero, modulus, square])
def test_the_plaintext_of_an_absorbing_number_factors_the_modulus(key: PrivateKey, number: Number) -> None:
    """Decryption by remainders makes of it m = 1/q mod p and 1/p mod q, so 1/m mod n is p + q.

    Whoever hears one such total, a provider as much as the analyst, has the key: p and q are the roots of
    x² − (p+q)·x + n.
    """
    n, m = key.public.n, key._crt.decrypt(mpz(number(key)))
    total = gmpy2.invert(m, n)
    root = gmpy2.isqrt(total * total - 4 * n)
    assert {(total + root) // 2, (total - root) // 2} == set(key.factors)


@pytest.mark.parametrize(("number", "reason"), NO_CIPHERTEXTS, ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_no_ciphertext_is_not_decrypted(
    world: World, number: Number, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a malicious provider in an answer that it sealed and signed: opened, looked at, and left there."""
    model, data = world.model(), number(world.key).to_bytes(512, "big")
    received = lie(world, "tax", lambda _numbers: data)
    monkeypatch.setattr(PrivateKey, "decrypt_many", None)
    with pytest.raises(AnswerError, match="the answer of tax is malformed") as refused:
        world.score(model, SUBJECTS[:3])
    assert reason in str(refused.value)
    assert b'"type":"acknowledge"' in received[-1]  # as for every answer, before it could be opened
