"""The scores in the clear: from all tables together, which nobody but this demo holds."""

from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

from catalog.description import load_product
from compute.binning import code_columns
from compute.node.holding import scales
from compute.paillier.encoding import FixedPoint
from compute.protocols.risk_score.scorecard import Feature, Scorecard, sum_points
from connectors.base import Column, ColumnType, Table
from connectors.files import open_csv
from veilmart.demo.data import APPLICANT_COLUMNS, APPLICANTS_FILE, PROVIDERS


def scores_in_the_clear(examples: Path, card: Scorecard) -> dict[str, Decimal]:
    """Give every applicant's score by USCC."""
    with ExitStack() as stack:
        own = [Column(name, ColumnType(type_)) for name, type_ in APPLICANT_COLUMNS.items()]
        applicants = stack.enter_context(open_csv(examples / APPLICANTS_FILE, own))
        subjects = applicants.keys()
        parts = [_points(card.local, applicants, subjects)]
        for description, source in PROVIDERS.values():
            product = load_product(examples / description)
            columns = [Column(field.name, ColumnType(field.type), field.scale) for field in product.fields]
            table = stack.enter_context(open_csv(examples / source, columns))
            parts.append(_points(card.sources.get(product.id, ()), table, subjects))
    fixed = FixedPoint(card.decimals)
    totals = (card.base_points + sum(points) for points in zip(*parts, strict=True))
    return {subject: fixed.decode(total) for subject, total in zip(subjects, totals, strict=True)}


def _points(features: tuple[Feature, ...], table: Table, subjects: list[str]) -> list[int]:
    bins = [feature.bins for feature in features]
    frame = table.select(subjects, [feature.column for feature in bins])
    return sum_points(features, code_columns(bins, frame, scales(table.columns)), len(subjects))
