"""The departments' statistics over the example's loans, as a bank's node hands them out, under seeded noise."""

import numpy as np
from loan_tables import CLASSES, bad, grids, noise, table

from catalog.description import load_product
from compute.binning import Bins, code_columns
from compute.node.console.statistics_messages import ProviderStatistics, ResultTable, StatisticsResult
from compute.node.holding import scales
from compute.protocols.risk_score.assessment import Assessment, Limits, assess
from compute.protocols.risk_score.bin_histogram import BinHistogram
from compute.protocols.risk_score.joint_counts import joint_counts
from compute.protocols.risk_score.opened import OpenedFeature, OpenedModel, OpenedTables
from compute.protocols.risk_score.scorecard import Feature, Scorecard
from connectors.base import Column, ColumnType
from connectors.files import open_csv
from veilmart.demo.data import EXAMPLES, PROVIDERS

PROVIDER_OF = {"market-registration": "market-regulation", "social-insurance": "social-security"}
EPSILON, MIN_COHORT = 3, 10


def loan_result(
    seed: int,
    labels: np.ndarray | None = None,
    classes: tuple[str, ...] = CLASSES,
    *,
    is_present_only: bool = False,
) -> StatisticsResult:
    """Every gridded column of both departments at ε = 3 for each."""
    generator = np.random.default_rng(seed)
    found = bad() if labels is None else labels
    providers = []
    for product, columns in grids().items():
        numerator = 2 * len(columns)
        tables = []
        for bins in columns.values():
            counts = table(product, bins, None, found, classes).counts
            drawn = counts + noise(generator, counts.shape, numerator / EPSILON)
            tables.append(_table(bins, counts, drawn, numerator))
        providers.append(_told(product, tuple(tables), is_present_only=is_present_only))
    return StatisticsResult(
        reference="scorecard",
        contract="contract-1",
        labels="loans",
        weighted=True,
        classes=classes,
        as_of="2026-11-01",
        job="0" * 64,
        providers=tuple(providers),
    )


def _table(bins: Bins, exact: np.ndarray, drawn: np.ndarray, numerator: int) -> ResultTable:
    """Empty cells are withheld."""
    rows = [
        tuple(map(str, each)) if held.any() else None for each, held in zip(drawn.tolist(), exact, strict=True)
    ]
    return ResultTable(
        measure="companies",
        columns=(bins.column,),
        bins=(bins,),
        numbers=tuple(rows),
        reasons=("below_min_cohort",) if None in rows else (),
        scale_numerator=str(numerator),
        scale_denominator=str(EPSILON),
        bound="500",
        low="0",
        high="0",
        decimals=0,
    )


def _told(product: str, tables: tuple[ResultTable, ...], *, is_present_only: bool = False) -> ProviderStatistics:
    return ProviderStatistics(
        provider=PROVIDER_OF[product],
        product=product,
        product_version="1.0.0",
        question="1" * 64,
        milliepsilon=1000 * EPSILON,
        snapshot="2" * 64,
        snapshot_date="2026-11-01",
        is_present_only=is_present_only,
        repeated=(),
        tables=tables,
    )


def reviewed(card: Scorecard) -> Assessment:
    """What a reviewer with the demo's limits measures of the card, on the departments' own joint histograms."""
    tables, histograms = [], []
    for product, features in sorted(card.sources.items()):
        tables.append(_opened(product, features))
        histograms.append(_histogram(product, features))
    model = OpenedModel(
        bank="bank", model=card.name, model_version=card.version, purpose="credit_approval", tables=tuple(tables)
    )
    return assess(model, Limits(), histograms)


def _opened(product: str, features: tuple[Feature, ...]) -> OpenedTables:
    opened = tuple(OpenedFeature(bins=each.bins, points=each.points) for each in features)
    return OpenedTables(provider=PROVIDER_OF[product], product=product, product_version="1.0.0", features=opened)


def _histogram(product: str, features: tuple[Feature, ...]) -> BinHistogram:
    bins = [each.bins for each in features]
    counted = joint_counts(_department_codes(product, bins), MIN_COHORT)
    return BinHistogram(
        question=bytes(32),
        snapshot="2" * 64,
        snapshot_date="2026-11-01",
        grids=tuple(grids()[product][each.column] for each in bins),
        min_cohort=MIN_COHORT,
        codes=counted.cells.tobytes(),
        counts=tuple(counted.counts.tolist()),
        suppressed_cells=counted.suppressed_cells,
        suppressed_companies=counted.suppressed_rows,
        counted_at=0,
    )


def _department_codes(product: str, bins: list[Bins]) -> list[bytes]:
    """All of a department's companies in these bins."""
    description, source = PROVIDERS[PROVIDER_OF[product]]
    columns = [Column(f.name, ColumnType(f.type), f.scale) for f in load_product(EXAMPLES / description).fields]
    with open_csv(EXAMPLES / source, columns) as held:
        frame = held.select(held.keys(), [each.column for each in bins])
        return code_columns(bins, frame, scales(held.columns))
