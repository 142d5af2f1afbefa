"""Integer points from weights of evidence.

score = base_score + factor·(ln odds - ln base_odds), factor = points_to_double_odds / ln 2, with odds good to
bad and ln odds = ln(all good / all bad) + Σ weight·WOE (Siddiqi 2006, ch. 6). A bin's points are
factor·weight·WOE, a half rounded up; the base points hold the rest. Rounded totals differ from exact ones: by
how much at worst is told.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Scale:
    """The scale of a scorecard's points."""

    base_score: int = 600
    """The score at the base odds."""
    base_odds: Fraction = Fraction(20)
    """Good to bad."""
    points_to_double_odds: int = 40

    def __post_init__(self) -> None:
        if self.points_to_double_odds < 1 or self.base_odds <= 0:
            raise ValueError("points to double the odds and base odds are more than 0; correct the scale")

    @property
    def factor(self) -> float:
        """Give the points of one unit of log odds."""
        return self.points_to_double_odds / math.log(2)


@dataclass(frozen=True)
class Rounding:
    """How far rounded totals lie from exact ones, over every combination of bins."""

    least: float
    greatest: float

    @property
    def worst(self) -> float:
        """Give the largest magnitude, in points."""
        return max(abs(self.least), abs(self.greatest))


def exact_points(scale: Scale, woe: Sequence[float], weight: float = 1.0) -> list[float]:
    """Give factor·weight·WOE of each bin."""
    return [scale.factor * weight * each for each in woe]


def exact_base(scale: Scale, good: int, bad: int) -> float:
    """Give the base points of a population with so many good and bad rows."""
    return scale.base_score + scale.factor * (math.log(good / bad) - math.log(scale.base_odds))


def half_up(value: float | Fraction, decimals: int = 0) -> Fraction:
    """Give the value rounded to that many decimals, a half upwards: 2.5 to 3 and -2.5 to -2."""
    unit = 10**decimals
    return Fraction(math.floor(Fraction(value) * unit + Fraction(1, 2)), unit)


def rounding(exact: Sequence[Sequence[float]], rounded: Sequence[Sequence[Fraction]]) -> Rounding:
    """Give the worst differences of totals, rounded less exact; each inner sequence is one feature's bins.

    The base points are a feature with one bin. Every combination of bins counts as reachable.
    """
    ranges = [
        [float(after - Fraction(before)) for before, after in zip(*feature, strict=True)]
        for feature in zip(exact, rounded, strict=True)
    ]
    return Rounding(math.fsum(min(each) for each in ranges), math.fsum(max(each) for each in ranges))
