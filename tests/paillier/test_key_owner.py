"""The key owner's tables of powers, the primes they rest on, and keys made elsewhere."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import engine
import gmpy2
import phe
import pytest
from gmpy2 import mpz

from compute.paillier import fixed_base, private
from compute.paillier.errors import ModulusError, PlaintextError
from compute.paillier.fixed_base import FixedBase, exponent_bytes
from compute.paillier.interchange import from_phe
from compute.paillier.primes import blum_prime, factors_of_order, generator
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey
from compute.paillier.runner import Runner

TABLES = Runner(costs=lambda bits: engine.small(bits).__class__(1e-9, 1e-9, 1e-9, 1e-12, 1.0))
"""A machine on which tables always pay."""


@pytest.fixture(scope="module")
def key_of_random_primes(key: PrivateKey) -> PrivateKey:
    """A key whose p−1 and q−1 trial division does not factor."""
    p, q = key.factors
    while factors_of_order(p) is not None:
        p = gmpy2.next_prime(p)
    return PrivateKey(p, q)


@contextmanager
def counted_tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Give the numbers of residues that tables are asked for."""
    asked: list[int] = []
    original = FixedBase.nth_residues

    def nth_residues(self: FixedBase, count: int) -> list[mpz]:
        asked.append(count)
        return original(self, count)

    with monkeypatch.context() as patched:
        patched.setattr(FixedBase, "nth_residues", nth_residues)
        yield asked


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("count", [1, 257])
def test_tables_encrypt(key: PrivateKey, monkeypatch: pytest.MonkeyPatch, count: int, *, short: bool) -> None:
    n = key.public.n
    plaintexts = ([0, 1, n - 1, (-1) % n, n // 2, n // 2 + 1] * 60)[:count]
    with counted_tables(monkeypatch) as asked:
        ciphertexts = key.encrypt_many(plaintexts, TABLES, short=short)
    assert sum(asked) == 2 * count
    assert key.decrypt_many(ciphertexts) == plaintexts
    randomness = [
        c * key.public.residue(-m) % key.public.n_squared for c, m in zip(ciphertexts, plaintexts, strict=True)
    ]
    assert len(set(randomness)) == count
    assert mpz(1) not in randomness


def test_nothing_and_few_are_encrypted_without_tables(key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted_tables(monkeypatch) as asked:
        assert key.encrypt_many([], TABLES) == []
        assert key.decrypt_many(key.encrypt_many([7, 7], Runner(costs=engine.small))) == [7, 7]
    assert sum(asked) == 0


def test_tables_in_a_pool_of_processes(key: PrivateKey, two_processes: Runner) -> None:
    plaintexts = list(range(12))
    first, second = (key.encrypt_many(plaintexts, two_processes) for _ in range(2))
    assert key.decrypt_many([*first, *second], two_processes) == [*plaintexts, *plaintexts]
    zeros = key.encrypt_many([0] * 12, two_processes)
    assert len({*first, *second, *zeros}) == 36


def test_progress_is_told(key: PrivateKey) -> None:
    heard: list[tuple[int, int]] = []
    ciphertexts = key.encrypt_many([5] * 6, Runner(costs=engine.large), lambda *told: heard.append(told))
    assert heard == [(done, 6) for done in range(1, 7)]
    heard.clear()
    key.decrypt_many(ciphertexts, Runner(costs=engine.large), lambda *told: heard.append(told))
    assert heard == [(done, 6) for done in range(1, 7)]


@pytest.mark.parametrize("short", [True, False])
def test_the_base_generates_all_nth_residues(key: PrivateKey, *, short: bool) -> None:
    for p in key.factors:
        factors = factors_of_order(p)
        assert factors is not None
        tables = FixedBase(p, factors, short=short)
        h = tables._tables[0].t[1]
        assert all(gmpy2.powmod(h, (p - 1) // factor, p) != 1 for factor in factors)
        assert len(tables._tables) == exponent_bytes(p.bit_length(), short=short) == (64 if short else 128)
        for residue in tables.nth_residues(3):
            assert gmpy2.powmod(residue, p - 1, p * p) == 1  # x^p modulo p², for some x


@pytest.mark.parametrize("short", [True, False])
def test_residues_are_the_powers_of_the_exponents(
    key: PrivateKey, monkeypatch: pytest.MonkeyPatch, *, short: bool
) -> None:
    p = key.factors[0]
    factors = factors_of_order(p)
    assert factors is not None
    monkeypatch.setattr(fixed_base, "generator", lambda *_: mpz(3))
    tables = FixedBase(p, factors, short=short)
    exponents = [0, 1, 255, 256, 257, 2**512 - 1, *([] if short else [int(p) - 2])]
    data = b"".join(e.to_bytes(tables._length, "little") for e in exponents)
    monkeypatch.setattr(tables, "_exponents", lambda _count: data)
    expected = [gmpy2.powmod(3, e * p, p * p) for e in exponents]
    assert tables.nth_residues(len(exponents)) == expected


def test_exponents_have_their_length_and_stay_below_the_order(key: PrivateKey) -> None:
    p = key.factors[0]
    factors = factors_of_order(p)
    assert factors is not None
    for short, most in ((True, 2**512), (False, p - 1)):
        tables = FixedBase(p, factors, short=short)
        data = tables._exponents(200)
        length = tables._length
        drawn = [int.from_bytes(data[at : at + length], "little") for at in range(0, len(data), length)]
        assert len(set(drawn)) == 200
        assert max(drawn) < most
        assert max(drawn) > most // 2  # 2⁻²⁰⁰ not to
        assert any(number % 2 for number in drawn)


def test_lengths_of_exponents() -> None:
    assert [exponent_bytes(bits, short=True) for bits in (1024, 1025, 1536, 2048)] == [64, 65, 96, 128]
    assert [exponent_bytes(bits, short=False) for bits in (1024, 1025, 1536, 2048)] == [128, 129, 192, 256]


@pytest.mark.parametrize("count", [1, 5])
def test_an_odd_number_of_tables(count: int) -> None:
    p = mpz(2**61 - 1)  # 61 bits: 4 and 8 bytes; 17 bits: 2 and 3
    for prime in (p, mpz(65_537)):
        factors = factors_of_order(prime)
        assert factors is not None
        for short in (True, False):
            residues = FixedBase(prime, factors, short=short).nth_residues(count)
            assert all(gmpy2.powmod(residue, prime - 1, prime * prime) == 1 for residue in residues)


@pytest.mark.parametrize("bits", [1024, 1536])
def test_blum_primes_have_the_form_that_is_promised(bits: int) -> None:
    p = blum_prime(bits)
    assert p.bit_length() == bits
    assert p >> (bits - 2) == 3
    assert p % 4 == 3
    assert gmpy2.is_prime(p, 40)
    factors = factors_of_order(p)
    assert factors is not None
    *small, r = factors
    assert small[0] == 2
    assert all(factor < 2**20 for factor in small)
    a, rest = divmod((p - 1) // 2, r)
    assert rest == 0
    assert a % 2 == 1
    assert a < 2**20
    assert r.bit_length() >= bits - 21


@pytest.mark.parametrize("bits", [2048, 2050])
def test_generated_keys_have_their_length_and_form(bits: int) -> None:
    key = PrivateKey.generate(bits)
    p, q = key.factors
    assert (p * q).bit_length() == key.public.bits == bits
    assert p.bit_length() == q.bit_length() == bits // 2
    assert p % 4 == q % 4 == 3
    assert math.gcd(int(p) - 1, int(q) - 1) == 2
    assert math.gcd(int(p * q), int((p - 1) * (q - 1))) == 1
    assert None not in (factors_of_order(p), factors_of_order(q))
    key.public.validate()


def test_orders_that_can_be_factored_and_those_that_cannot(key_of_random_primes: PrivateKey) -> None:
    assert factors_of_order(3) == (2,)
    assert factors_of_order(19) == (2, 3)
    assert factors_of_order(2**16 + 1) == (2,)
    assert factors_of_order(2**31 - 1) == (2, 3, 7, 11, 31, 151, 331)
    assert None in [factors_of_order(factor) for factor in key_of_random_primes.factors]


@pytest.mark.parametrize("p", [19, 65_537, 1_048_573, 2**61 - 1])
def test_generators_have_the_full_order(p: int) -> None:
    factors = factors_of_order(p)
    assert factors is not None
    for factor in factors:
        assert gmpy2.is_prime(factor)
        assert (p - 1) % factor == 0
    for _ in range(5):
        h = generator(p, factors)
        assert all(pow(int(h), (p - 1) // int(factor), p) != 1 for factor in factors)


def test_keys_of_random_primes_encrypt_without_tables(
    key_of_random_primes: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_of_random_primes
    with counted_tables(monkeypatch) as asked:
        ciphertexts = key.encrypt_many([1, 2, 3] * 20, TABLES)
    assert asked == []
    assert len(set(ciphertexts)) == 60
    assert key.decrypt_many(ciphertexts) == [1, 2, 3] * 20
    with pytest.raises(ModulusError, match="cannot be factored; encrypt without tables"):
        private._fixed_bases(*key.factors, True)  # noqa: FBT003


def test_phes_keys_encrypt() -> None:
    _, theirs = phe.generate_paillier_keypair(n_length=2048)
    ours = from_phe(theirs)
    ciphertexts = ours.encrypt_many(list(range(30)), TABLES)
    assert ours.decrypt_many(ciphertexts) == [theirs.raw_decrypt(int(c)) for c in ciphertexts] == list(range(30))


def test_factors_of_unequal_length_encrypt() -> None:
    """Imported, and of the form that tables serve: each factor has exponents of its own length."""
    p, q = blum_prime(1024), blum_prime(1100)
    key = PrivateKey(p, q)
    plaintexts = [0, 1, int(key.public.n) - 1]
    for short in (True, False):
        assert key.decrypt_many(key.encrypt_many(plaintexts, TABLES, short=short)) == plaintexts


@pytest.mark.parametrize("bad", [-1, "n", 1.0, 0.5])
def test_plaintexts_out_of_range_are_refused_by_place(key: PrivateKey, bad: float | str) -> None:
    plaintext = key.public.n if bad == "n" else bad
    for encrypt_many in (key.encrypt_many, key.public.encrypt_many):
        with pytest.raises(PlaintextError, match="plaintext 2 must") as caught:
            encrypt_many([0, 1, plaintext])
        assert all(str(factor) not in str(caught.value) for factor in key.factors)


def test_the_owners_randomness_is_not_the_publics(key: PrivateKey) -> None:
    """Everybody's array form does the same at its own pace."""
    public = PublicKey(key.public.n)
    ciphertexts = public.encrypt_many([5, 5, 0])
    assert key.decrypt_many(ciphertexts) == [5, 5, 0]
    assert len(set(ciphertexts)) == 3
