"""How a ``lookup_sum`` is best computed: by measured costs, under a memory bound.

Two forms of  Π_s (Π_j T_j[codes_j])^(2^(width·s)),  s being the slot of a row:

- *Horner*, for few rows: from the last slot down, ``width`` squarings of every output, then the slot's entries.
- *Slot tables*, for many: T_j^(2^(width·s)) for every slot s, so the squarings are of tables and not of outputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from compute.paillier.joint import groupings, joint_sizes
from compute.paillier.packing import SlotLayout
from compute.paillier.runner import HERE, Runner, chunks

MAX_OUTPUTS = 1 << 14
"""Of one block, so that a task's memory does not grow with the number of rows."""
_TABLE_NUMBERS, _MAKING_NUMBERS, _NUMBER_OVERHEAD = 3, 4, 75
"""Numbers that an entry takes, and others while its group's table is made; bytes of each beside its digits."""


class Form(StrEnum):
    """Where the squarings happen."""

    HORNER = "horner"
    SLOT_TABLES = "slot tables"


@dataclass(frozen=True)
class Frame:
    """Which slots of which outputs one task computes."""

    slots: range
    outputs: range

    def rows_of(self, slot: int, rows: int, layout: SlotLayout) -> range:
        """Give which of so many rows stand in this slot of the outputs, in order."""
        stop = min(rows, self.outputs.stop * layout.slots)
        return range(self.outputs.start * layout.slots + slot, stop, layout.slots)


@dataclass(frozen=True)
class Plan:
    """The form, and the groups of features that are joined (``joint.py``)."""

    form: Form
    groups: tuple[tuple[int, ...], ...]
    seconds: float
    """Of CPU time that it is going to cost."""
    memory: int
    """Bytes of a task's joint tables."""

    def frames(self, rows: int, layout: SlotLayout, runner: Runner) -> list[Frame]:
        """Cut the work into tasks: by outputs in Horner's form, else by slots, which share no table."""
        slots, outputs = min(layout.slots, rows), layout.outputs(rows)
        fewest = ceil(outputs / MAX_OUTPUTS)
        if self.form is Form.HORNER:
            parts = max(fewest, runner.tasks(self.seconds, outputs))
            return [Frame(range(slots), cut) for cut in chunks(outputs, parts)]
        slot_cuts = chunks(slots, runner.tasks(self.seconds / fewest, slots))
        return [Frame(slot_cut, cut) for cut in chunks(outputs, fewest) for slot_cut in slot_cuts]


def plan(sizes: Sequence[int], rows: int, layout: SlotLayout, bits: int, runner: Runner = HERE) -> Plan:
    """Give the cheapest plan that keeps to the runner's memory, or the one of least memory where none does.

    ``sizes`` are the tables' numbers of entries, ``bits`` the modulus's length.
    """
    costs, slots, outputs = runner.costs(bits), min(layout.slots, rows), layout.outputs(rows)
    plans = []
    for groups in groupings(sizes):
        joint = sum(joint_sizes(sizes, groups))
        lookups = rows * len(groups) * costs.half
        horner = rows * layout.width * costs.square + joint * costs.entry
        raising = sum(sizes) * (layout.width * costs.square + 2 * costs.entry)
        tables = ceil(outputs / MAX_OUTPUTS) * slots * (raising + joint * costs.entry)
        largest = max(joint_sizes(sizes, groups), default=0)
        memory = (_TABLE_NUMBERS * joint + _MAKING_NUMBERS * largest) * (bits // 8 + _NUMBER_OVERHEAD)
        plans += [
            Plan(Form.HORNER, groups, lookups + horner, memory),
            Plan(Form.SLOT_TABLES, groups, lookups + tables, memory),
        ]
    return runner.cheapest(plans)
