"""Measures as tables for a terminal."""

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.console import Group
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
    shown = new_table(
        "",
        (f"分箱 {first['column']}",),
        (
            *("企业数 Count", level, "占比 Share", "坏样本率 Bad rate", f"本样本 Own {level}"),
            *(f"总体 Population {level}", "WOE", level, "IV"),
        ),
    )
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
            _number(row["bad_rate"], ".2%"),
            _interval(row["bad_rate_low"], row["bad_rate_high"], ".2%"),
            _interval(row["population_low"], row["population_high"], ".2%"),
            f"{row['woe']:+.3f}",
            _interval(row["woe_low"], row["woe_high"], "+.3f"),
            f"{row['information_value']:.4f}",
        )
    title = f"{first['provider']}: {first['column']}, {first['snapshot_date']}, {_noise(first)}{_present(first)}"
    return Group(Text(title), shown, *_reasons(rows))


def _figures(rows: list[_Row]) -> Group:
    first = rows[0]
    shown = new_table(
        "",
        ("字段 Column", "类别 Classes", "指标 Figure"),
        ("值 Value", "校正 Corrected", f"{first['level']:.0%}", "噪声 Noise", "说明 Remark"),
    )
    for row in rows:
        columns = [row["column"], row["second_column"]]
        column = " × ".join(str(each) for each in columns if isinstance(each, str))
        name, _, share = row["figure"].partition("quantile_")
        figure = f"{FIGURES['quantile']} {share}" if share else FIGURES[name]
        # An exact figure's ends are the figure; a quantile's are those of its bin all the same.
        interval = "精确 exact" if row["exact"] and not share else _interval(row["low"], row["high"], ".4g")
        numbers = (_number(row["value"], ".4g"), _number(row["corrected"], ".4g"), interval)
        told = [WITHHELD, "", ""] if row["withheld"] else numbers
        add_cells(shown, column, row["classes"], figure, *told, _noise(row), row["remark"])
    title = f"{first['provider']}: {first['snapshot_date']}{_present(first)}"
    return Group(Text(title), shown, *_reasons(rows))


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
    return "" if math.isnan(low) or math.isnan(high) else f"{low:{form}} – {high:{form}}"


def _records(frame: pd.DataFrame) -> list[_Row]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
