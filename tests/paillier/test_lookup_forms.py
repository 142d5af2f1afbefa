"""Whatever form, grouping, cut and executor: lookup_sum gives the residues of the formula."""

from collections.abc import Callable, Sequence
from itertools import product

import engine
import numpy as np
import pytest

from compute.paillier import lookup, lookup_plan
from compute.paillier.errors import CiphertextError, CodeError, LayoutError
from compute.paillier.joint import groupings
from compute.paillier.lookup import lookup_sum
from compute.paillier.lookup_plan import Form, Plan
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner

SIZES = (3, 1, 5, 2)
GROUPINGS = [*groupings(SIZES), ((0,), (1,), (2,), (3,)), ((3, 1), (0, 2)), ((2, 3, 0, 1),)]
LAYOUTS = [
    SlotLayout(1, 1, 0),
    SlotLayout(1, 5, 0),
    SlotLayout(7, 3, 0),
    SlotLayout(16, 2, 0),
    SlotLayout(90, 4, 0),
]
MANY = Runner(costs=engine.large)
"""Cuts little work into many tasks, here."""

Force = Callable[[Form, Sequence[Sequence[int]]], None]


@pytest.fixture
def force(monkeypatch: pytest.MonkeyPatch) -> Force:
    """Make every plan this one."""

    def planned(form: Form, groups: Sequence[Sequence[int]]) -> None:
        plan = Plan(form, tuple(map(tuple, groups)), seconds=1000.0, memory=0)
        monkeypatch.setattr(lookup, "plan", lambda *_: plan)

    return planned


@pytest.fixture
def three_outputs_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup_plan, "MAX_OUTPUTS", 3)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("form", Form)
def test_every_form_and_grouping_gives_the_same_residues(
    key: PrivateKey, force: Force, form: Form, layout: SlotLayout
) -> None:
    tables = engine.tables_of(key.public, SIZES)
    codes = engine.columns(SIZES, 2 * layout.slots + 1)
    expected = engine.plain_lookup(key.public, tables, codes, layout)
    for groups, runner in product(GROUPINGS, (HERE, MANY)):
        force(form, groups)
        assert lookup_sum(key.public, tables, codes, layout, runner) == expected


@pytest.mark.parametrize("form", Form)
@pytest.mark.usefixtures("three_outputs_at_most")
def test_rows_around_slots_outputs_and_blocks(key: PrivateKey, force: Force, form: Form) -> None:
    layout = SlotLayout(5, 4, 0)
    tables = engine.tables_of(key.public, SIZES)
    force(form, ((0, 3), (1, 2)))
    for rows in (1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 23, 24, 25, 37):
        codes = engine.columns(SIZES, rows)
        expected = engine.plain_lookup(key.public, tables, codes, layout)
        heard: list[tuple[int, int]] = []
        sums = lookup_sum(
            key.public, tables, codes, layout, MANY, progress=lambda *told, heard=heard: heard.append(told)
        )
        assert sums == expected
        assert heard == sorted(heard)
        assert heard[-1] == (rows, rows)
        assert all(total == rows for _, total in heard)


@pytest.mark.parametrize("form", Form)
@pytest.mark.usefixtures("three_outputs_at_most")
def test_blocks_cover_every_row_once(form: Form) -> None:
    layout = SlotLayout(5, 4, 0)
    for rows in range(1, 40):
        for runner in (HERE, MANY):
            plan = Plan(form, (), seconds=50.0, memory=0)
            frames = plan.frames(rows, layout, runner)
            seen = [row for frame in frames for slot in frame.slots for row in frame.rows_of(slot, rows, layout)]
            assert sorted(seen) == list(range(rows))
            assert all(0 < len(frame.outputs) <= 3 for frame in frames)


@pytest.mark.parametrize("form", Form)
@pytest.mark.usefixtures("three_outputs_at_most")
def test_a_pool_of_processes_gives_the_same_residues(
    key: PrivateKey, force: Force, two_processes: Runner, form: Form
) -> None:
    layout, codes = SlotLayout(9, 3, 0), engine.columns(SIZES, 20)
    tables = engine.tables_of(key.public, SIZES)
    force(form, ((0, 3), (1, 2)))
    expected = engine.plain_lookup(key.public, tables, codes, layout)
    assert lookup_sum(key.public, tables, codes, layout, two_processes) == expected


@pytest.mark.long
def test_the_largest_feature_there_is(key: PrivateKey, force: Force) -> None:
    """65,535 bins: the code of no row is the largest of 16 bits, and 1 row of 2 slots has it."""
    entry, other = engine.units(key.public, 2)
    tables = [[entry] * 65_534 + [other]]
    force(Form.SLOT_TABLES, ((0,),))
    layout = SlotLayout(3, 2, 0)
    codes = np.array([65_534, 0, 65_534], dtype=np.uint16)
    sums = lookup_sum(key.public, tables, [codes], layout)  # type: ignore[list-item] # an array is fine, too
    square = key.public.n_squared
    assert sums == [other * pow(entry, 8, square) % square, other]


def test_more_bins_than_16_bits_count_are_refused(key: PrivateKey) -> None:
    with pytest.raises(CodeError, match="feature 0 has 65536 bins; give 1 to 65535"):
        lookup_sum(key.public, [[1] * 65_536], [[0]], SlotLayout(1, 1, 0))


BAD_COLUMNS = {
    "fractions": [0.0, 1.0],
    "an array of fractions": np.array([0.0, 1.0]),
    "text": "01",
    "truth values": [True, False],
    "nothing": [None, 0],
    "columns in a column": [[0], [1]],
    "ragged": [[0], [1, 0]],
    "huge": [0, 2**70],
    "huger than signed": [0, 2**64 - 1],
    "negative": [0, -1],
    "of another type, outside": np.array([0, -128], dtype=np.int8),
}


@pytest.mark.parametrize("name", BAD_COLUMNS)
def test_what_is_no_code_is_refused(key: PrivateKey, name: str) -> None:
    tables = engine.tables_of(key.public, [2])
    with pytest.raises(CodeError, match=r"whole numbers|lies outside"):
        lookup_sum(key.public, tables, [BAD_COLUMNS[name]], SlotLayout(1, 1, 0))  # type: ignore[list-item]


def test_an_array_of_wider_numbers_is_not_read_as_bytes(key: PrivateKey) -> None:
    tables = engine.tables_of(key.public, [3])
    wide = memoryview(np.array([1, 2], dtype=np.uint16))
    with pytest.raises(CodeError, match="4 codes for 2 rows"):
        lookup_sum(key.public, tables, [wide], SlotLayout(1, 1, 0))  # type: ignore[list-item]


def test_what_is_no_ciphertext_is_refused_in_its_place(key: PrivateKey) -> None:
    p = int(key.factors[0])
    for bad in (0, -1, int(key.public.n_squared), p, p * p, p * int(key.public.n)):
        with pytest.raises(CiphertextError, match="number 3"):
            lookup_sum(key.public, [[1, 1], [1, bad]], [[0], [0]], SlotLayout(1, 1, 0))


@pytest.mark.parametrize("shape", [(0, 1, 0), (-1, 3, 0), (3, 0, 0), (3, -2, 0), (3, 1, -1)])
def test_slots_that_hold_nothing_are_no_layout(shape: tuple[int, int, int]) -> None:
    with pytest.raises(LayoutError, match="are no layout"):
        SlotLayout(*shape)


def test_a_layout_of_a_longer_key_is_refused(key: PrivateKey) -> None:
    layout = SlotLayout.for_bound(1000, 0, 3072, 2)
    with pytest.raises(LayoutError, match="bits of slots in a modulus of 2048; take a layout of this key"):
        lookup_sum(key.public, engine.tables_of(key.public, [2]), [[0, 1]], layout)


def test_a_layout_of_all_bits_but_one_is_taken(key: PrivateKey) -> None:
    tables, layout = engine.tables_of(key.public, [2]), SlotLayout(2047, 1, 0)
    codes = [[0, 1]]
    assert lookup_sum(key.public, tables, codes, layout) == engine.plain_lookup(key.public, tables, codes, layout)
