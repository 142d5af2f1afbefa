"""optbinning's tables: the scorecard's (``Scorecard.table()``, as a frame or its CSV) in, and both kinds out.

A row is a bin: ``Variable``, ``Bin`` and ``Points``; the detailed style adds counts, ``WoE`` and more. Bins of
numbers are intervals ``(-inf, 1.50)``, ``[1.50, 2.50)``, …, rounded for show (``show_digits``, two by default);
bins of categories are arrays of values, which a CSV holds as they print. Rows ``Special`` and ``Missing``
follow. Its points already hold the card's intercept in equal parts, unless the card is intercept-based.
"""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from itertools import pairwise

import numpy as np
import pandas as pd

from compute.binning import Bins, CategoryBins
from compute.statistics.draft import Draft
from compute.statistics.imported import (
    ImportedCard,
    ImportedColumn,
    ImportedTableError,
    SpecialBinError,
    Target,
    assemble,
)
from compute.statistics.outcomes import Outcomes
from compute.statistics.woe import Floats, evidence

_INTERVAL = re.compile(r"\A[(\[]\s*(-inf|[-+0-9.eE]+)\s*,\s*(inf|[-+0-9.eE]+)\s*\)\Z")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_MISSING, _SPECIAL = "Missing", "Special"


def read_scorecard_table(table: pd.DataFrame, target: Target) -> ImportedCard:
    """Give the card of a scorecard's table, summary or detailed; points are rounded, a half up.

    A ``Special`` row whose ``Count`` is 0 is left out; any other, and rows of named special codes, raise
    :class:`SpecialBinError` unless the target drops them.
    """
    lacking = [name for name in ("Variable", "Bin", "Points") if name not in table.columns]
    if lacking:
        raise ImportedTableError(f"the table has no column {lacking[0]}; export Scorecard.table()")
    columns = [_column(str(name), rows, target) for name, rows in table.groupby("Variable", sort=False)]
    return assemble(columns, target)


def _column(name: str, rows: pd.DataFrame, target: Target) -> ImportedColumn:
    missing: Decimal | None = None
    intervals: list[tuple[str, str]] = []
    groups: list[tuple[str, ...]] = []
    points: list[Decimal] = []
    counts = rows["Count"].tolist() if "Count" in rows.columns else [None] * len(rows)
    for label, value, count in zip(rows["Bin"].tolist(), rows["Points"].tolist(), counts, strict=True):
        if isinstance(label, str) and label == _MISSING:
            missing = _points(name, value)
            continue
        interval = _INTERVAL.match(label) if isinstance(label, str) else None
        values = None if interval else _values(name, label)
        if interval:
            intervals.append((interval[1], interval[2]))
        elif values is not None:
            groups.append(values)
        elif target.drop_special or (count is not None and int(count) == 0):
            continue
        else:
            raise SpecialBinError(
                f"{name}: the bin {label} is of special codes, which the column lacks; drop them on purpose"
            )
        points.append(_points(name, value))
    if bool(intervals) == bool(groups):
        raise ImportedTableError(f"{name}: bins must be all intervals or all groups of values")
    return ImportedColumn(
        name, _edges(name, intervals) if intervals else None, tuple(groups), tuple(points), missing
    )


def _edges(name: str, intervals: list[tuple[str, str]]) -> tuple[Decimal, ...]:
    """Give the inner edges of intervals that follow on each other without a gap."""
    lows, highs = [low for low, _ in intervals], [high for _, high in intervals]
    if lows[0] != "-inf" or highs[-1] != "inf" or lows[1:] != highs[:-1]:
        raise ImportedTableError(
            f"{name}: the intervals have a gap or an overlap; export them with more show_digits"
        )
    return tuple(_points(name, edge) for edge in lows[1:])


def _values(name: str, label: object) -> tuple[str, ...] | None:
    """Give a bin's values, from an array or from how one prints; None for a name, which is of a special code."""
    if not isinstance(label, str):
        if not isinstance(label, Iterable):
            raise ImportedTableError(f"{name}: the bin {label} is neither an interval nor values")
        return tuple(str(value) for value in label)
    start, end = label.find("["), label.rfind("]")
    if start < 0 or end < start:
        return None
    inside = label[start + 1 : end]
    if "..." in _QUOTED.sub("", inside):
        raise ImportedTableError(
            f"{name}: a list of values was cut short when it was printed; give the frame, or a CSV whose Bin is "
            "whole (map the arrays to lists first)"
        )
    quoted = [re.sub(r"\\(.)", r"\1", one or two) for one, two in _QUOTED.findall(inside)]
    return tuple(quoted or (each.strip() for each in inside.split(",") if each.strip())) or None


def _points(name: str, value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ImportedTableError(f"{name}: {value} is no number") from error
    if not number.is_finite():
        raise ImportedTableError(f"{name}: {value} is no number that points can be")
    return number


def binning_table(outcomes: Outcomes) -> pd.DataFrame:
    """Give ``binning_table.build()``'s frame of these counts: a row a bin, Special, Missing, and totals.

    WOE and IV follow this project's rule for zero cells where optbinning has 0. For categories the last bin,
    other or missing, is the Missing row.
    """
    found = evidence(outcomes)
    good, bad = (np.where(outcomes.released, np.maximum(side, 0), 0) for side in (outcomes.good, outcomes.bad))
    place = len(good) - 1
    good, bad, woe, parts = (np.insert(each, place, 0) for each in (good, bad, found.woe, found.parts))
    rows = good + bad
    frame = pd.DataFrame(
        {
            "Bin": [*_labels(outcomes.bins), _SPECIAL, _MISSING],
            "Count": rows,
            "Count (%)": rows / rows.sum(),
            "Non-event": good,
            "Event": bad,
            "Event rate": np.divide(bad, rows, out=np.zeros(len(rows)), where=rows > 0),
            "WoE": woe,
            "IV": parts,
            "JS": _jensen_shannon(good / good.sum(), bad / bad.sum()),
        }
    ).astype({"WoE": object, "Bin": object})
    total = rows.sum()
    frame.loc["Totals"] = [
        "", total, 1.0, good.sum(), bad.sum(), bad.sum() / total, "", parts.sum(), frame["JS"].sum(),
    ]  # fmt: skip
    return frame


def write_scorecard_table(draft: Draft) -> pd.DataFrame:
    """Give ``Scorecard.table()``'s summary frame of a card. The base points are shared out over the features.

    Shares are whole but for the first feature's, which has what is left: totals are those of the card.
    """
    rows = []
    for feature, extra in zip(draft.features, shares(draft), strict=True):
        for label, value in zip([*_labels(feature.bins), _MISSING], feature.points, strict=True):
            rows.append({"Variable": feature.bins.column, "Bin": label, "Points": float(value + extra)})
    return pd.DataFrame(rows).astype({"Bin": object})


def shares(draft: Draft) -> list[Decimal]:
    """Give each feature's part of the base points."""
    share = draft.base_points // len(draft.features)
    return [draft.base_points - share * (len(draft.features) - 1)] + [share] * (len(draft.features) - 1)


def _labels(bins: Bins) -> list[object]:
    """Give the labels of all bins but the last."""
    if isinstance(bins, CategoryBins):
        return [list(group) for group in bins.groups]
    edges = ["-inf", *bins.edges, "inf"]
    return [f"{'[' if low != '-inf' else '('}{low}, {high})" for low, high in pairwise(edges)]


def _jensen_shannon(one: Floats, two: Floats) -> Floats:
    """Give the bins' parts of the Jensen-Shannon divergence (Lin 1991); a bin that either lacks has none."""
    mixed = (one + two) / 2
    full = (one > 0) & (two > 0)
    parts = np.zeros(len(one))
    for each in (one, two):
        parts[full] += each[full] * np.log(each[full] / mixed[full]) / 2
    return parts
