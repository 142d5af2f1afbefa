"""What bank and providers derive alike: the subjects' root and the layout."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.paillier.errors import LayoutError
from compute.paillier.packing import HEADROOM_BITS
from compute.protocols.risk_score.job import layout_for, subjects_root
from compute.protocols.risk_score.messages import ApprovedTables, ModelApproval

SALT = bytes(range(32))
CODES = st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=18, max_size=18)


def rfc6962(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + rfc6962(leaves[:k]) + rfc6962(leaves[k:])).digest()


def approval(points_bound: int, *features: int) -> ModelApproval:
    return ModelApproval(
        reviewer="reviewer",
        suite="intl",
        bank="bank",
        key="0" * 64,
        purpose="credit",
        tables=tuple(
            ApprovedTables(
                provider=f"p{i}", product="product", product_version="1", features=count, digest=bytes(32)
            )
            for i, count in enumerate(features)
        ),
        points_id="0" * 64,
        points_bound=points_bound,
        reachable_totals=2,
        expires=0,
    )


@given(subjects=st.lists(CODES, max_size=20), salt=st.binary(min_size=32, max_size=32))
def test_the_root_is_that_of_rfc_6962(subjects: list[str], salt: bytes) -> None:
    assert subjects_root(salt, subjects) == rfc6962([salt + subject.encode() for subject in subjects])


def test_the_root_depends_on_salt_order_and_every_subject() -> None:
    subjects = ["91350100M000100Y43", "91110000100000001A", "91440300MA5EQXL17P"]
    roots = {
        subjects_root(SALT, subjects),
        subjects_root(bytes(32), subjects),
        subjects_root(SALT, subjects[::-1]),
        subjects_root(SALT, subjects[:2]),
        subjects_root(SALT, [*subjects, subjects[0]]),
        subjects_root(SALT, [subjects[0], subjects[0], subjects[2]]),
        subjects_root(SALT, []),
    }
    assert len(roots) == 7


@given(
    bound=st.integers(1, 10**6),
    features=st.lists(st.integers(1, 64), min_size=1, max_size=16),
    bits=st.sampled_from([2048, 3072, 16384]),
)
def test_no_model_within_the_bound_overflows(bound: int, features: list[int], bits: int) -> None:
    layout = layout_for(approval(bound, *features), bits)
    entries = sum(features)
    assert layout.bias == bound * entries
    greatest, least = bound * entries, -bound * entries
    count = min(layout.slots, 4)
    for total in (least, -1, 0, 1, greatest):
        assert layout.unpack(layout.pack([total] * count), count) == [total] * count
    assert layout.used_bits + HEADROOM_BITS + len(features).bit_length() < bits


@pytest.mark.parametrize(
    ("bound", "features", "bits", "width", "slots"),
    [
        (1000, (5, 3), 2048, 14, 143),
        (1000, (5, 3), 3072, 14, 216),
        (1, (1, 1), 2048, 3, 671),
        (1, (1,), 2048, 2, 1007),
    ],
)
def test_known_layouts(bound: int, features: tuple[int, ...], bits: int, width: int, slots: int) -> None:
    layout = layout_for(approval(bound, *features), bits)
    assert (layout.width, layout.slots, layout.bias) == (width, slots, bound * sum(features))


def test_the_layout_tells_nothing_else_of_a_model() -> None:
    one = approval(1000, 5, 3)
    assert layout_for(approval(1000, 4, 4), 2048) == layout_for(one, 2048)


def test_a_modulus_without_room_is_refused() -> None:
    with pytest.raises(LayoutError, match="does not fit a modulus of 40 bits"):
        layout_for(approval(1000, 5, 3), 40)
