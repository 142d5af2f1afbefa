"""The cost models: groups of features, forms and cuts, within the memory that a task may take."""

import subprocess
import sys
from collections.abc import Sequence
from math import prod
from pathlib import Path

import engine
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier import histogram, lookup_plan
from compute.paillier.joint import MAX_BINS, groupings, joint_codes, joint_sizes
from compute.paillier.lookup_plan import Form
from compute.paillier.packing import SlotLayout
from compute.paillier.runner import Runner

SHAPES: dict[str, Sequence[int]] = {
    "none": (),
    "one bin": (1,),
    "only single bins": (1,) * 40,
    "the largest": (65_535,),
    "two of the largest": (65_535, 65_535),
    "the largest and the smallest": (65_535, 1, 2, 1),
    "forty features": (6,) * 40,
    "many sizes": tuple(range(1, 60)),
    "sixteen of two": (2,) * 17,
}
MEMORIES = [1, 1 << 20, 8 << 20, 128 << 20]
LAYOUT = SlotLayout(16, 125, 0)
ROWS = [0, 1, 124, 125, 126, 10_000, 1_000_000]


@pytest.mark.parametrize("name", SHAPES)
def test_every_grouping_is_a_partition_that_16_bits_count(name: str) -> None:
    sizes = SHAPES[name]
    seen = list(groupings(sizes))
    assert seen
    assert len(set(seen)) == len(seen) <= 17
    for groups in seen:
        assert sorted(feature for group in groups for feature in group) == list(range(len(sizes)))
        assert all(groups)
        assert all(size <= MAX_BINS for size in joint_sizes(sizes, groups))


@settings(max_examples=40)
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8), data=st.data())
def test_joint_codes_tell_every_combination(sizes: list[int], data: st.DataObject) -> None:
    groups = data.draw(st.sampled_from(list(groupings(sizes))))
    columns = [np.array([0, size - 1, size // 2], dtype=np.uint16) for size in sizes]
    for group, joint in zip(groups, joint_codes(columns, sizes, groups), strict=True):
        assert joint.dtype == np.uint16
        for row, code in enumerate(joint.tolist()):
            for feature in reversed(group):
                code, own = divmod(code, sizes[feature])  # noqa: PLW2901 -- digit by digit
                assert own == columns[feature][row]
            assert code == 0


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("name", SHAPES)
def test_plans_keep_to_the_memory_where_any_does(name: str, memory: int) -> None:
    sizes, runner = SHAPES[name], Runner(memory=memory, costs=engine.small)
    for rows in ROWS:
        for bits in (2048, 3072, 4096):
            chosen = lookup_plan.plan(sizes, rows, LAYOUT, bits, runner)
            least = lookup_plan.plan(sizes, rows, LAYOUT, bits, Runner(memory=0, costs=engine.small))
            assert chosen.memory <= max(memory, least.memory)
            entries = sum(joint_sizes(sizes, chosen.groups))
            assert chosen.memory >= 5 * entries * bits // 8 * 0.6  # t and the limbs of κ, three times t's length
            sums = histogram.plan(sizes, rows, bits, runner)
            fewest = histogram.plan(sizes, rows, bits, Runner(memory=0, costs=engine.small))
            assert sums.memory <= max(memory, fewest.memory)
            assert sums.memory >= sum(joint_sizes(sizes, sums.groups)) * bits // 4


def test_few_rows_take_horners_form_and_many_slot_tables() -> None:
    sizes, runner = (6,) * 20, Runner(costs=engine.small)
    forms = [lookup_plan.plan(sizes, rows, LAYOUT, 2048, runner).form for rows in (1, 100, 2000, 100_000, 960_000)]
    assert forms == [Form.HORNER, Form.HORNER, Form.HORNER, Form.SLOT_TABLES, Form.SLOT_TABLES]


def test_more_rows_join_more_features() -> None:
    sizes, runner = (6,) * 20, Runner(costs=engine.small)
    for plan in (
        lambda rows: lookup_plan.plan(sizes, rows, LAYOUT, 2048, runner),
        lambda rows: histogram.plan(sizes, rows, 2048, runner),
    ):
        few, many = plan(1), plan(1_000_000)
        assert len(few.groups) == 20
        assert len(many.groups) <= 7
        assert many.seconds < 1_000_000 * 20 * 6e-6 + 60


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("workers", [1, 2, 7])
def test_frames_cover_all_slots_and_outputs_once(name: str, workers: int) -> None:
    runner = Runner(workers=workers, costs=engine.small)
    for rows in ROWS[1:]:
        frames = lookup_plan.plan(SHAPES[name], rows, LAYOUT, 2048, runner).frames(rows, LAYOUT, runner)
        cells = sum(len(frame.slots) * len(frame.outputs) for frame in frames)
        assert cells == min(rows, LAYOUT.slots) * LAYOUT.outputs(rows)
        assert len({(frame.slots, frame.outputs) for frame in frames}) == len(frames)
        assert all(len(frame.outputs) <= lookup_plan.MAX_OUTPUTS for frame in frames)


MEASURE = """
import sys
import numpy as np
import engine
from conftest import P, Q
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.lookup import Block, block_product
from compute.paillier.public import PublicKey

def peak():
    with open("/proc/self/status") as status:
        return 1024 * int(status.read().split("VmHWM:")[1].split()[0])

key, sizes = PublicKey(P * Q), (25, 25, 20) * 2
base = to_bytes(key, engine.units(key, sum(sizes)))
codes = (np.zeros(10, dtype=np.uint16).tobytes(),) * 2
block = Block(key.to_bytes(), sizes, ((0, 1, 2), (3, 4, 5)), (base,) * 3, (codes,) * 3, 16, 10)
before = peak()
block_product(block)
print(peak() - before)
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak there")
def test_a_task_takes_the_memory_that_its_plan_says() -> None:
    done = subprocess.run(  # noqa: S603 -- the text above
        [sys.executable, "-c", MEASURE],
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    sizes = (25, 25, 20) * 2
    joint = prod(sizes[:3])
    planned = (3 * 2 * joint + 4 * joint) * (2048 // 8 + 75)
    assert 0.7 * planned < int(done.stdout) < 1.2 * planned + (4 << 20)
