"""What a model can tell of a subject, as the reviewer measures it, and the rules that it breaks (PROTOCOLS.md §3).

The rules keep the numbers of the reviewer's checks, of which they are the last:

5. No provider's points are constant, which would make the total the others' partial score; and the points of a
   last bin, which may be empty, lie within those of the column's others.
6. log2 of the reachable totals is at most the policy's bits.
7. On the providers' joint histograms no total settles too much: a bin is certain for few companies and its guess
   is improved by little; a provider's partial total is certain for few and cannot be guessed too often; none is
   constant.
8. Bins are unions of the cells of the grid that the provider publishes.
9. The cuts of a banded model make bands of its totals (``bands.py``). It tells log2 of their number, and by rule 7
   it is the band that must not settle too much.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from compute.canonical import Message, Name
from compute.grid import GridError, label, require_union
from compute.protocols.risk_score.bands import MAX_VALUES, BandError, Bands
from compute.protocols.risk_score.bin_histogram import BinHistogram
from compute.protocols.risk_score.concentration import (
    Concentration,
    KeptCells,
    Measure,
    concentration,
    partial_totals,
)
from compute.protocols.risk_score.leakage import leaked_bits, reachable_totals
from compute.protocols.risk_score.opened import OpenedModel, OpenedTables

VARIATION, BITS, CONCENTRATION, GRID, BANDS = 5, 6, 7, 8, 9
"""The numbers of the rules."""
MOST_BITS = 12.0
"""Beyond 4,096 totals nothing is measured, whatever the policy allows: what a hostile model costs is bounded."""


@dataclass(frozen=True)
class Limits:
    """How much a model may tell."""

    max_bits: float = 8.0
    """What one score may tell about a subject."""
    max_certain: float = 0.10
    """The share of companies whose total may settle a field's bin, or a provider's partial total."""
    max_gain: float = 0.35
    """How much more often a field's bin may be guessed with the total than without, as a share of companies."""
    max_guess: float = 0.75
    """How often a provider's partial total may be guessed with the total, as a share of companies."""


class Finding(Message, frozen=True):
    """A rule that a model breaks: where, why, and what its author can do about it.

    It reaches the bank, so it holds no figure that was measured on a provider's table.
    """

    rule: Annotated[int, Meta(ge=1, le=99)]
    reason: str
    remedy: str
    provider: Name | None = None
    column: Name | None = None


class Assessment(Message, frozen=True):
    """What was measured of a model; without findings the rules allow it."""

    reachable_totals: int
    """Past the limit any larger number."""
    findings: tuple[Finding, ...]
    concentration: Concentration | None = None
    """For examiners, not for the bank; None where it could not be measured, for which a finding says why."""
    bands: Bands | None = None
    """Of a banded model, unless a finding says why there are none."""


def assess(model: OpenedModel, limits: Limits, histograms: Sequence[BinHistogram]) -> Assessment:
    """Measure a model by every rule; ``histograms`` has each provider's, in the order of the model's tables."""
    most = min(limits.max_bits, MOST_BITS)
    # More totals than that are no bands, and no bands are refused below.
    limit = int(2**most) if model.cuts is None else MAX_VALUES
    totals = reachable_totals(model.points, limit)
    bands, findings = None, [finding for part in model.tables for finding in _variation(part)]
    pairs = [(part, _kept(part, histogram)) for part, histogram in zip(model.tables, histograms, strict=True)]
    measured = None
    if model.cuts is not None:
        try:
            bands = Bands.over(model.points, model.cuts)
        except BandError as error:
            findings.append(Finding(rule=BANDS, reason=error.reason, remedy=error.remedy))
    outcomes = totals if model.cuts is None else len(model.cuts) + 1
    if outcomes > int(2**most):
        reason = f"a score could tell more than {most:g} bits ({leaked_bits(outcomes):.1f} or more)"
        findings.append(Finding(rule=BITS, reason=reason, remedy="use fewer bins or coarser points"))
    elif totals <= limit and all(cells.counts for _, cells in pairs):
        measured = concentration(model.tables, [cells for _, cells in pairs], model.cuts or ())
    for part, cells in pairs:
        findings += _cells(part, cells)
        if measured is not None and measured.left_out > limits.max_certain:
            findings += _small_bins(part, cells)
    if measured is not None:
        findings += _concentrated(measured, limits)
    for part, histogram in zip(model.tables, histograms, strict=True):
        findings += _off_grid(part, histogram)
    return Assessment(reachable_totals=totals, findings=tuple(findings), concentration=measured, bands=bands)


def _variation(part: OpenedTables) -> Iterator[Finding]:
    if reachable_totals([feature.points for feature in part.features], 1) == 1:
        reason = f"the tables at {part.provider} are constant"
        yield Finding(rule=VARIATION, reason=reason, remedy="leave that provider out", provider=part.provider)
    for feature in part.features:
        *others, last = feature.points
        if not others or not min(others) <= last <= max(others):
            column = feature.bins.column
            yield Finding(
                rule=VARIATION,
                reason=f"{part.provider}: the points of {column}'s last bin lie outside those of its others",
                remedy="give missing values points between the column's others",
                provider=part.provider,
                column=column,
            )


def _kept(part: OpenedTables, histogram: BinHistogram) -> KeptCells:
    cells = histogram.cells(tuple(feature.bins for feature in part.features))
    return KeptCells(cells, histogram.counts, histogram.suppressed_companies)


def _cells(part: OpenedTables, kept: KeptCells) -> Iterator[Finding]:
    """What the kept combinations show before any total is looked at."""
    if not kept.counts:
        yield Finding(
            rule=CONCENTRATION,
            reason=f"no combination of the bins at {part.provider} holds enough companies to be measured",
            remedy="use fewer features there, or coarser bins",
            provider=part.provider,
        )
        return
    if len(np.unique(partial_totals(part, kept.cells))) == 1:
        yield Finding(
            rule=CONCENTRATION,
            reason=f"the points at {part.provider} are constant on the histogram: the total is the others' part",
            remedy="leave that provider out, or give points that do not cancel on its data",
            provider=part.provider,
        )


def _small_bins(part: OpenedTables, kept: KeptCells) -> Iterator[Finding]:
    """The bins that are too small in every combination with the others; the last one may be empty, or nearly."""
    for index, feature in enumerate(part.features):
        for code in sorted(set(range(feature.bins.size - 1)) - set(kept.cells[:, index].tolist())):
            column, name = feature.bins.column, label(feature.bins, code)
            yield Finding(
                rule=CONCENTRATION,
                reason=f"{part.provider}: combinations with the bin {name} of {column} hold too few companies",
                remedy="merge it with another",
                provider=part.provider,
                column=column,
            )


def _concentrated(measured: Concentration, limits: Limits) -> Iterator[Finding]:
    if measured.left_out > limits.max_certain:
        yield Finding(
            rule=CONCENTRATION,
            reason=f"more than {limits.max_certain:.0%} of the companies are in combinations of few",
            remedy="use fewer features, or coarser bins",
        )
        return
    for measure in measured.measures:
        for reason, remedy in _reasons(measure, limits):
            yield Finding(
                rule=CONCENTRATION,
                reason=f"{measure.provider}: {reason}",
                remedy=remedy,
                provider=measure.provider,
                column=measure.column,
            )


def _reasons(measure: Measure, limits: Limits) -> Iterator[tuple[str, str]]:
    what = "the partial total" if measure.column is None else f"the bin of {measure.column}"
    if measure.certain > limits.max_certain:
        remedy = "let more bins and more providers share points, so that totals coincide"
        yield f"the total settles {what} for more than {limits.max_certain:.0%} of the companies", remedy
    # Of a partial total the guess itself is bounded and not the gain: it has many values, and where one
    # department's points weigh most the total must follow them. What may not be is that it gives the department's
    # answer away.
    if measure.column is None and measure.guess > limits.max_guess:
        remedy = "give the providers points of like weight, so that totals coincide"
        yield f"the total gives {what} away for more than {limits.max_guess:.0%} of the companies", remedy
    if measure.column is not None and measure.gain > limits.max_gain:
        remedy = f"give the bins of {measure.column} points nearer to each other"
        yield f"the total improves the guess of {what} by more than {limits.max_gain:.0%} of companies", remedy


def _off_grid(part: OpenedTables, histogram: BinHistogram) -> Iterator[Finding]:
    for feature, grid in zip(part.features, histogram.grids, strict=True):
        try:
            require_union(feature.bins, grid)
        except GridError as error:
            yield Finding(
                rule=GRID,
                reason=f"{part.provider}: {error}",
                remedy="cut along the grid in the product's description",
                provider=part.provider,
                column=feature.bins.column,
            )
