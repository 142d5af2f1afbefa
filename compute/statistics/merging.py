"""Bins for a scorecard: unions of a grid's cells, merged on released counts.

Numbers: neighbours are merged until each holds enough rows, then until the bad rate goes one way only (pooling
adjacent violators, Ayer et al. 1955, both ways tried, the one with more information value kept), then, while
there are too many, the two whose union loses least information value. Categories: those with too few rows, and
withheld ones, go to the last bin, "other or missing"; the others are ranked by WOE and then merged as
neighbours. A number's missing bin stays alone.

A cell withheld has no counts: a number's is merged with a neighbour, whose rate stands for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import numpy as np

from compute.binning import CategoryBins, NumberBins
from compute.statistics.outcomes import Outcomes, merge
from compute.statistics.woe import information_values

Direction = Literal["rising", "falling", "any"]
"""How the bad rate goes with the number: ``any`` is whichever of the two keeps more."""
Groups = list[list[int]]


@dataclass(frozen=True)
class Merging:
    """How far to merge."""

    least_share: Fraction = Fraction(1, 20)
    """Of the rows that a bin must hold: 5% is the field's rule (Siddiqi 2006)."""
    most_bins: int = 6
    """Beside the one for missing."""
    direction: Direction = "any"
    monotonic: bool = True


def merged(outcomes: Outcomes, rule: Merging = Merging()) -> Outcomes:
    """Give the counts over the merged bins, which are unions of the bins given."""
    if isinstance(outcomes.bins, NumberBins):
        groups = _number_groups(outcomes, rule)
        last = [outcomes.bins.size - 1]
        edges = tuple(outcomes.bins.edges[group[-1]] for group in groups[:-1])
        return merge(outcomes, NumberBins(outcomes.bins.column, edges), [*groups, last])
    return _merge_categories(outcomes, outcomes.bins, rule)


def _number_groups(outcomes: Outcomes, rule: Merging) -> Groups:
    counts = _Counts(outcomes)
    groups = counts.fill([[cell] for cell in range(outcomes.bins.size - 1)], counts.least(rule))
    if rule.monotonic:
        ways = ("rising", "falling") if rule.direction == "any" else (rule.direction,)
        groups = max((counts.pool(groups, way) for way in ways), key=counts.information)
    return counts.reduce(groups, rule.most_bins)


def _merge_categories(outcomes: Outcomes, bins: CategoryBins, rule: Merging) -> Outcomes:
    counts = _Counts(outcomes)
    cells, least = range(bins.size - 1), counts.least(rule)
    # A category alone may be smaller than a bin: a tenth of a bin's rows tell where it belongs.
    kept = [cell for cell in cells if outcomes.released[cell] and counts.rows([cell]) * 10 >= max(least, 10)]
    ranked = sorted(kept, key=lambda cell: (counts.bad_rate([cell]), cell))
    groups = counts.reduce(counts.fill([[cell] for cell in ranked], least), rule.most_bins)
    rest = [cell for cell in range(bins.size) if cell not in set(kept)]

    def values(group: Sequence[int]) -> tuple[str, ...]:
        return tuple(sorted(value for cell in group for value in bins.groups[cell]))

    groups.sort(key=lambda group: values(group)[0])
    new = CategoryBins(bins.column, tuple(values(group) for group in groups), bins.prefix)
    return merge(outcomes, new, [*groups, rest])


class _Counts:
    """Counts of groups of cells, negative ones read as none once they are summed."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._good = np.where(outcomes.released, outcomes.good, 0)
        self._bad = np.where(outcomes.released, outcomes.bad, 0)

    def _of(self, group: Sequence[int]) -> tuple[int, int]:
        return max(int(self._good[list(group)].sum()), 0), max(int(self._bad[list(group)].sum()), 0)

    def rows(self, group: Sequence[int]) -> int:
        return sum(self._of(group))

    def bad_rate(self, group: Sequence[int]) -> Fraction:
        good, bad = self._of(group)
        return Fraction(bad, good + bad) if good + bad else Fraction(0)

    def least(self, rule: Merging) -> int:
        return max(1, -int(-(rule.least_share * int(self._good.sum() + self._bad.sum())) // 1))

    def information(self, groups: Groups) -> float:
        good, bad = np.array([self._of(group) for group in groups], dtype=np.int64).reshape(-1, 2).T
        return float(information_values(good, bad))

    def fill(self, groups: Groups, least: int) -> Groups:
        """Merge the smallest group with the neighbour of the nearer bad rate until all hold ``least`` rows."""
        while len(groups) > 1:
            place = min(range(len(groups)), key=lambda each: self.rows(groups[each]))
            if self.rows(groups[place]) >= least:
                break
            rate = self.bad_rate(groups[place])
            beside = [each for each in (place - 1, place + 1) if 0 <= each < len(groups)]
            nearest = min(beside, key=lambda each: abs(self.bad_rate(groups[each]) - rate))
            groups = _join(groups, min(place, nearest))
        return groups

    def pool(self, groups: Groups, way: str) -> Groups:
        """Merge neighbours until the bad rate rises strictly (or falls)."""
        sign = 1 if way == "rising" else -1
        done: Groups = []
        for group in groups:
            done.append(group)
            while len(done) > 1 and sign * self.bad_rate(done[-1]) <= sign * self.bad_rate(done[-2]):
                done = _join(done, len(done) - 2)
        return done

    def reduce(self, groups: Groups, most: int) -> Groups:
        """Merge the neighbours that lose least information value until at most ``most`` groups are left."""
        while len(groups) > max(most, 1):
            kept = [self.information(_join(groups, place)) for place, _ in enumerate(pairwise(groups))]
            groups = _join(groups, int(np.argmax(kept)))
        return groups


def _join(groups: Groups, place: int) -> Groups:
    return [*groups[:place], groups[place] + groups[place + 1], *groups[place + 2 :]]
