"""From prepared tables to what an answer holds: sums under encryption with noise, or exact numbers."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import msgspec
import numpy as np
from gmpy2 import mpz
from numpy.typing import NDArray

from compute.canonical import encode
from compute.disclosure.noise import laplace
from compute.disclosure.refresh import NO_VALUE
from compute.disclosure.suppression import Reason
from compute.paillier.blinding import blind, conceal, top_mask
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.histogram import group_sum
from compute.paillier.public import PublicKey
from compute.paillier.runner import Runner
from compute.protocols.base import Progress
from compute.protocols.joint_statistics.checks import Terms, noise_of
from compute.protocols.joint_statistics.coding import DIGIT, digits
from compute.protocols.joint_statistics.messages import StatisticsRelease, TableNotes
from compute.protocols.joint_statistics.packed_cells import PARTIES, cell_layout, pack_cells
from compute.protocols.joint_statistics.plan import Measure
from compute.protocols.joint_statistics.prepared import Prepared, PreparedTable
from compute.protocols.joint_statistics.stores import Labels

LONGEST_COUNT, LONGEST_SUM = 7, 80
"""Digits of a number of companies, and of a sum of values or of squares, that an answer has room for."""
SUM = "sum 求和"
"""The one step of an answer, in rows."""


def exact_release(question: bytes, terms: Terms, prepared: Prepared) -> StatisticsRelease:
    """Give the exact numbers of every cell that is told: of an unweighted question about a disclosed cohort."""
    numbers = [str(number) for table in prepared.tables for number in _numbers(table)]
    notes = tuple(_notes(table, 0.0, 0) for table in prepared.tables)
    longest = [
        "9" * (LONGEST_COUNT if table.plan.measure is Measure.COMPANIES else LONGEST_SUM)
        for table in prepared.tables
        for _ in range(table.plan.cells)
    ]
    release = _release(question, terms, prepared, notes, numbers=tuple(numbers))
    return _padded(release, prepared, numbers=tuple(longest))


def weighted_release(
    question: bytes,
    terms: Terms,
    prepared: Prepared,
    labels: Labels,
    milliepsilon: int,
    own_residue: int,
    runner: Runner,
    progress: Progress,
) -> StatisticsRelease:
    """Give, for each cell that is told, the encrypted sums of the label vector's classes, each with its noise.

    ``own_residue`` hides from the bank how often one of its own numbers was used (:func:`conceal`).
    """
    key, alphabet = labels.key, labels.alphabet
    noise = noise_of(terms.tables, alphabet.classes, milliepsilon)
    ciphertexts = labels.ciphertexts()
    values = conceal(key, [ciphertexts[place] for place in prepared.places.tolist()], own_residue)
    columns = [_columns(table) for table in prepared.tables]
    sizes = [_size(table) for table, each in zip(prepared.tables, columns, strict=True) for _ in each]
    codes: Any = [column for each in columns for column in each]  # arrays of codes, as the kernel takes them
    sums = iter(group_sum(key, values, codes, sizes, runner, progress=partial(progress, SUM)))
    cells: list[mpz] = []
    for table, each, (b, t) in zip(prepared.tables, columns, noise, strict=True):
        found = [next(sums) for _ in each]
        of_table = found[0] if table.plan.measure is Measure.COMPANIES else [_number(key, found)]
        told = [of_table[cell] for cell in table.told]
        drawn = laplace(b, (len(told), alphabet.classes), t) if told else np.zeros((0, alphabet.classes), np.int64)
        cells += [
            cell * key.residue(_slots((row + t).tolist(), alphabet.width)) % key.n_squared
            for cell, row in zip(told, drawn, strict=True)
        ]
    layout = cell_layout(alphabet.width, alphabet.classes, key.bits)
    masked = top_mask(key, pack_cells(key, cells, layout), layout, PARTIES, len(cells))
    notes = tuple(_notes(table, *each) for table, each in zip(prepared.tables, noise, strict=True))
    release = _release(question, terms, prepared, notes, ciphertexts=to_bytes(key, blind(key, masked, runner)))
    everything = sum(table.plan.cells for table in prepared.tables)
    longest = layout.outputs(everything) * key.ciphertext_bytes
    return _padded(release, prepared, ciphertexts=bytes(longest))


def _columns(table: PreparedTable) -> list[NDArray[np.integer]]:
    """The columns of codes that are summed by: the table's cells, or the digits of what is summed."""
    return [table.codes] if table.plan.measure is Measure.COMPANIES else [*digits(table.plan, table.codes)]


def _size(table: PreparedTable) -> int:
    return table.plan.cells if table.plan.measure is Measure.COMPANIES else DIGIT


def _number(key: PublicKey, digit_sums: Sequence[Sequence[mpz]]) -> mpz:
    """Give E(Σ_j 256^j Σ_v v·s_jv), s_jv the sum of the rows whose digit j is v: the sum of all numbers."""
    total = mpz(1)
    for sums in reversed(digit_sums):
        for _ in range(DIGIT.bit_length() - 1):
            total = total * total % key.n_squared
        # Σ_v v·s_v is the sum, over all u ≥ 1, of what stands at u or beyond.
        beyond = mpz(1)
        for digit in reversed(sums[1:]):
            beyond = beyond * digit % key.n_squared
            total = total * beyond % key.n_squared
    return total


def _slots(numbers: Sequence[int], width: int) -> int:
    return sum(number << width * slot for slot, number in enumerate(numbers))


def _numbers(table: PreparedTable) -> list[int]:
    """The exact numbers of the cells that are told."""
    if table.plan.measure is Measure.COMPANIES:
        counts = np.bincount(table.codes, minlength=table.plan.cells).tolist()
        return [counts[cell] for cell in table.told]
    present = table.codes[table.codes != NO_VALUE].tolist()  # Python's integers: squares leave 64 bits
    power = {Measure.COUNT: 0, Measure.SUM: 1, Measure.SQUARES: 2}[table.plan.measure]
    return [sum(value**power for value in present)] if table.told else []


def _notes(table: PreparedTable, b: float, t: int) -> TableNotes:
    scale, limits = Fraction(b), table.plan.clipped
    is_clipped = limits is not None and b > 0
    return TableNotes(
        withheld=table.withheld.cells,
        reasons=tuple(reason.value for reason in table.withheld.reasons),
        scale_numerator=str(scale.numerator),
        scale_denominator=str(scale.denominator),
        bound=str(t),
        low=str(limits.low) if limits is not None and is_clipped else "0",
        high=str(limits.high) if limits is not None and is_clipped else "0",
    )


def _release(
    question: bytes,
    terms: Terms,
    prepared: Prepared,
    notes: tuple[TableNotes, ...],
    ciphertexts: bytes = b"",
    numbers: tuple[str, ...] = (),
) -> StatisticsRelease:
    return StatisticsRelease(
        question=question,
        snapshot=terms.snapshot.digest,
        snapshot_date=terms.snapshot.date,
        is_present_only=terms.is_present_only,
        repeated=prepared.repeated,
        tables=notes,
        ciphertexts=ciphertexts,
        numbers=numbers,
    )


def _padded(
    release: StatisticsRelease, prepared: Prepared, ciphertexts: bytes = b"", numbers: tuple[str, ...] = ()
) -> StatisticsRelease:
    """Make the release as long as if each of its parts were as long as the question lets it be.

    ``ciphertexts`` and ``numbers`` are as long as those of an answer of which nothing is withheld.
    """
    longest = msgspec.structs.replace(
        release,
        tables=tuple(
            msgspec.structs.replace(
                notes, withheld=tuple(range(table.plan.cells)), reasons=tuple(each.value for each in Reason)
            )
            for notes, table in zip(release.tables, prepared.tables, strict=True)
        ),
        repeated=tuple(sorted({column for table in prepared.tables for column in table.plan.columns})),
        ciphertexts=ciphertexts,
        numbers=numbers,
    )
    return msgspec.structs.replace(release, padding="0" * (len(encode(longest)) - len(encode(release))))
