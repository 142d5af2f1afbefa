"""From what an analyst asks to what each provider is asked: columns in bins, and the digests of cohorts."""

from collections.abc import Mapping, Sequence

from catalog.description import parse_product
from catalog.errors import CatalogError
from catalog.product import Product
from compute.binning import Bins
from compute.canonical import Message, Name
from compute.market.products import CatalogEntry
from compute.node.bank.label_sets import LabelSet, SetVector
from compute.node.console.statistics_messages import Classes, Column, Rows, StatisticsPart, StatisticsRequest
from compute.node.console.valid import valid
from compute.node.grids import published_grids
from compute.protocols.joint_statistics.messages import CrossBins, StatisticsQuestion
from compute.protocols.label_vector.alphabet import Alphabet
from compute.settings import SettingsError
from compute.web.errors import ProblemError

ALL = "all"
"""The one class where labels are not the weights."""


class StatisticsOrder(Message, frozen=True):
    """What a job of statistics is to do: a request whose columns, bins and cohorts are settled."""

    hidden = frozenset({"classes"})

    reference: Name
    contract: Name
    labels: Name
    classes: Classes
    alphabets: dict[Name, Alphabet]
    """Of each provider's label vector; none where they are not the weights."""
    questions: tuple[StatisticsQuestion, ...]
    rows: dict[Name, Rows]
    """Of each provider's cohort."""
    decimals: dict[Name, dict[Name, int]]
    """Of each provider's columns whose moments are asked for."""

    @property
    def size(self) -> int:
        """Units of work: the rows that providers sum, once for each table."""
        return sum(self.rows[each.provider] * _tables(each) for each in self.questions)


def order_of(
    bank: str, asked: StatisticsRequest, offers: Sequence[CatalogEntry], labels: LabelSet | None
) -> StatisticsOrder:
    """Give the order that a request comes to; `offers` are the products that the contract grants of its providers.

    Raises :class:`ProblemError` for labels that are not registered where they are needed, and for columns without
    a published grid.
    """
    if labels is None:
        detail = f"No labels {asked.labels} are registered under {asked.contract}."
        raise ProblemError(404, "unknown-labels", detail, "Register them first; GET /labels lists those that are.")
    by_provider = {offer.provider: offer for offer in offers}
    held = {part.provider: _registered(labels, part.provider) for part in asked.parts}
    questions, decimals = [], {}
    for part in asked.parts:
        offer = by_provider[part.provider]
        product = _described(offer)
        scales = {field.name: field.scale for field in product.fields}
        decimals[part.provider] = {column: scales.get(column, 0) for column in part.moments}
        vector = held[part.provider]
        cohort = vector.vector if asked.weighted else _alignment(vector, asked.labels)
        with valid():
            questions.append(_question(bank, asked, part, offer, cohort, _grids(product)))
    statements = {provider: vector.statement.statement for provider, vector in held.items()}
    return StatisticsOrder(
        reference=asked.reference,
        contract=asked.contract,
        labels=asked.labels,
        classes=labels.classes if asked.weighted else (ALL,),
        alphabets={name: each.alphabet for name, each in statements.items()} if asked.weighted else {},
        questions=tuple(questions),
        rows={name: each.cohort.rows for name, each in statements.items()},
        decimals=decimals,
    )


def _question(
    bank: str,
    asked: StatisticsRequest,
    part: StatisticsPart,
    offer: CatalogEntry,
    cohort: bytes,
    grids: Mapping[str, Bins],
) -> StatisticsQuestion:
    def bins(column: Column) -> Bins:
        if not isinstance(column, str):
            return column
        if column not in grids:
            raise ValueError(f"{offer.product} has no field {column} with a published grid; it has {_some(grids)}")
        return grids[column]

    return StatisticsQuestion(
        bank=bank,
        provider=part.provider,
        product=offer.product,
        product_version=offer.version,
        cohort=cohort,
        weighted=asked.weighted,
        milliepsilon=asked.milliepsilon,
        as_of=asked.as_of,
        histograms=tuple(map(bins, part.histograms)),
        crosses=tuple(CrossBins(first=bins(each.first), second=bins(each.second)) for each in part.crosses),
        moments=part.moments,
    )


def _registered(labels: LabelSet, provider: str) -> SetVector:
    vector = labels.at_provider(provider)
    if vector is None or not vector.is_complete:
        detail = f"The labels {labels.name} are not registered, or not wholly, at {provider}."
        raise ProblemError(409, "labels-not-registered", detail, "Register them there, then ask.")
    return vector


def _alignment(vector: SetVector, labels: str) -> bytes:
    if vector.alignment is None:
        detail = f"The cohort of {labels} is hidden, so only answers under its labels, with noise, can be had."
        raise ProblemError(409, "hidden-cohort", detail, "Ask for weighted statistics.")
    return vector.alignment


def _described(offer: CatalogEntry) -> Product:
    try:
        return parse_product(offer.description.encode())
    except CatalogError as error:
        detail = f"The description of {offer.product} {offer.version} cannot be read: {error}."
        raise ProblemError(502, "bad-description", detail, f"Tell {offer.provider}, whose it is.") from error


def _grids(product: Product) -> dict[str, Bins]:
    try:
        return published_grids(product)
    except SettingsError as error:
        raise ProblemError(
            502, "bad-description", f"{error}.", f"Tell {product.provider}, whose it is."
        ) from error


def _some(grids: Mapping[str, Bins]) -> str:
    return ", ".join(sorted(grids)) or "none"


def _tables(question: StatisticsQuestion) -> int:
    return len(question.histograms) + len(question.crosses) + 3 * len(question.moments)
