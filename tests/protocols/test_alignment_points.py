"""Points of an alignment: the curve's own numbers, what is refused of somebody else's, secrets that commute."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from aligned import companies
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from compute.canonical import MAX_MESSAGE_BYTES, InvalidMessageError, decode, encode
from compute.paillier.runner import Runner
from compute.protocols.alignment.messages import MAX_ROWS, AlignReturn
from compute.protocols.alignment.points import (
    POINT_BYTES,
    PointError,
    fault,
    hash_and_multiply,
    hash_to_curve,
    multiply,
    new_secret,
    require_points,
    split,
)

P = 2**255 - 19
SMALL = [
    (1).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
]
"""On the curve: order 4, and the two u of order 8."""
SECRET = bytes(range(32))


def point(u: int) -> bytes:
    return u.to_bytes(32, "little")


def is_square(number: int) -> bool:
    return pow(number, (P - 1) // 2, P) == 1


def curve(u: int) -> int:
    return (u**3 + 486662 * u**2 + u) % P


def test_a_product_is_that_of_rfc_7748() -> None:
    """Section 6.1: Alice's secret times the point of Bob's key."""
    alice = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    bob = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    shared = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    assert multiply(alice, [bob]) == [shared]


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=18, max_size=18))
def test_a_subject_s_point_is_canonical_and_on_the_curve(subject: str) -> None:
    found = hash_to_curve(subject)
    u = int.from_bytes(found, "little")
    assert u < P
    assert is_square(curve(u))
    assert found == hash_to_curve(subject)


def test_the_hash_is_the_one_that_is_written_down() -> None:
    """Two that agree on it find each other; another version would find nobody, and say nothing."""
    assert (
        hash_to_curve("91350200MA2Y8QJX3K").hex()
        == "b798e62aa6db34e0295c8f087ec7c6932ab1d679f2b3cb2489eece64efce2311"
    )


def test_products_by_two_secrets_are_the_same_in_either_order_and_differ_by_subject() -> None:
    subjects, a, b = companies(40), new_secret(), new_secret()
    one = multiply(b, hash_and_multiply(a, subjects))
    assert one == multiply(a, hash_and_multiply(b, subjects))
    assert len(set(one)) == 40
    assert not set(one) & set(multiply(new_secret(), hash_and_multiply(a, subjects)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (point(9 + 2**255), "has its top bit set"),
        (point(P), "is not canonical"),
        (point(P + 9), "is not canonical"),
        (b"\xff" * 31 + b"\x7f", "is not canonical"),
        (point(2), "on the curve's twist"),
        (point(P - 1), "on the curve's twist"),
        (point(0), "or of order 2"),
        (SMALL[0], "of small order: its product is zero"),
        (SMALL[1], "of small order: its product is zero"),
        (SMALL[2], "of small order: its product is zero"),
    ],
)
def test_what_is_no_point_is_refused_with_its_place(data: bytes, reason: str) -> None:
    good = [hash_to_curve(each) for each in companies(3)]
    assert multiply(SECRET, good)
    with pytest.raises(PointError, match=rf"^point 3 .*{reason}"):
        multiply(SECRET, [*good, data])
    if data not in SMALL:
        with pytest.raises(PointError, match=rf"^point 3 .*{reason}"):
            require_points([*good, data])


def test_the_library_itself_takes_what_is_refused_here() -> None:
    """It reduces, ignores the top bit, and multiplies on the twist: so the checks are ours."""
    key = X25519PrivateKey.from_private_bytes(SECRET)
    public = key.public_key().public_bytes_raw()
    for data in (point(9 + 2**255), point(P + 9), point(2)):
        assert fault(data) is not None
        assert key.exchange(X25519PublicKey.from_public_bytes(data))
    assert key.exchange(X25519PublicKey.from_public_bytes(point(P + 9))) == public


def test_points_that_differ_by_one_of_small_order_have_one_product_and_are_refused() -> None:
    """P + (0, 0) has the inverse u."""
    first = hash_to_curve(companies(1)[0])
    second = point(pow(int.from_bytes(first, "little"), -1, P))
    assert first != second
    require_points([first, second])
    assert multiply(SECRET, [first]) == multiply(SECRET, [second])
    with pytest.raises(PointError, match="point 1 is point 0 once more"):
        multiply(SECRET, [first, second])
    with pytest.raises(PointError, match="point 2 is point 0 once more"):
        require_points([first, hash_to_curve(companies(2)[1]), first])


def test_spread_over_workers_the_order_and_the_places_are_the_same() -> None:
    subjects = companies(101)
    told: list[tuple[int, int]] = []
    with ThreadPoolExecutor(2) as executor:
        runner = Runner(executor, 2, task_seconds=1e-3, worth_spreading=0)
        spread = hash_and_multiply(SECRET, subjects, runner, lambda done, total: told.append((done, total)))
        assert spread == hash_and_multiply(SECRET, subjects)
        with pytest.raises(PointError, match=r"^point 77 is on the curve's twist"):
            multiply(SECRET, [*spread[:77], point(2), *spread[78:]], runner)
    assert told[-1] == (101, 101)
    assert len(told) > 2


def test_joined_points_come_apart_and_a_part_is_refused() -> None:
    points = [bytes([number]) * 32 for number in range(3)]
    assert split(b"".join(points)) == points
    with pytest.raises(ValueError, match="33 bytes are no whole number of points"):
        split(bytes(33))


def test_the_largest_lists_of_points_fit_into_a_message() -> None:
    message = AlignReturn(bank="bank", alignment=bytes(32), points=bytes(POINT_BYTES * MAX_ROWS))
    data = encode(message)
    assert len(data) < MAX_MESSAGE_BYTES
    assert decode(data, AlignReturn) == message
    with pytest.raises(InvalidMessageError):
        decode(encode(AlignReturn(bank="bank", alignment=bytes(32), points=message.points + b"\0")), AlignReturn)
