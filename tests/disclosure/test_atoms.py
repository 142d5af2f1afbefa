"""Differencing, as an attacker plays it: every combination of what was told is about k enterprises or none."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from compute.disclosure.atoms import (
    ABSENT,
    Pattern,
    admit,
    bin_codes,
    cohort_pattern,
    refine,
    smallest,
    untouched,
)
from compute.disclosure.errors import DisclosureError
from compute.disclosure.refresh import NO_VALUE, KeptColumn, answered_from, changed, changes, nearest, unknown

K, ROWS = 5, 60
REFUSED = f"fewer than {K} enterprises"


def some(*rows: range | int) -> NDArray[np.bool_]:
    member = np.zeros(ROWS, dtype=bool)
    for each in rows:
        member[each] = True
    return member


def told(member: NDArray[np.bool_], codes: Pattern | None = None, size: int = 1) -> Pattern:
    """The pattern of a table over a cohort; without codes, of one cell."""
    found = np.zeros(ROWS, dtype=np.uint8) if codes is None else codes
    return cohort_pattern(found, size, member, np.ones(ROWS, dtype=bool))


def test_a_is_b_and_c_and_one_more() -> None:
    """A = B ∪ C ∪ {x}: each two of them differ by many, all three by one."""
    b, c, a = some(range(20)), some(range(20, 40)), some(range(41))
    atoms = admit(untouched(ROWS), [told(b)], K)
    atoms = admit(atoms, [told(c)], K)
    with pytest.raises(DisclosureError, match=REFUSED):
        admit(atoms, [told(a)], K)
    assert int(a.sum() - b.sum() - c.sum()) == 1
    admit(atoms, [told(some(range(40)))], K)
    admit(atoms, [told(some(range(45)))], K)


def test_two_cohorts_that_differ_in_one_row() -> None:
    atoms = admit(untouched(ROWS), [told(some(range(30)))], K)
    for other in (some(range(31)), some(range(29)), some(range(29), 30)):
        with pytest.raises(DisclosureError, match=REFUSED):
            admit(atoms, [told(other)], K)


def test_the_complement_of_a_cohort() -> None:
    """Who knows the table's totals has the rest by subtracting."""
    for few in (1, K - 1):
        with pytest.raises(DisclosureError, match=REFUSED):
            admit(untouched(ROWS), [told(some(range(ROWS - few)))], K)
    admit(untouched(ROWS), [told(some(range(ROWS - K)))], K)
    admit(untouched(ROWS), [told(some(range(ROWS)))], K)


def test_shifted_bins() -> None:
    values = np.arange(ROWS) // 2
    cohort = some(range(ROWS))
    atoms = admit(untouched(ROWS), [told(cohort, (values >= 10).astype(np.uint8), 2)], K)
    with pytest.raises(DisclosureError, match=REFUSED):
        admit(atoms, [told(cohort, (values >= 11).astype(np.uint8), 2)], K)
    atoms = admit(atoms, [told(cohort, (values >= 13).astype(np.uint8), 2)], K)
    with pytest.raises(DisclosureError, match=REFUSED):  # far from each, but between both
        admit(atoms, [told(cohort, (values >= 12).astype(np.uint8), 2)], K)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_was_admitted_no_combination_is_about_fewer_than_k(seed: int) -> None:
    """All integer combinations of small factors of up to four admitted cells, by brute force."""
    drawn = np.random.default_rng(seed)
    cells: list[NDArray[np.int64]] = []
    atoms = untouched(ROWS)
    for _ in range(200):
        start, length = (int(x) for x in drawn.integers(0, ROWS, 2))
        member = some(range(start, min(ROWS, start + length)))
        try:
            atoms = admit(atoms, [told(member)], K)
        except DisclosureError:
            continue
        cells.append(member.astype(np.int64))
    distinct = list({cell.tobytes(): cell for cell in cells if cell.any()}.values())[:4]
    assert len(distinct) >= 2
    for factors in product(range(-2, 3), repeat=len(distinct)):
        about = np.count_nonzero(sum(f * cell for f, cell in zip(factors, distinct, strict=True)))
        assert about == 0 or about >= K


def test_suppressed_cells_are_told_together_only() -> None:
    codes = np.repeat(np.arange(5, dtype=np.uint8), [20, 30, 4, 3, 3])
    cohort, everywhere = some(range(ROWS)), np.ones(ROWS, dtype=bool)
    with pytest.raises(DisclosureError, match=REFUSED):
        admit(untouched(ROWS), [cohort_pattern(codes, 5, cohort, everywhere)], K)
    atoms = admit(untouched(ROWS), [cohort_pattern(codes, 5, cohort, everywhere, merged=(2, 3, 4))], K)
    assert smallest(atoms) == 10


def test_rows_that_nothing_touches_may_be_few() -> None:
    """A company of a frame that the table lacks is in no sum; as a member it is one of those that are missing."""
    present = some(range(57))
    bins = np.where(present, 0, 1).astype(np.uint8)
    atoms = admit(untouched(ROWS), [cohort_pattern(bins, 2, some(range(30)), present)], K)
    assert set(atoms[57:]) == {0}
    assert smallest(atoms) == 27
    with pytest.raises(DisclosureError, match=REFUSED):
        admit(atoms, [cohort_pattern(bins, 2, some(range(30), 57), present)], K)
    assert smallest(untouched(ROWS)) is None
    assert smallest(untouched(0)) is None


def test_a_refresh_of_one_row_is_answered_from_what_was_kept() -> None:
    before = np.zeros(ROWS, dtype=np.uint8)
    after = before.copy()
    after[7] = 1
    kept = KeptColumn(before, admit(untouched(ROWS), [told(some(range(ROWS)))], K), 1)
    assert answered_from([kept], [after], K) == 0
    assert changes(kept, before) == []
    after[:K] = 2
    assert answered_from([kept], [after], K) is None
    (change,) = changes(kept, after)
    assert np.flatnonzero(change).tolist() == [0, 1, 2, 3, 4, 7]


def test_a_refresh_of_one_row_is_seen_across_others_told_of_in_between() -> None:
    first, between = np.zeros(ROWS, dtype=np.uint8), np.ones(ROWS, dtype=np.uint8)
    after = first.copy()
    after[7] = 2
    kept = KeptColumn(first, admit(untouched(ROWS), [told(some(range(ROWS)))], K)).told_from(
        between, untouched(ROWS)
    )
    assert kept.codes is between
    assert answered_from([kept], [after], K) == nearest([kept], [after]) == 1
    assert answered_from([kept], [first.copy()], K) == 1
    again = kept.told_from(kept.told[1], kept.atoms)
    assert again.told[0] is first
    assert again.told[1] is between
    assert len(again.padded(ROWS + 1).earlier[0]) == ROWS + 1


def test_a_refresh_of_many_rows_with_a_few_in_one_bin_is_not_admitted_but_what_was_kept_is() -> None:
    before = np.repeat(np.arange(2, dtype=np.uint8), 30)
    after = before.copy()
    after[:20] = 1  # many of the first bin, …
    after[30:32] = 0  # … two of the second
    cohort = some(range(ROWS))
    kept = KeptColumn(before, admit(untouched(ROWS), [told(cohort, before, 2)], K), 1)
    assert answered_from([kept], [after], K) is None
    with pytest.raises(DisclosureError, match=REFUSED):
        admit(kept.atoms, [told(cohort, after, 2), *changes(kept, after)], K)
    codes = kept.told[nearest([kept], [after])]
    assert np.array_equal(admit(kept.atoms, [told(cohort, codes, 2), *changes(kept, codes)], K), kept.atoms)


def test_a_value_that_changes_within_its_cell_is_a_change_of_sums() -> None:
    values = np.arange(ROWS, dtype=np.int64)
    kept = unknown(values)
    after = values.copy()
    after[3] += 1
    assert answered_from([kept], [after], K) == 0
    assert kept.padded(ROWS + 2).codes[-2:].tolist() == [NO_VALUE] * 2
    with pytest.raises(ValueError, match="of another kind"):
        changed(values, values.astype(np.uint8))


def test_a_universe_that_has_grown() -> None:
    kept = KeptColumn(np.zeros(ROWS, dtype=np.uint8), np.ones(ROWS, dtype=np.int32), 4).padded(ROWS + 3)
    assert kept.codes[ROWS:].tolist() == [ABSENT] * 3
    assert kept.atoms[ROWS:].tolist() == [0] * 3
    assert kept.version == 4
    with pytest.raises(ValueError, match="never shrinks"):
        kept.padded(ROWS)


@pytest.mark.parametrize("wide", [False, True])
def test_atoms_are_the_classes_of_equal_patterns(wide: bool) -> None:  # noqa: FBT001 -- a parameter of pytest's
    """Renumbered through a table, and, where there are many possible keys, by sorting."""
    drawn = np.random.default_rng(3)
    top = 2**21 if wide else 7
    patterns = [drawn.integers(0, 3, ROWS) * (top // 2) for _ in range(3)]
    atoms = refine(untouched(ROWS), *patterns)
    rows = list(zip(*(pattern.tolist() for pattern in patterns), strict=True))
    for one, other in product(range(ROWS), repeat=2):
        assert (atoms[one] == atoms[other]) == (rows[one] == rows[other])
    untold = [row == (0, 0, 0) for row in rows]
    assert ((atoms == 0) == untold).all()


def test_codes_of_bins_follow_from_cells() -> None:
    cells = np.array([0, 1, 2, 3, ABSENT], dtype=np.uint8)
    assert bin_codes(cells, bytes([0, 0, 1, 2])).tolist() == [0, 0, 1, 2, 2]
    with pytest.raises(ValueError, match="256 cells"):
        bin_codes(cells, bytes(256))


def test_patterns_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry per row"):
        refine(untouched(3), np.zeros(2, dtype=np.uint8))
    with pytest.raises(ValueError, match="negative"):
        refine(untouched(3), np.array([0, -1, 2]))
    with pytest.raises(ValueError, match="not below 2"):
        cohort_pattern(np.array([0, 2]), 2, np.ones(2, dtype=bool), np.ones(2, dtype=bool))
