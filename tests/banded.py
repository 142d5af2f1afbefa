"""A banded card over the small market, and what it says in the clear."""

from bisect import bisect_right
from collections.abc import Sequence

from world import World, employee_bins, region_bins

from compute.canonical import decode
from compute.protocols.closed_answer.messages import Answer, ReleasedAnswer
from compute.protocols.risk_score.messages import BandQuery, Query
from compute.protocols.risk_score.scorecard import Feature, Scorecard
from compute.signing import Signed

CUTS = (0, 10, 20)
"""Of totals from -20 to 30 in steps of 10: four bands, so 2 bits."""
REGION, EMPLOYEES = (-10, 20, 0), (-10, 0, 10, 0)


def banded_card(cuts: Sequence[int] | None = CUTS, name: str = "banded-card", scale: int = 1) -> Scorecard:
    region = Feature(region_bins(), tuple(scale * points for points in REGION))
    employees = Feature(employee_bins(), tuple(scale * points for points in EMPLOYEES))
    sources = {"register": (region,), "insurance": (employees,)}
    return Scorecard(name, "1.0.0", 0, 0, sources, (), cuts=None if cuts is None else tuple(cuts))


def clear_totals(world: World, subjects: Sequence[str]) -> list[int]:
    """Each subject's total, by the words of the card."""
    region, employees = world.tables["tax"]["region"].to_dict(), world.tables["labour"]["employees"].to_dict()

    def of(subject: str) -> int:
        count = employees.get(subject)
        size = 3 if count is None or str(count) == "<NA>" else 0 if count < 1 else 1 if count < 5 else 2
        place = {"north": 1, "south": 0, "east": 0}.get(region.get(subject) or "", 2)
        return REGION[place] + EMPLOYEES[size]

    return [of(subject) for subject in subjects]


def clear_bands(world: World, subjects: Sequence[str], cuts: Sequence[int] = CUTS) -> list[int]:
    return [bisect_right(cuts, total) for total in clear_totals(world, subjects)]


def answer_of(world: World, query: Query, provider: str = "labour") -> ReleasedAnswer:
    """A provider's answer to a query, opened."""
    return world.release(decode(world.send(provider, query), Signed[Answer]))


def band_query(world: World, query: Query) -> BandQuery:
    """What an honest bank sends to the last provider."""
    return BandQuery(query=query, answers=(answer_of(world, query),))
