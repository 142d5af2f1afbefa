"""What a model can tell of a subject, as the reviewer measures it, and the rules that it breaks (PROTOCOLS.md §3).

The rules keep the numbers of the reviewer's checks, of which they are the last:

5. No provider's points are constant, which would make the total the others' partial score; and the points of a
   last bin, which may be empty, lie within those of the column's others.
6. log2 of the reachable totals is at most the policy's bits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from compute.canonical import Message, Name
from compute.protocols.risk_score.leakage import leaked_bits, reachable_totals
from compute.protocols.risk_score.opened import OpenedModel, OpenedTables

VARIATION, BITS = 5, 6
"""The numbers of the rules."""


@dataclass(frozen=True)
class Limits:
    """How much a model may tell."""

    max_bits: float = 8.0
    """What one score may tell about a subject."""


class Finding(Message, frozen=True):
    """A rule that a model breaks: where, why, and what its author can do about it."""

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


def assess(model: OpenedModel, limits: Limits) -> Assessment:
    """Measure a model by every rule."""
    limit = int(2**limits.max_bits)
    totals = reachable_totals(model.points, limit)
    findings = [finding for part in model.tables for finding in _variation(part)]
    if totals > limit:
        bits = f"{limits.max_bits:g} bits ({leaked_bits(totals):.1f} or more)"
        reason = f"a score could tell more than {bits}"
        findings.append(Finding(rule=BITS, reason=reason, remedy="use fewer bins or coarser points"))
    return Assessment(reachable_totals=totals, findings=tuple(findings))


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
