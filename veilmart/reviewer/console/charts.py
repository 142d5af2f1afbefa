"""The geometry of the page's bar charts, which the template draws as SVG: no script, no style."""

from collections.abc import Sequence
from dataclasses import dataclass

from compute.grid import label
from compute.node.console.review_messages import CaseView
from veilmart.reviewer.sections import PARTIAL_TOTAL

WIDTH = 300
"""Of the field in which the bars stand; labels stand beside it."""
LABELS = 240
ROW = 20
_CUT = 34
"""Characters of a label that fit."""


@dataclass(frozen=True)
class Bar:
    """One bar: from `x`, `width` wide, in the row at `y`."""

    label: str
    value: str
    x: float
    width: float
    y: int
    is_negative: bool


@dataclass(frozen=True)
class Chart:
    """Bars over one axis at `zero`."""

    title: str
    bars: tuple[Bar, ...]
    zero: float
    height: int


def chart(title: str, labels: Sequence[str], values: Sequence[float]) -> Chart:
    """Give bars from zero, to the left for what is negative; the longest span fills the field."""
    low, high = min(0.0, *values), max(0.0, *values)
    scale = WIDTH / (high - low or 1)
    zero = LABELS - low * scale
    bars = tuple(
        Bar(
            label=name if len(name) <= _CUT else name[: _CUT - 1] + "…",
            value=f"{value:g}",
            x=round(zero + min(value, 0) * scale, 2),
            width=round(abs(value) * scale, 2),
            y=ROW * row,
            is_negative=value < 0,
        )
        for row, (name, value) in enumerate(zip(labels, values, strict=True))
    )
    return Chart(title, bars, round(zero, 2), ROW * len(bars))


def charts_of(view: CaseView) -> list[Chart]:
    """Give a chart of each feature's points, while the model is open, and one of what a total tells of each."""
    found = []
    measured = view.assessment.concentration
    if measured is not None:
        names = [f"{each.provider} {each.column or PARTIAL_TOTAL}" for each in measured.measures]
        gains = [each.gain for each in measured.measures]
        certain = [each.certain for each in measured.measures]
        found += [chart("猜中率提高 Gain", names, gains), chart("可确定比例 Certain", names, certain)]
    if view.file is not None:
        for part in view.file.model.tables:
            for feature in part.features:
                bins = feature.bins
                labels = [label(bins, code) for code in range(bins.size)]
                found.append(chart(f"{part.provider} {bins.column}", labels, feature.points))
    return found
