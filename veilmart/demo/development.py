"""The bank develops its scorecard: statistics of both departments' fields over its loans, then the card.

No row and no outcome crosses: the outcomes go encrypted and proven, hidden among all companies of the register,
and what comes back are tables with noise.
"""

import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pandas as pd

from catalog.description import load_product
from compute.node.console.client import NodeClient
from compute.node.console.statistics_messages import (
    LabelRegistration,
    LabelsRegistered,
    StatisticsDone,
    StatisticsPart,
    StatisticsRequest,
    StatisticsResult,
)
from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.scorecard import Scorecard, parse_scorecard
from compute.statistics.build import Recipe
from compute.statistics.points import Scale
from compute.web.files import write_atomically
from veilmart.bank.building import Card, Wish, card_of
from veilmart.bank.files import MODE
from veilmart.bank.label_files import registration_of
from veilmart.bank.own_sample import own_sample
from veilmart.bank.recipe_file import RecipeFile, read_recipe
from veilmart.demo.data import LOANS_FILE, OUTCOMES, PROVIDERS, RECIPE_FILE, SCORECARD_FILE, existing, load_labels
from veilmart.demo.sites import BANK, Sites
from veilmart.demo.story import Outcome, Watch, adopt, begin, conclude, done, draft, grants, score, staff, today

REFERENCE = "small-business-statistics"
LABELS = "loans"
CLASSES = tuple(OUTCOMES.values())
MILLIEPSILON = 3000
"""At each department."""
CARD = ("joint-small-business", "1.0.0")
RECIPE = Recipe(scale=Scale(base_score=500, base_odds=Fraction(4)), least_information=0.01)


@dataclass(frozen=True)
class Loans:
    """What the bank develops on."""

    labels: pd.Series
    """good or bad, by USCC."""
    recipe: RecipeFile


@dataclass(frozen=True)
class Developed:
    """The card and what it took."""

    card: Card
    path: Path
    """Of its file, in the bank's folder."""
    labels: LabelsRegistered
    statistics: StatisticsDone
    build_seconds: float

    @property
    def scorecard(self) -> Scorecard:
        """Give the card as it is registered."""
        return parse_scorecard(self.card.file)


def load_loans(examples: Path) -> Loans:
    """Give the bank's loans and its recipe; raise :class:`DemoError` or `RecipeError` for faulty files."""
    return Loans(load_labels(examples), read_recipe(existing(examples / RECIPE_FILE)))


def walk_from_loans(sites: Sites, examples: Path, loans: Loans, watch: Watch) -> tuple[Developed, Outcome]:
    """Walk the whole story with a card that is built under way."""
    with staff(sites.nodes[BANK]) as analyst:
        begin(sites, analyst, watch)
        found = develop(sites, analyst, examples, loans, watch)
        contract, model = adopt(sites, analyst, found.card.file.decode(), found.scorecard, watch)
        return found, score(analyst, contract, model, watch)


def develop(sites: Sites, analyst: NodeClient, examples: Path, loans: Loans, watch: Watch) -> Developed:
    """Register the loans' outcomes, ask for statistics over them, build the card."""
    fields = {}
    for description, _ in PROVIDERS.values():
        product = load_product(existing(examples / description))
        fields[product.id] = tuple(field.name for field in product.fields if field.grid is not None)
    granted = grants(sites, fields)
    asked = draft(REFERENCE, granted, "joint_statistics", "model_development")
    contract = conclude(sites, analyst, asked, "statistics contract 统计签约", watch).contract
    registered = _register(analyst, registration(contract, loans.labels), watch)
    parts = tuple(StatisticsPart(provider=each.provider, histograms=each.fields) for each in granted)
    finished, result = _ask(analyst, contract, parts, watch)
    watch("build card 建模", 0, 1, None)
    began = time.monotonic()
    card = build_card(result, examples, loans)
    path = sites.nodes[BANK].folder / SCORECARD_FILE
    write_atomically(path, card.file, mode=MODE)
    watch("build card 建模", 1, 1, None)
    return Developed(card, path, registered, finished, time.monotonic() - began)


def registration(contract: str, labels: pd.Series) -> LabelRegistration:
    """Give the registration of the loans' outcomes, hidden in the register."""
    return registration_of(
        labels, contract=contract, name=LABELS, providers=sorted(PROVIDERS), classes=CLASSES, reference=LABELS
    )


def build_card(result: StatisticsResult, examples: Path, loans: Loans) -> Card:
    """Give the card of the departments' tables and the bank's own columns, at a scale fit for its review."""
    bins, decimals = loans.recipe.own_bins, loans.recipe.decimals
    own = own_sample(examples / LOANS_FILE, bins, decimals, loans.labels, CLASSES)
    name, version = CARD
    wish = Wish(name, version, RECIPE, limits=Limits(), dossier=loans.recipe.dossier)
    return card_of(result, own, wish)


def _register(analyst: NodeClient, asked: LabelRegistration, watch: Watch) -> LabelsRegistered:
    return done(analyst, analyst.register_labels(asked), "labels 标签登记", LabelsRegistered, watch)


def _ask(
    analyst: NodeClient, contract: str, parts: tuple[StatisticsPart, ...], watch: Watch
) -> tuple[StatisticsDone, StatisticsResult]:
    asked = StatisticsRequest(
        reference="scorecard",
        contract=contract,
        labels=LABELS,
        weighted=True,
        parts=parts,
        milliepsilon=MILLIEPSILON,
        as_of=today(),
    )
    job = analyst.ask_statistics(asked)
    return done(analyst, job, "statistics 联合统计", StatisticsDone, watch), analyst.statistics(job.job)
