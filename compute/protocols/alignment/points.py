"""Points of Curve25519 by their u-coordinate: subjects hashed to them, multiplied by a secret, and checked.

A point travels as X25519 has it: u little-endian in 32 bytes (RFC 7748, section 5). Curve25519 is
v² = u³ + 486662u² + u modulo p = 2²⁵⁵ − 19 (section 4.1). Where the right side is no square, u is of a point of
the curve's quadratic twist.

X25519 clamps a secret: it is 2²⁵⁴ plus a multiple of 8. So a product never has a component of small order,
products by two secrets are the same in either order, and P and P + T, T of small order, have one product:
points that differ are not enough, their products have to.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import TypeVar

import gmpy2
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from gmpy2 import mpz

from compute.paillier.runner import HERE, Runner

T = TypeVar("T")
Told = Callable[[int, int], None]
"""Hears of the points done and of all."""

POINT_BYTES = 32
SECONDS = 60e-6
"""Of one multiplication with what goes with it, for how the work is cut."""
CHECK_SECONDS = 4e-6

LABEL = b"veilmart/alignment/hash-to-curve/v1"
_P = mpz(2) ** 255 - 19
_A = mpz(486662)
_LOW_BITS = mpz(2) ** 255 - 1


class PointError(ValueError):
    """A list of points cannot be used: which of them, by its place, and why."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"point {index} {reason}")


def new_secret() -> bytes:
    """Give 32 random bytes, a secret of X25519 before clamping."""
    return X25519PrivateKey.generate().private_bytes_raw()


def hash_to_curve(subject: str) -> bytes:
    """Give the subject's point, of whose discrete logarithm nobody knows anything: try and increment.

    u is the first of SHA-256(LABEL ‖ i in 4 bytes ‖ subject), i = 0, 1, 2, …, without its top bit, that is
    below p and on the curve; two tries on average. How many it took tells of the subject, but only to who can
    time this process.
    """
    name = subject.encode("ascii")
    for attempt in count():
        digest = hashlib.sha256(LABEL + attempt.to_bytes(4, "big") + name).digest()
        u = mpz(int.from_bytes(digest, "little")) & _LOW_BITS
        if u < _P and _is_on_curve(u):
            return int(u).to_bytes(POINT_BYTES, "little")
    raise AssertionError  # pragma: no cover -- count() does not end


def hash_and_multiply(
    secret: bytes, subjects: Sequence[str], runner: Runner = HERE, told: Told | None = None
) -> list[bytes]:
    """Give secret·H(subject) for each subject, in their order."""
    return runner.each(partial(_hash_and_multiply, secret), subjects, SECONDS, told)


def multiply(
    secret: bytes, points: Sequence[bytes], runner: Runner = HERE, told: Told | None = None
) -> list[bytes]:
    """Give secret·P for each point of somebody else's, in their order.

    Raises :class:`PointError` as :func:`require_points`, for a point of small order, and for two whose products
    are the same: they differ in a component of small order, or not at all.
    """
    products = runner.each(partial(_multiply, secret), points, SECONDS, told)
    found = []
    for index, (point, product) in enumerate(zip(points, products, strict=True)):
        if product is None:
            raise PointError(index, fault(point) or "is of small order: its product is zero")
        found.append(product)
    _require_distinct(found)
    return found


def require_points(points: Sequence[bytes], runner: Runner = HERE) -> None:
    """Raise :class:`PointError` for the first point that is not canonical, not on the curve, or there twice."""
    for index, reason in enumerate(runner.each(_faults, points, CHECK_SECONDS)):
        if reason is not None:
            raise PointError(index, reason)
    _require_distinct(points)


def fault(point: bytes) -> str | None:
    """Give why these 32 bytes are no point of the curve, None if they are one.

    u is canonical: the top bit is 0, which RFC 7748 would ignore, and u < p, which it would reduce. And u is on
    the curve, by Euler's criterion as gmpy2's Legendre symbol; 0, the point of order 2, is not a square either.
    """
    u = mpz(int.from_bytes(point, "little"))
    if u > _LOW_BITS:
        return "has its top bit set"
    if u >= _P:
        return "is not canonical: u is not below 2^255 - 19"
    return None if _is_on_curve(u) else "is on the curve's twist, or of order 2"


def split(data: bytes) -> list[bytes]:
    """Cut joined points apart; raise ValueError if a part is left over."""
    if len(data) % POINT_BYTES:
        raise ValueError(f"{len(data)} bytes are no whole number of points of {POINT_BYTES} bytes")
    return [data[start : start + POINT_BYTES] for start in range(0, len(data), POINT_BYTES)]


def _is_on_curve(u: mpz) -> bool:
    return bool(gmpy2.legendre(u * (u * (u + _A) + 1), _P) == 1)


def _require_distinct(points: Sequence[bytes]) -> None:
    if len(set(points)) == len(points):
        return
    first: dict[bytes, int] = {}
    for index, point in enumerate(points):
        if first.setdefault(point, index) != index:
            raise PointError(index, f"is point {first[point]} once more")


def _hash_and_multiply(secret: bytes, subjects: Sequence[str]) -> list[bytes]:
    key = X25519PrivateKey.from_private_bytes(secret)
    # A hashed point is of small order with probability 2⁻²⁵⁰; exchange() would raise.
    return [key.exchange(X25519PublicKey.from_public_bytes(hash_to_curve(each))) for each in subjects]


def _multiply(secret: bytes, points: Sequence[bytes]) -> list[bytes | None]:
    key = X25519PrivateKey.from_private_bytes(secret)
    return [_product(key, point) for point in points]


def _product(key: X25519PrivateKey, point: bytes) -> bytes | None:
    if fault(point) is not None:
        return None
    try:
        return key.exchange(X25519PublicKey.from_public_bytes(point))
    except ValueError:  # the product is zero (RFC 7748, section 6.1): told by multiply() with the point's place
        return None


def _faults(points: Sequence[bytes]) -> list[str | None]:
    return [fault(point) for point in points]
