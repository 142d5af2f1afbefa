"""Bands: a total over the sources told as one of a few grades, and the public range in which all totals lie."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated, Self

from msgspec import Meta

from compute.canonical import Message
from compute.paillier.primes import SMALL_FACTOR_BOUND

MAX_CUTS = 9
MAX_VALUES = 1024
"""Of a range: each is a test in every row's answer."""
_BOUND = 2**31

Total = Annotated[int, Meta(ge=-_BOUND, le=_BOUND)]
Cuts = Annotated[tuple[Total, ...], Meta(min_length=1, max_length=MAX_CUTS)]


class BandError(ValueError):
    """The cuts make no bands of these totals: why, and what their author can do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason, self.remedy = reason, remedy


class Bands(Message, frozen=True):
    """The totals are among ``low``, ``low + step`` … ``high``, in units; at each cut a higher band begins."""

    low: Total
    high: Total
    step: Annotated[int, Meta(ge=1, lt=SMALL_FACTOR_BOUND)]
    cuts: Cuts

    def __post_init__(self) -> None:
        if self.low >= self.high or (self.high - self.low) % self.step:
            raise BandError("the range of totals is none", "take it from the points")
        if self.high - self.low >= MAX_VALUES * self.step:
            raise BandError(f"the totals range over more than {MAX_VALUES} values", "use coarser points")
        if any(low >= high for low, high in pairwise(self.cuts)) or not all(self.values()):
            raise BandError("the cuts do not rise, or between two of them no total lies", "leave cuts out")

    @classmethod
    def over(cls, points: Iterable[Sequence[int]], cuts: Sequence[int]) -> Self:
        """Give the bands of the sums of one entry from each feature's points, or raise :class:`BandError`."""
        low, high, step = span(points)
        if low == high:
            raise BandError("the points reach one total only", "use points that vary")
        if max(-low, high) > _BOUND or step >= SMALL_FACTOR_BOUND:
            raise BandError("the totals lie too far from each other for zero tests", "use smaller points")
        return cls(low=low, high=high, step=step, cuts=tuple(cuts))

    @property
    def count(self) -> int:
        """The number of bands."""
        return len(self.cuts) + 1

    @property
    def tests(self) -> int:
        """The number of values in the range, each of which is tested for."""
        return (self.high - self.low) // self.step + 1

    def values(self, bias: int = 0) -> tuple[tuple[int, ...], ...]:
        """Give the values of each band, the lowest band first, each with ``bias`` added."""
        bands: list[list[int]] = [[] for _ in range(self.count)]
        for total in range(self.low, self.high + 1, self.step):
            bands[self.band_of(total)].append(total + bias)
        return tuple(map(tuple, bands))

    def band_of(self, total: int) -> int:
        """Give the index of a total's band."""
        return bisect_right(self.cuts, total)


def span(points: Iterable[Sequence[int]]) -> tuple[int, int, int]:
    """Give (low, high, step) of the sums of one entry from each of ``points``.

    Any two sums differ by a multiple of ``step``, the greatest such number; it is 0 where there is one sum only.
    """
    low = high = step = 0
    for each in points:
        low, high = low + min(each), high + max(each)
        step = math.gcd(step, *(entry - min(each) for entry in each))
    return low, high, step


def thresholds(points: Iterable[Sequence[int]], cuts: Sequence[int]) -> tuple[list[int], int]:
    """Give the cuts counted in steps from the least total, rounded up, and the greatest total counted so.

    A total of k steps lies above a cut of c steps where k ≥ c: that does not depend on the points' scale.
    """
    low, high, step = span(points)
    step = step or 1
    return [-((low - cut) // step) for cut in cuts], (high - low) // step
