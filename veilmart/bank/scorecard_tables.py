"""What is told of a card that was built: its candidates, its points, what a reviewer is expected to measure."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from rich.table import Table
from rich.text import Text

from compute.grid import label
from compute.protocols.risk_score.leakage import leaked_bits
from veilmart.bank.building import Card

OWN = "本行 own"
EXACT = "精确 exact"
CHOSEN = "入选 chosen"
_FRAME = ("feature", "provider", "bin", "good", "bad", "woe", "points")


def information_table(card: Card) -> Table:
    """Give the candidates with their information values, and why each was chosen or not."""
    level = f"{_level(card):.0%}"
    table = _table(
        "信息值 Information values (IV)",
        ("特征 Feature", "提供方 Provider"),
        ("IV", "校正 Corrected", level),
        ("入选与否 Chosen, or why not",),
    )
    for name in _ranked(card):
        feature = card.built.features[name]
        found = feature.information
        interval = f"{found.low:.3f} – {found.high:.3f}" if feature.outcomes.noisy else EXACT
        provider = OWN if feature.source is None else card.providers[feature.source]
        why = card.built.selection.rejected.get(name, CHOSEN)
        _row(
            table,
            feature.outcomes.bins.column,
            provider,
            f"{found.value:.4f}",
            f"{found.corrected:.4f}",
            interval,
            why,
        )
    return table


def points_table(card: Card) -> Table:
    """Give each bin of the chosen features with its released rows, weight of evidence and points."""
    table = _table("分值 Points", ("特征 Feature", "分箱 Bin"), ("好 Good", "坏 Bad", "WOE", "分值 Points"), ())
    for row in points_frame(card).to_dict("records"):
        _row(table, row["feature"], row["bin"], row["good"], row["bad"], f"{row['woe']:+.3f}", row["points"])
    return table


def later_table(card: Card) -> Table:
    """Give the chosen features' figures out of time."""
    table = _table(
        "跨期验证 Out of time",
        ("特征 Feature",),
        ("开发 AUC developed", "跨期 AUC later", "稳定性 PSI", "均分变化 Mean score"),
        (),
    )
    for name, found in card.later.items():
        figures = (found.developed, found.later, found.stability)
        shown = [f"{each.corrected:.4f} ({each.low:.3f} – {each.high:.3f})" for each in figures]
        _row(table, name, *shown, f"{found.point_shift:+.2f}")
    return table


def points_frame(card: Card) -> pd.DataFrame:
    """Give the same as :func:`points_table`, a row for each bin."""
    return pd.DataFrame(list(_bins(card)), columns=list(_FRAME))


def remarks(card: Card) -> Iterator[str]:
    """What else is to be known, a line each."""
    built, found = card.built, card.foreseen
    draft = built.draft
    yield (
        f"{draft.name} {draft.version}: 每翻倍分值 points to double the odds {draft.points_to_double_odds}, "
        f"基础分 base points {draft.base_points}, 取整最大偏差 worst rounding {built.rounding.worst:.2f}"
    )
    if built.selection.unchecked:
        pairs = len(built.selection.unchecked)
        yield f"{pairs} pairs of features have no common table: nobody knows how alike they are 未检验相关性"
    bits = f"{leaked_bits(found.totals):.2f} bit"
    yield f"单户评分最多透露 The most that one score can tell: {bits} ({found.totals} totals)"
    share = found.exposure
    if np.isfinite(share):
        verdict = (
            ""
            if share <= 1
            else "; 审查方预计不予通过 a reviewer is expected to refuse: "
            "let more features in (--least-information), or fit the scale (--max-bits)"
        )
        yield f"预计占审查限值 Foreseen, of the reviewer's limits: {share:.0%}{verdict}"
    else:
        yield "审查方预计不予通过 A reviewer is expected to refuse it: fewer features or bins, or --max-bits"


def _bins(card: Card) -> Iterator[tuple[object, ...]]:
    for drafted in card.built.draft.features:
        feature = card.built.features[drafted.name]
        provider = "" if feature.source is None else card.providers[feature.source]
        outcomes, woe = feature.outcomes, feature.evidence.woe.tolist()
        for code, points in enumerate(drafted.points):
            good, bad = int(outcomes.good[code]), int(outcomes.bad[code])
            yield drafted.name, provider, label(outcomes.bins, code), good, bad, woe[code], int(points)


def _ranked(card: Card) -> list[str]:
    features = card.built.features
    return sorted(features, key=lambda name: (-features[name].information.corrected, name))


def _level(card: Card) -> float:
    return next(iter(card.built.features.values())).information.level


def _table(title: str, texts: tuple[str, ...], numbers: tuple[str, ...], last: tuple[str, ...]) -> Table:
    table = Table(title=Text(title), title_justify="left")
    for column in texts:
        table.add_column(Text(column), overflow="fold")
    for column in numbers:
        table.add_column(Text(column), justify="right", overflow="fold")
    for column in last:
        table.add_column(Text(column), overflow="fold")
    return table


def _row(table: Table, *cells: object) -> None:
    table.add_row(*(Text(str(cell)) for cell in cells))  # as text: a bracket in it is no markup
