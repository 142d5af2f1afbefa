"""``lookup_sum``: for each row, the encrypted sum of the table entries that its codes choose, packed in slots.

Row i stands in slot s = i mod ``slots`` of output ⌊i / slots⌋, which is  Π_s (Π_j T_j[codes_j])^(2^(width·s))  mod
n² over its rows. ``lookup_plan.py`` has the two ways to compute that; features are joined (``joint.py``) and
tables split (``split.py``). The unit of work is a block, slots × outputs, that carries its base tables and codes
as bytes.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise

import numpy as np
from gmpy2 import mpz

from compute.paillier.ciphertexts import from_bytes, read, to_bytes
from compute.paillier.errors import LayoutError
from compute.paillier.joint import Codes, columns_of, joint_codes, joint_sizes, joint_table
from compute.paillier.lookup_plan import Form, Frame, Plan, plan
from compute.paillier.packing import SlotLayout
from compute.paillier.partials import Partials, run_or_resume
from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE, Runner
from compute.paillier.split import Products, Split, Table


def lookup_sum(
    key: PublicKey,
    tables: Sequence[Sequence[int]],
    codes: Sequence[Sequence[int]],
    layout: SlotLayout,
    runner: Runner = HERE,
    partials: Partials | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[mpz]:
    """Give the ciphertexts of Σ_s (Σ_j T_j[codes[j][i]])·2^(width·s), row i in slot i mod ``slots``.

    ``tables[j]`` holds feature j's ciphertexts, one per bin; ``codes[j]`` that feature's column of codes, one per
    row. The entries must be non-negative and bounded so that no row's sum exceeds its slot (DESIGN.md §3). The
    result is deterministic, the same residues whatever plan and executor: blind it before it leaves. The time
    depends on how long the numbers are: ``conceal`` tables that a stranger made.

    ``partials`` keeps the products of blocks, for a run that is broken off; ``progress`` hears of rows done and
    rows in all. Raises :class:`CiphertextError`, :class:`CodeError` and :class:`LayoutError`.
    """
    key.check_ciphertexts([c for table in tables for c in table])
    if layout.used_bits >= key.bits:
        raise LayoutError(
            f"{layout.used_bits} bits of slots in a modulus of {key.bits}; take a layout of this key"
        )
    rows = len(codes[0]) if codes else 0
    sizes = tuple(len(table) for table in tables)
    columns = columns_of(codes, sizes, rows)
    if not rows:
        return []
    chosen = plan(sizes, rows, layout, key.bits, runner)
    base = to_bytes(key, (c for table in tables for c in table))
    frames = chosen.frames(rows, layout, runner)
    work = _Work(key, base, sizes, joint_codes(columns, sizes, chosen.groups), layout, chosen, frames)
    sums, done = [mpz(1)] * layout.outputs(rows), 0
    products = run_or_resume(runner, block_product, work.names, len(frames), work.blocks, chosen.seconds, partials)
    for index, data in products:
        frame = frames[index]
        at, product = slice(frame.outputs.start, frame.outputs.stop), from_bytes(key, data, len(frame.outputs))
        sums[at] = [a * b % key.n_squared for a, b in zip(sums[at], product, strict=True)]
        done += sum(len(frame.rows_of(slot, rows, layout)) for slot in frame.slots)
        if progress is not None:
            progress(done, rows)
    return sums


@dataclass(frozen=True)
class Block:
    """One task, with all that it takes."""

    n: bytes
    sizes: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    tables: tuple[bytes, ...]
    """All features' ciphertexts for the first slots; every later slot is reached by squaring the outputs."""
    codes: tuple[tuple[bytes, ...], ...]
    """For each slot each group's joint codes, 16 bits each; the code past the last bin stands for no row."""
    width: int
    outputs: int


def block_product(block: Block) -> bytes:
    """Give the block's factor of each of its outputs, as ciphertexts one after another."""
    key = PublicKey.from_bytes(block.n)
    products = Products(key.n, block.outputs)
    groups: list[Table] = []
    for position, slot in enumerate(block.codes):
        if position < len(block.tables):
            groups.clear()  # one slot's tables at a time: they are what takes memory
            groups += _joint_tables(key, block, block.tables[position])
        else:
            products.square(block.width)
        _multiply(products, groups, slot)
    return to_bytes(key, products.residues())


def _multiply(products: Products, groups: Sequence[Table], slot: Sequence[bytes]) -> None:
    for group, codes in zip(groups, slot, strict=True):
        products.multiply(group, np.frombuffer(codes, dtype=np.uint16))


def _joint_tables(key: PublicKey, block: Block, table: bytes) -> list[Table]:
    """Give each group's entries, and behind the last the entry 1, for no row."""
    entries, one = Split.of(read(key, table), key.n), Split.of([1], key.n)
    features = [entries.part(start, stop) for start, stop in pairwise(accumulate(block.sizes, initial=0))]
    return [Table(joint_table([features[feature] for feature in group]).then(one)) for group in block.groups]


@dataclass(frozen=True)
class _Work:
    """One sum, cut into blocks."""

    key: PublicKey
    base: bytes
    sizes: tuple[int, ...]
    columns: Sequence[Codes]
    layout: SlotLayout
    plan: Plan
    frames: Sequence[Frame]

    def names(self) -> list[str]:
        """Give each block a name that no other block of any sum has."""
        shape = f"lookup {self.sizes} {self.layout} {self.plan.form} {self.plan.groups} {self.frames}"
        state = hashlib.sha256(shape.encode())
        for part in (self.key.to_bytes(), self.base, *(column.tobytes() for column in self.columns)):
            state.update(part)
        return [f"{state.hexdigest()}-{index}" for index in range(len(self.frames))]

    def blocks(self, indices: Sequence[int]) -> Iterator[Block]:
        """Make the blocks of these frames, in order, each when it is asked for."""
        frames = [self.frames[index] for index in indices]
        if self.plan.form is Form.HORNER:
            for frame in frames:
                yield self._block(frame, (self.base,), frame.slots[::-1])
            return
        slot, tables = 0, self._slot_tables()
        for frame in frames:
            if frame.slots.start < slot:  # these are the next outputs, and all their slots
                slot, tables = 0, self._slot_tables()
            bases = tuple(islice(tables, frame.slots.start - slot, frame.slots.stop - slot))
            slot = frame.slots.stop
            yield self._block(frame, bases, frame.slots)

    def _block(self, frame: Frame, bases: tuple[bytes, ...], slots: range) -> Block:
        codes = tuple(self._codes(frame, slot) for slot in slots)
        n, width = self.key.to_bytes(), self.layout.width
        return Block(n, self.sizes, self.plan.groups, bases, codes, width, len(frame.outputs))

    def _slot_tables(self) -> Iterator[bytes]:
        """Give the base tables raised to 2^(width·s), for s = 0, 1 and so on."""
        n_squared, table = self.key.n_squared, from_bytes(self.key, self.base, sum(self.sizes))
        while True:
            yield to_bytes(self.key, table)
            for _ in range(self.layout.width):
                table = [c * c % n_squared for c in table]

    def _codes(self, frame: Frame, slot: int) -> tuple[bytes, ...]:
        rows = frame.rows_of(slot, len(self.columns[0]), self.layout)
        missing = len(frame.outputs) - len(rows)
        nowhere = joint_sizes(self.sizes, self.plan.groups)
        return tuple(
            column[rows.start : rows.stop : rows.step].tobytes() + missing * np.uint16(no_row).tobytes()
            for column, no_row in zip(self.columns, nowhere, strict=True)
        )
