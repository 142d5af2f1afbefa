"""Values sealed in a database: they open at their own place, under their own key, and nowhere else."""

import hashlib
import hmac
import pickle
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from compute.at_rest import KEY_BYTES, OVERHEAD, AtRest, AtRestError

SECRET = bytes(range(KEY_BYTES))
VALUE = b"the value that nobody reads"
PLACE = ("salt_trees", "tree", "contract-1")
BOX = AtRest(SECRET)

places = st.lists(st.text(max_size=6), max_size=4).map(tuple)


@given(st.binary(max_size=200), places)
def test_what_is_sealed_opens_at_its_place(value: bytes, place: tuple[str, ...]) -> None:
    sealed = BOX.seal(value, *place)
    assert len(sealed) == len(value) + OVERHEAD
    assert AtRest(SECRET).open(sealed, *place) == value


@given(places, places)
def test_it_opens_at_no_other_place(place: tuple[str, ...], other: tuple[str, ...]) -> None:
    sealed = BOX.seal(VALUE, *place)
    if place != other:
        with pytest.raises(AtRestError):
            BOX.open(sealed, *other)


@pytest.mark.parametrize("other", [("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("a", "b", "c", "")])
def test_the_borders_between_the_parts_of_a_place_count(other: tuple[str, ...]) -> None:
    for place in (("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("a", "b", "c", "")):
        if place != other:
            with pytest.raises(AtRestError):
                BOX.open(BOX.seal(VALUE, *place), *other)


def test_every_bit_counts() -> None:
    sealed = BOX.seal(VALUE, *PLACE)
    for bit in range(8 * len(sealed)):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(AtRestError):
            BOX.open(bytes(altered), *PLACE)


def test_what_is_cut_or_longer_does_not_open() -> None:
    sealed = BOX.seal(VALUE, *PLACE)
    for length in range(len(sealed)):
        with pytest.raises(AtRestError):
            BOX.open(sealed[:length], *PLACE)
    with pytest.raises(AtRestError):
        BOX.open(sealed + b"\0", *PLACE)


def test_a_value_in_clear_is_refused_with_what_to_do() -> None:
    with pytest.raises(AtRestError, match=r"salt_trees tree contract-1: .*earlier version cannot be taken over"):
        BOX.open(VALUE, *PLACE)


def test_another_identity_opens_nothing() -> None:
    one, other = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
    sealed = AtRest.of(one).seal(VALUE, *PLACE)
    assert AtRest.of(one).open(sealed, *PLACE) == VALUE
    with pytest.raises(AtRestError):
        AtRest.of(other).open(sealed, *PLACE)


def test_the_key_is_for_this_purpose_only() -> None:
    """A value sealed under the identity itself, or under another of its secrets, does not open."""
    identity = Ed25519PrivateKey.from_private_bytes(SECRET)
    with pytest.raises(AtRestError):
        AtRest.of(identity).open(BOX.seal(VALUE, *PLACE), *PLACE)


def test_the_same_value_never_looks_the_same() -> None:
    sealed = sorted(BOX.seal(VALUE, *PLACE) for _ in range(200))
    assert all(one[1:13] != other[1:13] for one, other in pairwise(sealed))
    assert not any(VALUE in each for each in sealed)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_secret_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match=str(length)):
        AtRest(bytes(length))


def test_no_representation_shows_the_secret() -> None:
    assert SECRET.hex() not in repr(BOX)
    assert repr(SECRET) not in repr(vars(BOX))
    with pytest.raises(TypeError):
        pickle.dumps(BOX)


def test_an_error_holds_neither_the_value_nor_the_sealed_bytes() -> None:
    sealed = BOX.seal(VALUE, *PLACE)
    with pytest.raises(AtRestError) as caught:
        BOX.open(sealed, "salt_trees", "tree", "contract-2")
    assert caught.value.__context__ is None
    assert VALUE.decode() not in str(caught.value)
    assert sealed.hex()[:16] not in str(caught.value)


# --- values that come again ------------------------------------------------------------------------------------


def test_a_fingerprint_recognises_a_value_at_its_place() -> None:
    mine = BOX.fingerprint(VALUE, *PLACE)
    assert len(mine) == 32
    assert AtRest(SECRET).fingerprint(VALUE, *PLACE) == mine
    others = [
        BOX.fingerprint(VALUE + b"\0", *PLACE),
        BOX.fingerprint(VALUE, *PLACE[:2], "contract-2"),
        BOX.fingerprint(VALUE, *PLACE[:2]),
        BOX.fingerprint(b"", *PLACE),
        AtRest(bytes(KEY_BYTES)).fingerprint(VALUE, *PLACE),
    ]
    assert len({mine, *others}) == 6


def test_a_guess_at_the_value_is_not_confirmed_without_the_secret() -> None:
    mine = BOX.fingerprint(VALUE, *PLACE)
    assert mine != hashlib.sha256(VALUE).digest()
    assert mine != hmac.digest(SECRET, VALUE, "sha256"), "the secret has another use"
