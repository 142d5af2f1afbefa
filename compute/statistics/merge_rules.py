"""Rules by which a bank merges bins on released counts: into quantiles, to monotonic bad rates, rare ones away."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from compute.binning import MAX_BINS, CategoryBins, NumberBins
from compute.statistics.merging import Merging, merged
from compute.statistics.outcomes import Outcomes, merge
from compute.statistics.released import StatisticsError


@dataclass(frozen=True)
class MergeRule:
    """One rule."""

    kind: Literal["quantile", "monotonic", "rare"]
    number: Fraction = Fraction(0)
    """Of quantiles how many; of rare bins the share of the rows below which a bin is rare."""


def parse_rule(text: str) -> MergeRule:
    """Give the rule written ``quantile:5``, ``monotonic`` or ``rare:0.05``; raise :class:`StatisticsError`."""
    kind, colon, number = text.partition(":")
    try:
        value = Fraction(number) if colon else Fraction(0)
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if kind == "quantile" and value.denominator == 1 and 2 <= value < MAX_BINS:  # noqa: PLR2004 -- one is no cut
        return MergeRule("quantile", value)
    if kind == "rare" and 0 < value < 1:
        return MergeRule("rare", value)
    if text == "monotonic":
        return MergeRule("monotonic")
    raise StatisticsError(f"{text} is no rule to merge by; write quantile:5, monotonic or rare:0.05")


def apply_rule(outcomes: Outcomes, rule: MergeRule) -> Outcomes:
    """Give the counts over the merged bins.

    A number's missing bin stays alone. Text has no quantiles, so its bins stay as they are.
    """
    match rule.kind, outcomes.bins:
        case "monotonic", _:
            return merged(outcomes)
        case "quantile", NumberBins() as bins:
            return _quantiles(outcomes, bins, int(rule.number))
        case "rare", NumberBins():
            return merged(outcomes, Merging(rule.number, MAX_BINS, monotonic=False))
        case "rare", CategoryBins() as bins:
            return _rare(outcomes, bins, rule.number)
    return outcomes


def _quantiles(outcomes: Outcomes, bins: NumberBins, parts: int) -> Outcomes:
    """Each cell goes where its middle row lies among the rows with a value."""
    rows = np.where(outcomes.released, np.maximum(outcomes.good + outcomes.bad, 0), 0)[:-1].tolist()
    total, before = sum(rows), 0
    of = []
    for count in rows:
        of.append(min(parts * (2 * before + count) // max(2 * total, 1), parts - 1))
        before += count
    groups = [[cell for cell, place in enumerate(of) if place == each] for each in sorted(set(of))]
    edges = tuple(bins.edges[group[-1]] for group in groups[:-1])
    return merge(outcomes, NumberBins(bins.column, edges), [*groups, [bins.size - 1]])


def _rare(outcomes: Outcomes, bins: CategoryBins, share: Fraction) -> Outcomes:
    """Rare and withheld categories go to the last bin, other or missing."""
    rows = np.where(outcomes.released, np.maximum(outcomes.good + outcomes.bad, 0), 0).tolist()
    kept = [cell for cell in range(bins.size - 1) if outcomes.released[cell] and rows[cell] >= share * sum(rows)]
    rest = [cell for cell in range(bins.size) if cell not in set(kept)]
    new = CategoryBins(bins.column, tuple(bins.groups[cell] for cell in kept), bins.prefix)
    return merge(outcomes, new, [*([cell] for cell in kept), rest])
