"""What of the data an answer rests on: the rows that take part, their cells, and what is withheld of them.

Everything is decided here from the provider's own rows, before a weight is looked at. It is the same for
answers with noise and exact ones, but these withhold more: cells that give others away, and dominated sums.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from compute.disclosure.atoms import ABSENT, Atoms, Pattern, admit, cohort_pattern, refine
from compute.disclosure.dominance import Contributions
from compute.disclosure.errors import DisclosureError
from compute.disclosure.policy import Policy
from compute.disclosure.refresh import NO_VALUE, Codes, KeptColumn, answered_from, changes, nearest, unknown
from compute.disclosure.suppression import Reason, Suppression, primary, suppress_line, told
from compute.disclosure.table_suppression import suppress_table
from compute.protocols.holding import Holding, Snapshot
from compute.protocols.joint_statistics.coding import (
    MATCHED,
    Rows,
    coded,
    column_of,
    is_values,
    kept_names,
    table_codes,
    values_name,
)
from compute.protocols.joint_statistics.plan import Measure, TablePlan
from compute.protocols.joint_statistics.regrid import grid_of, in_grids
from compute.protocols.joint_statistics.stores import Ledger

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PreparedTable:
    """One table: each taking part row's cell or value, and the cells that are withheld."""

    plan: TablePlan
    codes: NDArray[np.int64] = field(repr=False)
    """Of each row that takes part: its cell; of moments its value, :data:`NO_VALUE` where it is missing."""
    withheld: Suppression

    @property
    def told(self) -> list[int]:
        """The cells that are told, in order."""
        withheld = set(self.withheld.cells)
        return [cell for cell in range(self.plan.cells) if cell not in withheld]


@dataclass(frozen=True)
class Prepared:
    """Everything that an answer is computed from, beside the weights."""

    places: Rows = field(repr=False)
    """Of the rows that take part, in the cohort."""
    tables: tuple[PreparedTable, ...]
    columns: Mapping[str, KeptColumn] = field(repr=False)
    """What is kept of each column once the answer is stored."""
    repeated: tuple[str, ...]
    """The columns whose values are those of an earlier answer."""


@dataclass(frozen=True)
class _Universe:
    """All rows ever numbered, and which of them the cohort has."""

    taking_part: Rows
    member: Mask


def prepare(
    holding: Holding,
    snapshot: Snapshot,
    tables: Sequence[TablePlan],
    subjects: Sequence[str | None],
    ledger: Ledger,
    bank: str,
    policy: Policy,
    *,
    exact: bool,
) -> Prepared:
    """Give what the answer rests on; raise :class:`DisclosureError` if it must not be given."""
    places = np.array([place for place, subject in enumerate(subjects) if subject is not None], dtype=np.int64)
    if len(places) < policy.min_cohort:
        raise DisclosureError(
            f"the cohort holds fewer than {policy.min_cohort} enterprises here", "take a larger one"
        )
    asked = [subject for subject in subjects if subject is not None]
    numbered = ledger.rows([*snapshot.subjects, *asked])  # at once: each time the whole register is unsealed
    held, rows = numbered[: len(snapshot.subjects)], numbered[len(snapshot.subjects) :]
    size = ledger.size()
    universe = _Universe(rows, _mask(size, rows))
    names = kept_names(holding.grids, tables)
    present = coded(holding, snapshot, held, size, names)
    if exact:
        names, present = (
            [*names, MATCHED],
            present | {MATCHED: np.where(_mask(size, held), 0, ABSENT).astype(np.uint8)},
        )
    last = {name: ledger.kept(bank, name) for name in names}
    kept = {
        name: unknown(present[name], grid_of(holding, name)) if each is None else each.padded(size)
        for name, each in last.items()
    }
    before = in_grids(holding, kept, present)
    chosen = _chosen(before, present, policy.min_cohort)
    try:
        tables_told, columns = _told(holding, tables, chosen, before, universe, policy, exact=exact)
    except DisclosureError:
        earlier = _of_versions(before, present, nearest)
        if all(codes is chosen[name] for name, codes in earlier.items()):
            raise
        chosen = earlier  # what changed cannot be told beside what was told before: that, then, once more
        tables_told, columns = _told(holding, tables, chosen, before, universe, policy, exact=exact)
    repeated = {column_of(name) for name in names if last[name] and chosen[name] is not present[name]} - {MATCHED}
    return Prepared(places, tables_told, columns, tuple(sorted(repeated)))


def _chosen(before: Mapping[str, KeptColumn], present: Mapping[str, Codes], least: int) -> dict[str, Codes]:
    """Give the codes to answer from: a column's cells and values are of one snapshot."""
    return _of_versions(before, present, lambda kept, now: answered_from(kept, now, least))


def _of_versions(
    before: Mapping[str, KeptColumn],
    present: Mapping[str, Codes],
    choose: Callable[[Sequence[KeptColumn], Sequence[Codes]], int | None],
) -> dict[str, Codes]:
    """Give the codes that are chosen for each column together, those that it was told from or the present ones."""
    chosen = dict(present)
    for column in {column_of(name) for name in before}:
        names = [name for name in before if column_of(name) == column]
        version = choose([before[name] for name in names], [present[name] for name in names])
        if version is not None:
            chosen |= {name: before[name].told[version] for name in names}
    return chosen


def _told(
    holding: Holding,
    tables: Sequence[TablePlan],
    codes: Mapping[str, Codes],
    before: Mapping[str, KeptColumn],
    universe: _Universe,
    policy: Policy,
    *,
    exact: bool,
) -> tuple[tuple[PreparedTable, ...], dict[str, KeptColumn]]:
    """Give the tables over the chosen codes, and what is kept of each column if the atoms admit them."""
    told_of: dict[str, list[Pattern]] = {column_of(name): [] for name in codes}
    for name, each in codes.items():
        told_of[column_of(name)] += changes(before[name], each)
    summed = {}
    for name, each in codes.items():
        if is_values(name):  # who was in no sum still is in none
            atoms = before[name].atoms
            summed[name] = refine(atoms, *(change * (atoms > 0) for change in changes(before[name], each)))
    prepared = []
    for table in tables:
        ready, pattern = _prepare(holding, table, codes, universe, policy, exact=exact)
        if exact and table.measure in {Measure.SUM, Measure.SQUARES} and not ready.withheld.cells:
            name = values_name(table.columns[0])
            together = refine(summed[name], _summed(codes[name], universe))
            if _is_dominated(table, codes[name], together, policy):
                ready = replace(ready, withheld=Suppression((0,), (Reason.DOMINANCE,)))
            else:
                summed[name] = together
        prepared.append(ready)
        for column in table.columns:
            told_of[column].append(pattern)
    if exact:
        told_of[MATCHED].append(
            cohort_pattern(np.zeros_like(codes[MATCHED]), 1, universe.member, _present([MATCHED], codes))
        )
    columns = {}
    for name, kept in before.items():
        atoms = summed[name] if is_values(name) else admit(kept.atoms, told_of[name], policy.min_cohort)
        columns[name] = kept.told_from(codes[name], atoms)
    return tuple(prepared), columns


def _present(columns: Collection[str], codes: Mapping[str, Codes]) -> Mask:
    """Which rows the table had in the snapshot that these columns are answered from."""
    present: Mask = np.all([codes[column] != ABSENT for column in columns], axis=0)
    return present


def _summed(values: Codes, universe: _Universe) -> Pattern:
    """The pattern of the rows that a sum of values runs over, which is told of no others."""
    taking_part: Pattern = (universe.member & (values != NO_VALUE)).astype(np.uint8)
    return taking_part


def _prepare(
    holding: Holding,
    table: TablePlan,
    codes: Mapping[str, Codes],
    universe: _Universe,
    policy: Policy,
    *,
    exact: bool,
) -> tuple[PreparedTable, Pattern]:
    present = _present(table.columns, codes)
    if table.measure is Measure.COMPANIES:
        cells = table_codes(table, codes, holding.grids)
        withheld = _withheld(table, cells, universe, present, policy, exact=exact)
        pattern = cohort_pattern(cells, table.cells, universe.member, present, withheld.cells)
        return PreparedTable(table, cells[universe.taking_part], withheld), pattern
    values = codes[values_name(table.columns[0])].astype(np.int64)
    missing = (values == NO_VALUE).astype(np.int64)
    withheld = _withheld_moments(values[universe.taking_part], policy)
    merged: Collection[int] = (0, 1) if withheld.cells else ()
    pattern = cohort_pattern(missing, 2, universe.member, present, merged)
    return PreparedTable(table, values[universe.taking_part], withheld), pattern


def _withheld(
    table: TablePlan,
    cells: NDArray[np.int64],
    universe: _Universe,
    present: Mask,
    policy: Policy,
    *,
    exact: bool,
) -> Suppression:
    shape, least = tuple(bins.size for bins in table.bins), policy.min_cohort
    counts = np.bincount(cells[universe.taking_part], minlength=table.cells)
    outside = np.bincount(cells[present & ~universe.member], minlength=table.cells)
    if not exact:
        # Noise hides what the others would give away, so small cells alone are withheld, where together they are
        # not few: then nothing that was told runs over few.
        small = np.flatnonzero(primary(counts, least, outside)).tolist()
        few = range(1, least)
        if counts[small].sum() not in few and outside[small].sum() not in few:
            return told(small, small, ())
    counts, outside = counts.reshape(shape), outside.reshape(shape)
    if len(shape) == 1:
        return suppress_line(counts, least, outside, [cell for (cell,) in _always_empty(counts + outside)])
    structural = [(row, column) for row, column in _always_empty(counts + outside)]
    return suppress_table(counts, least, outside, structural)


def _always_empty(companies: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """The cells of missing values of a column that nobody in the whole table lacks, which is nobody's secret."""
    found: set[tuple[int, ...]] = set()
    for axis, size in enumerate(companies.shape):
        if not companies.take(size - 1, axis).any():
            found |= {cell for cell in np.ndindex(companies.shape) if cell[axis] == size - 1}
    return sorted(found)


def _withheld_moments(values: NDArray[np.int64], policy: Policy) -> Suppression:
    few = np.count_nonzero(values != NO_VALUE) < policy.min_cohort
    return told((0,), (0,), ()) if few else told((), (), ())


def _is_dominated(table: TablePlan, values: Codes, summed: Atoms, policy: Policy) -> bool:
    """Whether few make most of a sum, or of what is left of it once others that were ever told are subtracted.

    If that is so of no atom, it is so of no union of them: the largest of a union are no more than those of its
    parts together.
    """
    taking_part = (summed > 0) & (values != NO_VALUE)
    contributions = Contributions(
        values[taking_part].astype(np.int64),
        summed[taking_part],
        int(summed.max()) + 1,
        policy.dominant_enterprises,
        policy.dominant_share,
        2 if table.measure is Measure.SQUARES else 1,
    )
    return bool(contributions.dominated_cells().any())


def _mask(size: int, rows: Rows) -> Mask:
    mask = np.zeros(size, dtype=np.bool_)
    mask[rows] = True
    return mask
