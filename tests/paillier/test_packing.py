"""Slots: round trips, tight widths, room above, and no carry whatever the values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.paillier.errors import LayoutError
from compute.paillier.packing import HEADROOM_BITS, SlotLayout

BOUNDS = st.integers(1, 2**40)
BITS = st.sampled_from([2048, 2049, 3072, 4096, 16384])
PARTIES = st.integers(1, 16) | st.sampled_from([64, 1023, 1024, 2**20])


@given(bound=BOUNDS, bits=BITS, parties=PARTIES, data=st.data())
def test_packing_round_trips(bound: int, bits: int, parties: int, data: st.DataObject) -> None:
    bias = data.draw(st.integers(0, bound))
    layout = SlotLayout.for_bound(bound, bias, bits, parties)
    values = data.draw(st.lists(st.integers(-bias, bound - bias), max_size=min(layout.slots, 20)))
    packed = layout.pack(values)
    assert packed == sum((value + bias) << layout.width * slot for slot, value in enumerate(values))
    assert packed < 1 << layout.used_bits
    assert layout.unpack(packed, len(values)) == values


@given(bound=BOUNDS, bits=BITS, parties=PARTIES)
def test_the_width_is_the_narrowest_that_holds_the_bound(bound: int, bits: int, parties: int) -> None:
    layout = SlotLayout.for_bound(bound, 0, bits, parties)
    assert 2 ** (layout.width - 1) <= bound < 2**layout.width


@given(bound=BOUNDS, bits=BITS, parties=PARTIES)
def test_slots_headroom_and_parties_fill_the_modulus_and_fit(bound: int, bits: int, parties: int) -> None:
    layout = SlotLayout.for_bound(bound, 0, bits, parties)
    smallest_modulus = 2 ** (bits - 1) + 1
    assert layout.used_bits == layout.slots * layout.width
    # The masks of all parties lie in [0, n − 2^W), and each has 2^32 values or more to choose from.
    assert (smallest_modulus - 2**layout.used_bits) // (parties << layout.used_bits) >= 2**HEADROOM_BITS - 1
    # One slot more would not leave that much.
    assert layout.used_bits + layout.width + HEADROOM_BITS + parties.bit_length() > bits - 1


@pytest.mark.parametrize("width", [1, 2, 7, 16, 17, 40])
def test_the_bound_itself_fits_and_one_more_does_not(width: int) -> None:
    bound = 2**width - 1
    layout = SlotLayout.for_bound(bound, 0, 2048, 2)
    assert layout.width == width
    assert layout.unpack(layout.pack([0, bound, 0]), 3) == [0, bound, 0]
    with pytest.raises(LayoutError, match=f"overflows its slot of {width} bits with bias 0"):
        layout.pack([0, bound + 1, 0])
    assert SlotLayout.for_bound(bound + 1, 0, 2048, 2).width == width + 1


def test_a_value_below_the_bias_is_refused() -> None:
    layout = SlotLayout.for_bound(100, 50, 2048, 2)
    assert layout.unpack(layout.pack([-50]), 1) == [-50]
    with pytest.raises(LayoutError, match="overflows its slot of 7 bits with bias 50"):
        layout.pack([-51])


@given(
    points=st.integers(1, 10**6),
    features=st.integers(1, 64),
    parties=st.integers(2, 16),
    signs=st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=12),
)
def test_extreme_totals_never_carry(points: int, features: int, parties: int, signs: list[int]) -> None:
    """Every feature of every party gives its least or its greatest points; the neighbours stay as they are."""
    bias = points * features * parties
    layout = SlotLayout.for_bound(2 * bias, bias, 2048, parties)
    rows = signs[: layout.slots]
    entry = [[points + sign * points for sign in rows] for _ in range(features * parties)]
    packed = sum(sum(value << layout.width * slot for slot, value in enumerate(column)) for column in entry)
    assert packed < 1 << layout.used_bits
    assert layout.unpack(packed, len(rows)) == [sign * points * features * parties for sign in rows]


def test_all_slots_full_stay_below_the_used_bits() -> None:
    layout = SlotLayout.for_bound(2**16 - 1, 0, 2048, 3)
    assert layout.pack([2**16 - 1] * layout.slots) == 2**layout.used_bits - 1


@given(mask=st.integers(0, 2**500), values=st.lists(st.integers(-5, 5), max_size=9))
def test_what_lies_above_the_slots_is_dropped(mask: int, values: list[int]) -> None:
    layout = SlotLayout(4, 9, 5)
    assert layout.unpack(layout.pack(values) + (mask << layout.used_bits), len(values)) == values


@pytest.mark.parametrize(("rows", "outputs"), [(0, 0), (1, 1), (9, 1), (10, 2), (18, 2), (19, 3)])
def test_the_number_of_ciphertexts(rows: int, outputs: int) -> None:
    assert SlotLayout(4, 9, 0).outputs(rows) == outputs


def test_too_many_values_are_refused() -> None:
    layout = SlotLayout(8, 3, 0)
    assert layout.pack([]) == 0
    with pytest.raises(LayoutError, match="4 values for 3 slots"):
        layout.pack([1, 1, 1, 1])


@pytest.mark.parametrize("count", [-1, 4])
def test_unpacking_asks_for_slots_that_exist(count: int) -> None:
    with pytest.raises(LayoutError, match=f"{count} values asked of 3 slots"):
        SlotLayout(8, 3, 0).unpack(0, count)


@pytest.mark.parametrize(
    ("bound", "bias", "parties"), [(0, 0, 2), (-1, 0, 2), (10, -1, 2), (10, 11, 2), (10, 5, 0), (10, 5, -1)]
)
def test_what_makes_no_layout_is_named(bound: int, bias: int, parties: int) -> None:
    with pytest.raises(LayoutError, match=f"bound {bound}, bias {bias} and {parties} parties"):
        SlotLayout.for_bound(bound, bias, 2048, parties)


def test_a_slot_wider_than_the_modulus_is_refused() -> None:
    room = 2048 - 1 - HEADROOM_BITS - 2
    assert SlotLayout.for_bound(2**room - 1, 0, 2048, 2).slots == 1
    with pytest.raises(LayoutError, match=f"a slot of {room + 1} bits does not fit a modulus of 2048 bits"):
        SlotLayout.for_bound(2**room, 0, 2048, 2)
    with pytest.raises(LayoutError, match="does not fit"):
        SlotLayout.for_bound(1, 0, 2048, 2**2016)
