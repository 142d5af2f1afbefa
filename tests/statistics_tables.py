"""Small tables for joint statistics, whose every value a test chooses, over real company codes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
import pandas as pd
from statistics_world import DISCLOSURE, REGISTER

from compute.binning import Bins, CategoryBins, NumberBins
from compute.frame import Frame
from compute.protocols.holding import Holding, Snapshot

TAX = "tax"
COMPANIES = REGISTER.subjects[:300]
FRAME = Frame(COMPANIES)
K = DISCLOSURE.min_cohort
GENEROUS = msgspec.structs.replace(
    DISCLOSURE, question_milliepsilon=10_000, bank_milliepsilon=1_000_000, all_milliepsilon=1_000_000
)
"""A policy under which budgets never end."""
Values = Mapping[str, Sequence[int | str | None]]
"""Column → of each company of the table its value; numbers or text."""
HELD_SINCE = "2026-11-01"


def number_grid(column: str, *edges: int) -> NumberBins:
    return NumberBins(column=column, edges=tuple(map(str, edges)))


def text_grid(column: str, *values: str) -> CategoryBins:
    return CategoryBins(column=column, groups=tuple((value,) for value in sorted(values)))


def snapshot(values: Values, subjects: Sequence[str] = COMPANIES, date: str = HELD_SINCE) -> Snapshot:
    """The table on a day."""
    frame = pd.DataFrame(
        {
            column: pd.Series(
                list(each), dtype="object" if any(isinstance(value, str) for value in each) else "Int64"
            )
            for column, each in values.items()
        }
    ).set_index(pd.Index(subjects))
    name = hashlib.sha256(frame.to_csv().encode()).hexdigest()

    def select(wanted: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
        return frame.reindex(wanted)[list(columns)].reset_index(drop=True)

    return Snapshot(name, date, tuple(subjects), select)


def holding(values: Values, *grids: Bins, subjects: Sequence[str] = COMPANIES) -> Holding:
    """A product over this table, with a grid for some columns."""
    present = snapshot(values, subjects)
    return Holding(
        product="tax-returns",
        product_version="1.0.0",
        snapshot=present.digest,
        snapshot_date=present.date,
        scales={
            column: None if any(isinstance(value, str) for value in each) else 0 for column, each in values.items()
        },
        subjects=present.subjects,
        select=present.select,
        grids={bins.column: bins for bins in grids},
    )


def refreshed(old: Holding, values: Values, date: str, subjects: Sequence[str] | None = None) -> Holding:
    """The same product once its table has been replaced by this one; what was is history."""
    present = snapshot(values, old.subjects if subjects is None else subjects, date)
    return replace(
        old,
        snapshot=present.digest,
        snapshot_date=date,
        subjects=present.subjects,
        select=present.select,
        history=(*old.history, old.present),
    )
