"""Measures that follow from finished statistics, as data frames: of bins, and of columns or pairs of them.

Everything is computed at the bank from what was told already; no department is asked again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from compute.grid import label
from compute.node.console.statistics_messages import ProviderStatistics, ResultTable, StatisticsResult
from compute.node.console.told_tables import scale_of, table_of, tables_of
from compute.statistics.bin_measures import Range, bin_measures
from compute.statistics.merge_rules import apply_rule
from compute.statistics.outcomes import Outcomes, split
from compute.statistics.released import ClassSums, ClassTable, CrossTable, StatisticsError
from veilmart.bank.column_figures import quantile_figures, separation_figures, stability_figures
from veilmart.bank.figure import Figure, joined
from veilmart.bank.measuring import Measuring, MeasuringError
from veilmart.bank.moment_figures import ToldMoments, moment_figures
from veilmart.bank.pair_figures import pair_figures

_NOTES = {
    "exact": "bool",
    "epsilon": "float64",
    "scale": "float64",
    "level": "float64",
    "reasons": "str",
    "snapshot_date": "str",
    "present_only": "bool",
}
_RANGES = ("rows", "good", "bad", "share", "bad_rate", "woe")
_BINS = {
    "provider": "str",
    "column": "str",
    "bin": "Int64",
    "label": "str",
    **{name: "float64" for each in _RANGES for name in (each, f"{each}_low", f"{each}_high")},
    "population_low": "float64",
    "population_high": "float64",
    "information_value": "float64",
    "adjusted": "bool",
    "withheld": "bool",
    **_NOTES,
}
_FIGURES = {
    "provider": "str",
    "column": "str",
    "second_column": "str",
    "classes": "str",
    "figure": "str",
    "value": "float64",
    "corrected": "float64",
    "low": "float64",
    "high": "float64",
    "remark": "str",
    "withheld": "bool",
    **_NOTES,
}
_Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Measures:
    """What was found; ``epsilon`` is that of the provider's whole answer, ``scale`` of each number's noise."""

    figures: pd.DataFrame
    """A row for each figure of a column, or of two: ``value`` as released, ``corrected`` without the noise's bias
    where that is known, ``low`` and ``high`` with the figure without noise between them."""
    bins: pd.DataFrame
    """A row for each bin: rows, good, bad, share, bad rate and weight of evidence, each with its interval for the
    noise; ``population_low`` and ``population_high`` hold the bad rate of the population that the rows are a
    sample of. Empty if good and bad are not told apart."""

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """Give those that hold anything, by name."""
        return {name: each for name, each in (("figures", self.figures), ("bins", self.bins)) if len(each)}

    def json(self) -> str:
        """Give both as lists of objects; null for what is not known, and for an open end."""
        records = {name: _records(frame) for name, frame in (("figures", self.figures), ("bins", self.bins))}
        return json.dumps(records, allow_nan=False, ensure_ascii=False)


def measure(result: StatisticsResult, asked: Measuring, later: StatisticsResult | None = None) -> Measures:
    """Give the measures of a result; raise :class:`MeasuringError` for a class that it does not have.

    ``later`` is a result of another cohort over the same bins: the stability index goes from this one's rows to
    that one's. What a table does not hold is a withheld figure, and its remark says why.
    """
    asked.require(result.classes)
    others = _histograms(later)
    figures: list[_Row] = []
    bins: list[_Row] = []
    for told in result.providers:
        for source in told.tables:
            table = table_of(told, source, result.classes)
            notes = _notes(told, source, asked)
            if isinstance(table, ClassTable):
                merged, fault = _merged(table, asked)
                if merged is not None:
                    bins += _bin_rows(merged, asked, {"provider": told.provider, **notes})
                found = [*_column(table, merged, fault, asked), *_stability(table, merged, others, asked)]
            elif isinstance(table, CrossTable):
                found = list(pair_figures(table, asked))
            elif source.measure == "count":
                found = list(moment_figures(_moments(result, told, source), asked))
            else:
                continue
            place = dict(zip(("column", "second_column"), source.columns, strict=False))
            figures += (_figure_row(each) | place | {"provider": told.provider, **notes} for each in found)
    return Measures(_frame(figures, _FIGURES), _frame(bins, _BINS))


def _column(table: ClassTable, merged: Outcomes | None, fault: str, asked: Measuring) -> Iterator[Figure]:
    if merged is not None:
        yield from separation_figures(merged, asked)
    elif asked.has_sides:
        yield Figure("information_value", joined(asked.good, asked.bad), remark=fault)
    yield from quantile_figures(table, asked)


def _stability(
    table: ClassTable,
    merged: Outcomes | None,
    others: Mapping[tuple[str, str], ClassTable] | None,
    asked: Measuring,
) -> Iterator[Figure]:
    place = (table.provider, table.column)
    if others is not None and place not in others:
        raise MeasuringError(f"the later result has no histogram of {table.column}; ask for it alike")
    yield from stability_figures(table, merged, None if others is None else others[place], asked)


def _merged(table: ClassTable, asked: Measuring) -> tuple[Outcomes | None, str]:
    """Good and bad over the bins as they are to be merged, or why they cannot be told apart."""
    if not asked.has_sides:
        return None, ""
    try:
        outcomes = split(table, asked.good, asked.bad)
    except StatisticsError as error:
        return None, str(error)
    for rule in asked.merge:
        outcomes = apply_rule(outcomes, rule)
    return outcomes, ""


def _histograms(later: StatisticsResult | None) -> dict[tuple[str, str], ClassTable] | None:
    if later is None:
        return None
    return {(each.provider, each.column): each for each in tables_of(later) if isinstance(each, ClassTable)}


def _moments(result: StatisticsResult, told: ProviderStatistics, rows: ResultTable) -> ToldMoments:
    made = (
        table_of(told, each, result.classes)
        for each in told.tables
        if each.columns == rows.columns and each.measure in {"sum", "squares"}
    )
    return ToldMoments(
        result, told.provider, rows, {each.power: each for each in made if isinstance(each, ClassSums)}
    )


def _bin_rows(outcomes: Outcomes, asked: Measuring, notes: _Row) -> Iterator[_Row]:
    found = bin_measures(outcomes, asked.level)
    ranges = {
        "rows": found.rows,
        "good": found.good,
        "bad": found.bad,
        "share": found.share,
        "bad_rate": Range(found.own_rate.rate, found.own_rate.low, found.own_rate.high),
        "woe": found.woe,
    }
    for code in range(outcomes.bins.size):
        row = notes | {"column": outcomes.bins.column, "bin": code, "label": label(outcomes.bins, code)}
        for name, each in ranges.items():
            row |= {name: each.value[code], f"{name}_low": each.low[code], f"{name}_high": each.high[code]}
        yield row | {
            "population_low": found.population_rate.low[code],
            "population_high": found.population_rate.high[code],
            "information_value": found.evidence.parts[code] if outcomes.released[code] else None,
            "adjusted": code in found.evidence.adjusted,
            "withheld": not outcomes.released[code],
        }


def _figure_row(each: Figure) -> _Row:
    return {
        "classes": each.classes,
        "figure": each.name,
        "value": each.value,
        "corrected": each.corrected,
        "low": each.low,
        "high": each.high,
        "remark": each.remark,
        "withheld": each.is_withheld,
    }


def _notes(told: ProviderStatistics, source: ResultTable, asked: Measuring) -> _Row:
    scale = scale_of(source)
    return {
        "exact": not scale,
        "epsilon": told.milliepsilon / 1000 if scale else 0.0,
        "scale": scale,
        "level": asked.level,
        "reasons": " ".join(source.reasons),
        "snapshot_date": told.snapshot_date,
        "present_only": told.is_present_only,
    }


def _frame(rows: Sequence[_Row], columns: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(columns)).astype(dict(columns))


def _records(frame: pd.DataFrame) -> list[_Row]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [
        {
            str(key): None if isinstance(each, float) and not np.isfinite(each) else each
            for key, each in row.items()
        }
        for row in plain.to_dict("records")
    ]
