"""What a bank tells the reviewer about a model beside its points: the sample, its figures, what it is for.

Figures are counts and whole ten-thousandths, so that a dossier has one canonical form. It travels sealed with the
opening, is shown to the examiners, and is erased with it.

Figures of the total are null where nobody has measured them yet. A card built from statistics of single columns
has none: how its features overlap within an enterprise is in no table, until the bank has scored its cohort with
the registered card. Null says so; a figure made up from the tables would be another one.
"""

from datetime import date
from typing import Annotated

from msgspec import Meta

from compute.canonical import Date, Message

PARTS = 10_000
"""Of one, in which the figures count."""

# No controls, line separators or marks of direction: they make a line look like another one.
_PATTERN = r"\A[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]{1,500}\Z"
Line = Annotated[str, Meta(pattern=_PATTERN, description="1 to 500 characters in one line")]
Rows = Annotated[int, Meta(ge=1, le=10**9, description="enterprises, from 1")]
Share = Annotated[int, Meta(ge=0, le=PARTS, description="ten-thousandths, 0 to 10000")]
Index = Annotated[int, Meta(ge=0, le=100 * PARTS, description="ten-thousandths, from 0")]


class Sample(Message, frozen=True):
    """Enterprises whose outcome is known, and how well the whole model separates them."""

    first_day: Date
    last_day: Date
    """The period of their observation dates."""
    rows: Rows
    bad: Annotated[int, Meta(ge=0, le=10**9)]
    """How many of them turned out bad, by the dossier's definition."""
    auc: Share | None
    """Area under the receiver operating characteristic (Hanley and McNeil 1982), ties counted half; null where it
    is not measured yet."""
    ks: Share | None
    """Kolmogorov and Smirnov's: the largest distance between the distributions of good and bad; null likewise."""

    def __post_init__(self) -> None:
        for day in (self.first_day, self.last_day):
            try:
                date.fromisoformat(day)
            except ValueError as error:
                raise ValueError(f"{day} is no day of the calendar; correct it") from error
        if self.first_day > self.last_day:
            raise ValueError(f"the period ends on {self.last_day}, before it begins; correct it")
        if not 0 < self.bad < self.rows:
            raise ValueError(f"{self.bad} of {self.rows} are bad; a sample holds good and bad ones")


class Dossier(Message, frozen=True):
    """A model's dossier."""

    author: Line
    """Who answers for the model at the bank: a unit or a person."""
    purpose: Line
    """The decisions that it is made for."""
    population: Line
    """The enterprises that it is meant for."""
    bad_definition: Line
    """When an enterprise counts as bad."""
    development: Sample
    """What it was fitted on."""
    validation: Sample | None
    """What it was tried on beside."""
    stability_index: Index | None
    """Of the total's distribution, from the development sample to those whom it is meant for now; null likewise.

    Σ (a − e)·ln(a / e) over ten bands of equal shares in the development sample (Siddiqi, Credit Risk Scorecards,
    2006): below 0.1 stable, above 0.25 another population.
    """
