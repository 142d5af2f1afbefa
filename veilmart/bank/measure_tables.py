"""Measures as tables for a terminal."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import pandas as pd
from rich.console import Group
from rich.table import Table
from rich.text import Text

from catalog.vocabulary import label as word
from veilmart.bank.measured import Measures
from veilmart.bank.showing import PRESENT_ONLY, WITHHELD, add_cells, new_table

FIGURES = {
    "information_value": "信息值 IV",
    "ks": "KS",
    "auc": "AUC",
    "gini": "Gini",
    "chi_square": "卡方 χ²",
    "p_value": "p 值 p value",
    "cramers_v": "Cramér's V",
    "quantile": "分位数 Quantile",
    "stability_index": "稳定性 Stability index",
    "mean": "均值 Mean",
    "variance": "方差 Variance",
    "pearson": "相关系数 Pearson",
    "pearson_of_bins": "分箱相关系数 Pearson of bins",
}
"""Figure → what people call it."""
_Row = dict[str, Any]


def measure_tables(measures: Measures) -> Iterator[Group]:
    """Give a table of bins for each column that has them, and one of all figures for each provider."""
    for _, bins in measures.bins.groupby(["provider", "column"], sort=False):
        yield _bins(_records(bins))
    for _, figures in measures.figures.groupby("provider", sort=False):
        yield _figures(_records(figures))


def _bins(rows: list[_Row]) -> Group:
    first = rows[0]
    level = f"{first['level']:.0%}"
    numbers = ("企业数\nCount", level, "占比\nShare", "坏样本率\nBad rate", f"本样本\nOwn {level}")
    more = (f"总体\nPopulation {level}", "WOE", level, "IV")
    shown = _unfolded((f"分箱\n{first['column']}",), (*numbers, *more))
    for row in rows:
        if row["withheld"]:
            add_cells(shown, row["label"], *[WITHHELD] * 9)
            continue
        add_cells(
            shown,
            row["label"],
            f"{row['rows']:.0f}",
            _interval(row["rows_low"], row["rows_high"], ".0f"),
            f"{row['share']:.1%}",
            _number(row["bad_rate"], ".1%"),
            _interval(row["bad_rate_low"], row["bad_rate_high"], ".1%"),
            _interval(row["population_low"], row["population_high"], ".1%"),
            f"{row['woe']:+.3f}",
            _interval(row["woe_low"], row["woe_high"], "+.3f"),
            f"{row['information_value']:.4f}",
        )
    title = f"{first['provider']}: {first['column']}, {first['snapshot_date']}, {_noise(first)}{_present(first)}"
    return Group(Text(title), shown, *_reasons(rows))


def _figures(rows: list[_Row]) -> Group:
    first = rows[0]
    texts = ("字段\nColumn", "类别\nClasses", "指标\nFigure")
    shown = _unfolded(texts, ("值\nValue", "校正\nCorrected", f"{first['level']:.0%}"))
    for column in ("噪声\nNoise", "说明\nRemark"):
        shown.add_column(Text(column), overflow="fold")
    for (column, noise, remark, withheld), same in groupby(rows, _place):
        if withheld:  # once for all figures that the same thing is wrong with
            names, classes = (" ".join(dict.fromkeys(each)) for each in zip(*map(_named, same), strict=True))
            add_cells(shown, column, classes, names, WITHHELD, "", "", noise, remark)
            continue
        for row in same:
            figure, classes = _named(row)
            # An exact figure's ends are the figure; a quantile's are those of its bin all the same.
            is_point = row["exact"] and not row["figure"].startswith("quantile_")
            interval = "精确 exact" if is_point else _interval(row["low"], row["high"], ".4g")
            numbers = (_number(row["value"], ".4g"), _number(row["corrected"], ".4g"))
            add_cells(shown, column, classes, figure, *numbers, interval, noise, remark)
    title = f"{first['provider']}: {first['snapshot_date']}{_present(first)}"
    return Group(Text(title), shown, *_reasons(rows))


def _unfolded(texts: Sequence[str], numbers: Sequence[str]) -> Table:
    """Give a table without rows that folds texts to find room, never a number."""
    table = new_table("", texts, numbers)
    for column in table.columns[len(texts) :]:
        column.no_wrap = True
    return table


def _place(row: _Row) -> tuple[str, str, str, bool]:
    columns = [each for each in (row["column"], row["second_column"]) if isinstance(each, str)]
    return " × ".join(columns), _noise(row), row["remark"], row["withheld"]


def _named(row: _Row) -> tuple[str, str]:
    """The figure and the classes that it is of."""
    name, _, share = row["figure"].partition("quantile_")
    return f"{FIGURES['quantile']} {share}" if share else FIGURES[name], row["classes"]


def _noise(row: _Row) -> str:
    return "精确 exact" if row["exact"] else f"ε {row['epsilon']:g}, b {row['scale']:.4g}"


def _present(row: _Row) -> str:
    return f", {PRESENT_ONLY}" if row["present_only"] else ""


def _reasons(rows: list[_Row]) -> list[Text]:
    reasons = dict.fromkeys(reason for row in rows for reason in row["reasons"].split())
    told = [f"{word('suppression', each, 'zh')} {word('suppression', each, 'en')}" for each in reasons]
    return [Text(f"{WITHHELD} {'; '.join(told)}")] if told else []


def _number(value: float, form: str) -> str:
    return "" if math.isnan(value) else f"{value:{form}}"


def _interval(low: float, high: float, form: str) -> str:
    return "" if math.isnan(low) or math.isnan(high) else f"{low:{form}}–{high:{form}}"


def _records(frame: pd.DataFrame) -> list[_Row]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
