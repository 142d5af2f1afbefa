"""From finished statistics to a scorecard that can be registered: the draft, its dossier, its file."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compute.node.console.statistics_messages import StatisticsResult
from compute.node.console.told_tables import tables_of
from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.draft_file import render
from compute.protocols.risk_score.foreseen import Foreseen, fitted, foresee
from compute.statistics.build import Built, Pairing, Recipe, build
from compute.statistics.out_of_time import OutOfTime, Period, out_of_time
from compute.statistics.released import ClassTable, CrossTable
from veilmart.bank.own_sample import OwnSample
from veilmart.bank.recipe_file import DossierFile, RecipeError

NOISY = " (rows and bad ones as departments released them, noise included 户数含噪声)"
PRESENT_ONLY = "current values, not for model development; ask as of a day that it has kept"


@dataclass(frozen=True)
class Card:
    """A card as built, and what is known of it."""

    file: bytes
    """As models are registered in."""
    built: Built
    foreseen: Foreseen
    providers: Mapping[str, str]
    """Product → provider."""
    later: Mapping[str, OutOfTime]
    """Chosen feature → its figures out of time, where that was asked for."""


@dataclass(frozen=True)
class Wish:
    """What a card is to be."""

    name: str
    version: str
    recipe: Recipe
    limits: Limits | None = None
    """Of the reviewer, to fit the scale to; None keeps the recipe's."""
    later: Period | None = None
    """Classes to try the features on."""
    dossier: DossierFile | None = None


def card_of(result: StatisticsResult, own: OwnSample, wish: Wish) -> Card:
    """Give the card.

    Raises :class:`RecipeError` for statistics that no card can be built from, and
    :class:`~compute.statistics.released.StatisticsError` and
    :class:`~compute.protocols.risk_score.scorecard.ScorecardError` for a card that cannot be.
    """
    _require_usable(result)
    providers = {told.product: told.provider for told in result.providers}
    product_of = {provider: product for product, provider in providers.items()}
    sources: dict[str, list[ClassTable]] = defaultdict(list)
    pairs = list(own.pairs)
    for table in tables_of(result):
        if isinstance(table, ClassTable):
            sources[product_of[table.provider]].append(table)
        elif isinstance(table, CrossTable):
            product = product_of[table.provider]
            pairs.append(Pairing((product, product), table))
    built = build(wish.name, wish.version, sources, own.tables, wish.recipe, pairs)
    if wish.limits is None:
        foreseen = foresee(built)
    else:
        built, foreseen = fitted(built, wish.recipe.scale, wish.limits)
    dossier = None if wish.dossier is None else _dossier(wish.dossier, built, own, wish.recipe)
    tables = {each.column: each for each in own.tables}
    tables |= {f"{product}.{each.column}": each for product, found in sources.items() for each in found}
    return Card(render(built.draft, dossier), built, foreseen, providers, _later(built, tables, wish))


def _require_usable(result: StatisticsResult) -> None:
    if not result.weighted:
        raise RecipeError("these statistics are not under labels; ask for weighted ones")
    for told in result.providers:
        if told.is_present_only:
            raise RecipeError(f"{told.provider} told {PRESENT_ONLY}")


def _later(built: Built, tables: Mapping[str, ClassTable], wish: Wish) -> dict[str, OutOfTime]:
    if wish.later is None:
        return {}
    developed = Period(wish.recipe.good, wish.recipe.bad)
    return {
        each.name: out_of_time(
            tables[each.name],
            developed,
            wish.later,
            [float(points) for points in each.points],
            each.bins,
            wish.recipe.level,
            wish.recipe.seed,
        )
        for each in built.draft.features
    }


def _dossier(given: DossierFile, built: Built, own: OwnSample, recipe: Recipe) -> dict[str, object]:
    """Give the dossier of a card that has scored nobody: no figure of its total is known."""
    good, bad = _sample(built, own, recipe)
    population = given.population if own.rows else given.population + NOISY
    return {
        "author": given.author,
        "purpose": given.purpose,
        "population": population,
        "bad_definition": given.bad_definition,
        "development": {
            "first_day": given.first_day,
            "last_day": given.last_day,
            "rows": good + bad,
            "bad": bad,
            "auc": None,
            "ks": None,
        },
        "stability_index": None,
    }


def _sample(built: Built, own: OwnSample, recipe: Recipe) -> Sequence[int]:
    """Give the good and the bad rows: as labelled, or as a feature's table counts them."""
    if own.rows is not None:
        rows = own.rows
        return [sum(rows[each] for each in classes) for classes in (recipe.good, recipe.bad)]
    found = built.features[built.selection.chosen[0]].outcomes
    return [int(side.sum()) for side in found.counts]
