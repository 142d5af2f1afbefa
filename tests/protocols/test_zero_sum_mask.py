"""Masks that vanish in the sum and nowhere else, against the formula written down a second time."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from gmpy2 import mpz

from compute.paillier.private import PrivateKey
from compute.protocols.risk_score.zero_sum_mask import zero_sum_masks

NAMES = ["market-regulation", "social-security", "tax", "bureau-a", "z9"]
JOB = hashlib.sha256(b"job").digest()
SMALL_ORDER = [
    bytes(32),
    (1).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 20).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
]


def mask_key(name: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


KEYS = {name: mask_key(name) for name in NAMES}
PUBLIC = {name: key.public_key().public_bytes_raw() for name, key in KEYS.items()}


def masks(key: PrivateKey, own: str, names: list[str], job: bytes = JOB, outputs: int = 3) -> list[mpz]:
    peers = {name: PUBLIC[name] for name in names if name != own}
    return zero_sum_masks(own, KEYS[own], peers, job, outputs, key.public)


def formula(own: str, peer: str, job: bytes, t: int, n: int) -> int:
    """PROTOCOLS.md §4.3 over RFC 5869 and FIPS 202, for a modulus of 2048 bits."""
    shared = KEYS[own].exchange(X25519PublicKey.from_public_bytes(PUBLIC[peer]))
    extracted = hmac.digest(bytes(32), shared, "sha256")
    seed = hmac.digest(extracted, b"veilmart/mask/v1" + job + b"\x01", "sha256")
    stream = hashlib.shake_256(seed + t.to_bytes(8, "big")).digest((2048 + 128) // 8)
    return int.from_bytes(stream, "big") % n


@pytest.mark.parametrize("parties", [2, 3, 5])
def test_masks_vanish_in_the_sum(key: PrivateKey, parties: int) -> None:
    names = NAMES[:parties]
    columns = zip(*(masks(key, name, names) for name in names), strict=True)
    assert [sum(column) % key.public.n for column in columns] == [0, 0, 0]


@pytest.mark.parametrize("parties", [3, 5])
def test_masks_of_fewer_than_all_do_not_vanish(key: PrivateKey, parties: int) -> None:
    names = NAMES[:parties]
    for absent in names:
        columns = zip(*(masks(key, name, names) for name in names if name != absent), strict=True)
        assert all(sum(column) % key.public.n != 0 for column in columns)


def test_masks_vanish_under_encryption(key: PrivateKey) -> None:
    names, public = NAMES[:3], key.public
    total = mpz(1)
    for points, name in enumerate(names, start=1):
        (mask,) = masks(key, name, names, outputs=1)
        total = public.add(total, public.add(key.encrypt(points), public.residue(mask)))
    assert key.decrypt(total) == 6


def test_masks_are_the_formula(key: PrivateKey) -> None:
    n = int(key.public.n)
    names = NAMES[:3]  # in the order of the alphabet: market-regulation, social-security, tax
    first, middle, last = names
    for t in range(3):
        of_first_middle, of_first_last = formula(first, middle, JOB, t, n), formula(first, last, JOB, t, n)
        of_middle_last = formula(middle, last, JOB, t, n)
        assert masks(key, first, names)[t] == (of_first_middle + of_first_last) % n
        assert masks(key, middle, names)[t] == (of_middle_last - of_first_middle) % n
        assert masks(key, last, names)[t] == (-of_first_last - of_middle_last) % n


def test_masks_are_the_recorded_ones(key: PrivateKey) -> None:
    """A change of this digest is a change of the protocol: it needs a new version string."""
    data = b"".join(mask.to_bytes(256, "big") for mask in masks(key, "tax", NAMES))
    assert hashlib.sha256(data).hexdigest() == "c16c8006d914395d230041184fb5ff1d49e91d97f4d41a362b107101aa3a1907"


def test_masks_are_below_the_modulus_and_large(key: PrivateKey) -> None:
    for mask in masks(key, "tax", NAMES, outputs=20):
        assert 2**1948 < mask < key.public.n


def test_masks_differ_per_output_and_job_and_party(key: PrivateKey) -> None:
    other = hashlib.sha256(b"another job").digest()
    seen = [mask for job in (JOB, other) for name in NAMES[:3] for mask in masks(key, name, NAMES[:3], job, 5)]
    assert len(set(seen)) == 30


def test_masks_of_different_jobs_do_not_cancel(key: PrivateKey) -> None:
    first, second = NAMES[:2]
    (a,) = masks(key, first, NAMES[:2], JOB, 1)
    (b,) = masks(key, second, NAMES[:2], hashlib.sha256(b"another job").digest(), 1)
    assert (a + b) % key.public.n != 0


def test_more_outputs_begin_with_the_same_masks(key: PrivateKey) -> None:
    assert masks(key, "tax", NAMES, outputs=5)[:2] == masks(key, "tax", NAMES, outputs=2)
    assert masks(key, "tax", NAMES, outputs=0) == []


def test_a_swapped_key_does_not_cancel(key: PrivateKey) -> None:
    """Somebody in the middle who hands one party a key of its own gets no sum that opens."""
    first, second = NAMES[:2]
    mallory = mask_key("mallory").public_key().public_bytes_raw()
    fooled = zero_sum_masks(first, KEYS[first], {second: mallory}, JOB, 3, key.public)
    honest = masks(key, second, NAMES[:2])
    assert all((a + b) % key.public.n != 0 for a, b in zip(fooled, honest, strict=True))


@pytest.mark.parametrize("index", range(len(SMALL_ORDER)))
def test_a_point_of_small_order_is_refused(key: PrivateKey, index: int) -> None:
    peers = {"tax": PUBLIC["tax"], "peer": SMALL_ORDER[index]}
    with pytest.raises(ValueError, match="shared key"):
        zero_sum_masks("own", KEYS["z9"], peers, JOB, 1, key.public)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(key: PrivateKey, length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        zero_sum_masks("own", KEYS["z9"], {"peer": b"\5" * length}, JOB, 1, key.public)
