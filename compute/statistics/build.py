"""A scorecard from released tables and the bank's own columns: merge, select, weigh, give points.

The card that comes out is a draft without a dossier: figures of the total need scores of the bank's cohort,
which follow once the card is registered (:mod:`compute.statistics.performance`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np

from compute.statistics.coefficients import discriminant_weights
from compute.statistics.contingency import correlation
from compute.statistics.draft import Draft, DraftFeature
from compute.statistics.intervals import DRAWS, LEVEL, SEED, Estimate, information_estimate
from compute.statistics.merging import Merging, merged
from compute.statistics.outcomes import Outcomes, split
from compute.statistics.points import Rounding, Scale, exact_base, exact_points, half_up, rounding
from compute.statistics.regroup import regroup
from compute.statistics.released import ClassTable, CrossTable, StatisticsError
from compute.statistics.selection import LEAST_INFORMATION, MOST_CORRELATION, Candidate, Selection, select
from compute.statistics.woe import Evidence, evidence


@dataclass(frozen=True)
class Recipe:
    """How to build; the defaults are the field's."""

    good: tuple[str, ...] = ("good",)
    bad: tuple[str, ...] = ("bad",)
    merging: Merging = field(default_factory=Merging)
    least_information: float = LEAST_INFORMATION
    most_correlation: float = MOST_CORRELATION
    most_features: int | None = None
    scale: Scale = field(default_factory=Scale)
    least_rows: int = 50
    """A bin with fewer is given WOE 0, that of the average, whatever its few rows say."""
    level: float = LEVEL
    seed: int = SEED
    draws: int = DRAWS


@dataclass(frozen=True)
class Pairing:
    """Two columns' table. A product's with the bank's own comes from classes by outcome and own bin."""

    sources: tuple[str | None, str | None]
    """The products' ids; None for the bank's own column."""
    table: CrossTable


@dataclass(frozen=True)
class BuiltFeature:
    """A candidate with what was found of it."""

    source: str | None
    outcomes: Outcomes
    """Over its merged bins."""
    evidence: Evidence
    information: Estimate
    weight: float


@dataclass(frozen=True)
class Built:
    """A draft and how it came about."""

    draft: Draft
    features: dict[str, BuiltFeature]
    """Every candidate by name, ``product.column`` or the bank's own column."""
    selection: Selection
    rounding: Rounding


def build(
    name: str,
    version: str,
    sources: Mapping[str, Sequence[ClassTable]],
    own: Sequence[ClassTable],
    recipe: Recipe = Recipe(),
    cross: Sequence[Pairing] = (),
) -> Built:
    """Give the draft of a card.

    ``sources`` are the tables by product, ``own`` those of the bank's columns, all over the same classes;
    ``cross`` tables of two columns. Covariances known for some pairs only can mislead; the bank's own among
    themselves are free and exact (docs/adr/0033). Raises :class:`StatisticsError` if no feature of a product is
    left: such a card asks nobody anything.
    """
    tables = [(product, table) for product, each in sources.items() for table in each]
    found = {
        _name(product, table.column): _feature(product, table, recipe)
        for product, table in [*tables, *((None, table) for table in own)]
    }
    if len(found) < len(tables) + len(own):
        raise StatisticsError("a column stands twice among the tables; give each once")
    joint = _joint(found, cross)
    selection = select(
        [Candidate(each, feature.information.corrected) for each, feature in found.items()],
        {frozenset(pair): _correlation(found, pair, tables_) for pair, tables_ in joint.items()},
        least_information=recipe.least_information,
        most_correlation=recipe.most_correlation,
        most_features=recipe.most_features,
    )
    if not any(found[each].source for each in selection.chosen):
        raise StatisticsError(
            "no column of a product tells enough to be chosen; lower the least information value"
        )
    found |= _weighed(found, selection.chosen, joint, recipe)
    return _draft(name, version, found, selection, recipe.scale)


def _feature(product: str | None, table: ClassTable, recipe: Recipe) -> BuiltFeature:
    outcomes = merged(split(table, recipe.good, recipe.bad), recipe.merging)
    found = evidence(outcomes)
    if product is not None:
        _hold_last(found)
    small = [
        code
        for code, (good, bad) in enumerate(zip(outcomes.good.tolist(), outcomes.bad.tolist(), strict=True))
        if good + bad < recipe.least_rows
    ]
    found.woe[small] = 0
    information = information_estimate(outcomes, recipe.level, recipe.seed, recipe.draws)
    return BuiltFeature(product, outcomes, found, information, 1.0)


def _hold_last(found: Evidence) -> None:
    """Keep the last bin's weight between those of the others.

    It may be a bin of hardly anybody, and a reviewer refuses a product's feature whose last bin stands out: the
    points of such a total would name those few (rule 5 of compute/protocols/risk_score/assessment.py).
    """
    *others, last = found.woe.tolist()
    found.woe[-1] = min(max(last, min(others)), max(others)) if others else 0.0


_Pair = tuple[str, str]


def _joint(found: Mapping[str, BuiltFeature], cross: Sequence[Pairing]) -> dict[_Pair, CrossTable]:
    """Give the tables of two features over their merged bins."""
    joint = {}
    for pairing in cross:
        one, two = (_name(*each) for each in zip(pairing.sources, _columns(pairing.table), strict=True))
        if one in found and two in found:
            joint[one, two] = regroup(pairing.table, found[one].outcomes.bins, found[two].outcomes.bins)
    return joint


def _columns(table: CrossTable) -> tuple[str, str]:
    return table.bins[0].column, table.bins[1].column


def _correlation(found: Mapping[str, BuiltFeature], pair: _Pair, table: CrossTable) -> float:
    one, two = (found[each].evidence.woe for each in pair)
    if not np.ptp(one) or not np.ptp(two):
        return 0.0  # a feature of one bin, or one all average
    return correlation(table.count(table.classes), one.tolist(), two.tolist())


def _weighed(
    found: Mapping[str, BuiltFeature],
    chosen: Sequence[str],
    joint: Mapping[_Pair, CrossTable],
    recipe: Recipe,
) -> dict[str, BuiltFeature]:
    """Give the chosen features with their weights."""
    place = {name: index for index, name in enumerate(chosen)}
    known = {
        (place[one], place[two]): (table.count(recipe.good), table.count(recipe.bad))
        for (one, two), table in joint.items()
        if one in place and two in place
    }
    features = [(found[each].outcomes, found[each].evidence.woe) for each in chosen]
    weights = discriminant_weights(features, known) if known else [1.0] * len(chosen)
    return {each: replace(found[each], weight=weights[place[each]]) for each in chosen}


def at_scale(built: Built, scale: Scale) -> Built:
    """Give the same card with its points on another scale."""
    return _draft(built.draft.name, built.draft.version, built.features, built.selection, scale)


def _draft(name: str, version: str, found: dict[str, BuiltFeature], selection: Selection, scale: Scale) -> Built:
    chosen = [found[each] for each in selection.chosen]
    # The rows of the first: every table counts the same cohort, apart from its noise.
    good, bad = (int(side.sum()) for side in chosen[0].outcomes.counts)
    exact = [exact_points(scale, each.evidence.woe.tolist(), each.weight) for each in chosen]
    base = exact_base(scale, good, bad)
    rounded = [[half_up(value) for value in values] for values in exact]
    features = tuple(
        DraftFeature(each.source, each.outcomes.bins, tuple(Decimal(int(value)) for value in values))
        for each, values in zip(chosen, rounded, strict=True)
    )
    draft = Draft(name, version, scale.points_to_double_odds, Decimal(int(half_up(base))), features)
    return Built(draft, found, selection, rounding([*exact, [base]], [*rounded, [half_up(base)]]))


def _name(product: str | None, column: str) -> str:
    return f"{product}.{column}" if product else column
