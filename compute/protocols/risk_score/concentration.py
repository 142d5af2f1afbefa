"""What a total tells of a subject's bins, measured on the providers' joint histograms (PROTOCOLS.md §3).

A secret is the bin of one feature, or one provider's partial total. With P(s, t) the share of companies with
secret s and total t, three measures of it:

- *certain*: the share of companies whose total leaves one possible secret, Σ P(t) over the t with one s; nobody's,
  if all kept companies have the same, for then everybody knows it beforehand.
- *guess*: how often the best guess is right that knows the total, the posterior Bayes vulnerability Σ_t max_s P(s,
  t); *gain*: how much that is more than the best guess without it, max_s P(s): additive leakage (Braun,
  Chatzikokolakis, Palamidessi, Quantitative notions of leakage for one-try attacks, ENTCS 249, 2009).
- *bits*: the mutual information of secret and total (Shannon), for showing only.

Providers are taken as independent of each other: the joint table of two is nobody's to see. Of the companies in
kept combinations nothing is understated: with fewer combinations in the support a total leaves fewer secrets,
never more. Of those that a provider left out, for being few in theirs, nothing is known, so they enter as the
worst case: as certain, and guessed. Both measures are therefore upper bounds on what holds over the whole of the
tables.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any, Self

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from compute.canonical import Message, Name
from compute.protocols.risk_score.opened import OpenedTables

_DECIMALS = 6
Share = Annotated[float, Meta(ge=0, le=1)]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Measure(Message, frozen=True):
    """What a total tells of one secret; left-out companies count as certain and guessed."""

    provider: Name
    column: Name | None
    """None for the provider's partial total."""
    certain: Share
    guess: Share
    gain: Share
    bits: Annotated[float, Meta(ge=0)]
    """Expected, of the kept companies."""
    prior_bits: Annotated[float, Meta(ge=0)]
    """The secret's entropy before any total is known."""


class Concentration(Message, frozen=True):
    """The measures of all features, each provider's followed by its partial total."""

    left_out: Share
    """At most so many of the companies are in a combination that a provider left out."""
    expected_bits: Annotated[float, Meta(ge=0)]
    """What one score is expected to tell, over all features: the entropy of the total."""
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class KeptCells:
    """One provider's histogram as the measures take it; at least one cell."""

    cells: NDArray[np.uint8]
    """Shape (cells, features): each kept combination's codes."""
    counts: Sequence[int]
    """Each one's companies."""
    left_out: int
    """At most so many companies are in no kept combination."""

    @property
    def kept(self) -> float:
        """At least this share of the companies is in a kept combination."""
        return sum(self.counts) / (sum(self.counts) + self.left_out)


def partial_totals(part: OpenedTables, cells: NDArray[np.uint8]) -> Integers:
    """Give the sum of a provider's points in each combination of its bins."""
    points = [np.array(feature.points, dtype=np.int64) for feature in part.features]
    sums: Integers = np.sum([of[cells[:, index]] for index, of in enumerate(points)], axis=0, dtype=np.int64)
    return sums


def concentration(
    tables: Sequence[OpenedTables], kept: Sequence[KeptCells], cuts: Sequence[int] = ()
) -> Concentration:
    """Give what a total tells of every feature and every partial total; ``kept`` has one entry for each table.

    With ``cuts``, what the band of the total tells: all totals between two cuts are one.
    """
    partials = [partial_totals(part, cells.cells) for part, cells in zip(tables, kept, strict=True)]
    weights = [np.array(cells.counts, dtype=np.float64) / sum(cells.counts) for cells in kept]
    sums = [_Sum.of(values, mass) for values, mass in zip(partials, weights, strict=True)]
    known = math.prod(cells.kept for cells in kept)
    measures: list[Measure] = []
    for index, (part, cells) in enumerate(zip(tables, kept, strict=True)):
        own, others = sums[index], reduce(_Sum.plus, (*sums[:index], *sums[index + 1 :]), _NOTHING)
        to_total = _to_total(own, others, cuts)
        place = np.searchsorted(own.values, partials[index])
        secrets: list[tuple[str | None, NDArray[Any], int]] = [
            (each.bins.column, cells.cells[:, i], each.bins.size) for i, each in enumerate(part.features)
        ]
        for column, codes, size in (*secrets, (None, place, len(own.values))):
            with_partial = np.zeros((size, len(own.values)))
            np.add.at(with_partial, (codes, place), weights[index])
            measures.append(_measure(part.provider, column, with_partial @ to_total, known))
    total = reduce(_Sum.plus, sums, _NOTHING)
    told = _Sum.of(_told(total.values, cuts), total.mass)
    return Concentration(
        left_out=_share(1 - known), expected_bits=_bits(_entropy(told.mass)), measures=tuple(measures)
    )


@dataclass(frozen=True)
class _Sum:
    """The distribution of a sum of points: its values in rising order, each with its mass, which is not 0."""

    values: Integers
    mass: Floats

    @classmethod
    def of(cls, values: Integers, mass: Floats) -> Self:
        distinct, place = np.unique(values, return_inverse=True)
        return cls(distinct, np.bincount(place, weights=mass).astype(np.float64))

    def plus(self, other: Self) -> Self:
        """Give the sum of two that are independent."""
        return self.of(np.add.outer(self.values, other.values).ravel(), np.outer(self.mass, other.mass).ravel())


_NOTHING = _Sum(np.zeros(1, dtype=np.int64), np.ones(1))


def _told(totals: Integers, cuts: Sequence[int]) -> Integers:
    """What is told of totals: themselves, or the number of their band."""
    return totals if not cuts else np.searchsorted(np.array(cuts, dtype=np.int64), totals, side="right")


def _to_total(own: _Sum, others: _Sum, cuts: Sequence[int]) -> Floats:
    """Give P(t | s) for each partial total s, a row each, and each total t that is told, a column each."""
    totals = _told(np.add.outer(own.values, others.values), cuts)
    distinct = np.unique(totals)
    conditional = np.zeros((len(own.values), len(distinct)))
    rows = np.arange(len(own.values))[:, np.newaxis]
    np.add.at(conditional, (rows, np.searchsorted(distinct, totals)), others.mass[np.newaxis, :])
    return conditional


def _measure(provider: str, column: str | None, joint: Floats, known: float) -> Measure:
    """Measure a secret by P(s, t), a row for each secret: sums of positive numbers, so 0 is exactly no support."""
    before, after = joint.sum(axis=1), joint.sum(axis=0)
    alone = np.count_nonzero(joint, axis=0) == 1
    is_open = np.count_nonzero(before) == 1
    certain = 0.0 if is_open else float(after[alone].sum())
    guess = known * float(joint.max(axis=0).sum()) + (1 - known)
    return Measure(
        provider=provider,
        column=column,
        certain=_share(known * certain + (1 - known)),
        guess=_share(guess),
        gain=_share(guess - known * float(before.max())),
        bits=_bits(_entropy(before) + _entropy(after) - _entropy(joint)),
        prior_bits=_bits(_entropy(before)),
    )


def _entropy(mass: Floats) -> float:
    """Shannon's, in bits."""
    some = mass[mass > 0]
    return -float(np.sum(some * np.log2(some)))


def _share(share: float) -> float:
    return round(min(max(share, 0.0), 1.0), _DECIMALS)


def _bits(bits: float) -> float:
    return round(max(bits, 0.0), _DECIMALS)
