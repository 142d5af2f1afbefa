"""A provider's disclosure policy: a TOML file, each key of which docs/adr/0032 argues. Nothing turns it off.

ε travels as an integer, in thousandths (`milliepsilon`), so that sums are exact.
"""

from fractions import Fraction
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from compute.disclosure.errors import DisclosureError
from compute.settings import Section, load

MILLI = 1000
EXAMPLE = "examples/config/disclosure.toml"


class Policy(Section, frozen=True):
    """What a provider lets out; the units are those of the example.

    Raises ValueError for numbers that contradict each other.
    """

    min_cohort: Annotated[int, Meta(ge=3, le=1_000_000)]
    """k: the fewest enterprises in a cell, and in whatever can be told apart by combining statistics."""
    dominant_enterprises: Annotated[int, Meta(ge=1, le=10)]
    dominant_percent: Annotated[int, Meta(ge=1, le=99)]
    """A sum of which the largest `dominant_enterprises` hold more than these percent is suppressed."""
    question_milliepsilon: Annotated[int, Meta(ge=1, le=10_000)]
    """The most that one question may cost."""
    least_milliepsilon: Annotated[int, Meta(ge=1, le=10_000)]
    """The least: below, an answer is noise and its slots are wide."""
    bank_milliepsilon: Annotated[int, Meta(ge=1, le=1_000_000)]
    """The most that all questions of one bank may cost, for ever."""
    all_milliepsilon: Annotated[int, Meta(ge=1, le=1_000_000)]
    """The most that all questions of all banks may cost, for ever."""
    max_cohorts: Annotated[int, Meta(ge=1, le=64)]
    """Label vectors, and alignments, of one contract; refused ones count."""
    max_aligned_ids: Annotated[int, Meta(ge=0, le=100_000_000)]
    """Ids that one bank may submit for alignment, over all contracts."""
    max_cells: Annotated[int, Meta(ge=2, le=65_536)]
    """Cells of all tables of one question."""
    hidden_cohorts: bool
    disclosed_cohorts: bool

    def __post_init__(self) -> None:
        least, question = self.least_milliepsilon, self.question_milliepsilon
        if not least <= question <= self.bank_milliepsilon <= self.all_milliepsilon:
            raise ValueError("least_, question_, bank_ and all_milliepsilon must not decrease in this order")
        if not (self.hidden_cohorts or self.disclosed_cohorts):
            raise ValueError("hidden_cohorts and disclosed_cohorts are both false: no statistic could be asked")

    @property
    def dominant_share(self) -> Fraction:
        """The share of a sum, 0 to 1, beyond which it is dominated."""
        return Fraction(self.dominant_percent, 100)


def read_policy(path: Path) -> Policy:
    """Give the policy in a file; raise `SettingsError`, in one line, for one that cannot be used."""
    return load(path, Policy, EXAMPLE)


def require_within(policy: Policy, milliepsilon: int, cells: int) -> None:
    """Return if one question may cost this much and have so many cells; raise `DisclosureError` if not.

    A question without noise costs 0, which is no ε at all.
    """
    least, most = policy.least_milliepsilon, policy.question_milliepsilon
    if milliepsilon and not least <= milliepsilon <= most:
        raise DisclosureError(
            f"ε = {milliepsilon / MILLI:g} is not within {least / MILLI:g} to {most / MILLI:g}", "name another ε"
        )
    if cells > policy.max_cells:
        raise DisclosureError(
            f"{cells} cells are more than {policy.max_cells}", "merge bins, or ask for fewer columns at a time"
        )
