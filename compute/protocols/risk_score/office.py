"""A reviewer's office: what it decides by, and what it keeps of the models that it decides about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.case import Case
from compute.protocols.risk_score.opened import CaseFile
from compute.signing import Pins

REFUSAL_DAYS = 30
"""For which a refusal that tells of a table is counted."""


@dataclass(frozen=True)
class Office:
    """What a reviewer decides by: who it is, whom it knows, how much a model may leak."""

    name: str
    pins: Pins
    points_secret: bytes = field(repr=False)
    """Under which ``points_id`` is made."""
    limits: Limits = field(default_factory=Limits)
    """How much a model may tell."""
    approval_days: int = 365
    decision_days: int = 30
    """After which a case that nobody has decided lapses."""
    examiners_needed: int = 2
    """How many of the staff must approve a model: with two, nobody does it alone."""
    require_dossier: bool = True
    max_undecided: int = 16
    """Cases of one bank that may wait."""
    max_resting: int = 16
    """Approvals that may rest on one that examiners gave; further ones are for them again."""
    max_concentrated: int = 32
    """Models of one bank that rule 7 may refuse in REFUSAL_DAYS: each refusal tells it a bit of a table."""


class Cases(Protocol):
    """The durable store of cases: each method is one transaction, also between processes.

    It seals what it keeps of a file, and erases it with the change that decides the case.
    """

    def find(self, submission: bytes) -> Case | None:
        """Give the case of the submission with this digest."""
        ...

    def get(self, case: str) -> Case:
        """Give a case; raise :class:`UnknownCaseError` if there is none."""
        ...

    def open(self, submission: bytes, make: Callable[[Sequence[Case]], Case], file: CaseFile) -> Case:
        """Keep a new case, durably, and give it; or the one that the submission has already.

        ``make`` is given the bank's approved cases and gives the new one. The file is kept while it is undecided.
        """
        ...

    def change(self, case: str, rule: Callable[[Case], Case]) -> Case:
        """Put what the rule makes of a case in its place, durably, or raise what it raises and change nothing."""
        ...

    def file(self, case: str) -> CaseFile | None:
        """Give the file of a case that is undecided."""
        ...

    def versions(self, bank: str, model: str) -> list[Case]:
        """Give the cases of a bank's model, in whatever version, the newest first."""
        ...

    def live(self, bank: str) -> list[Case]:
        """Give a bank's cases that are undecided or approved, the newest first."""
        ...

    def undecided(self, bank: str) -> int:
        """Give how many of a bank's cases wait."""
        ...

    def concentrated(self, bank: str, since: int) -> int:
        """Give how many models of a bank rule 7 has refused since then (UTC, milliseconds)."""
        ...

    def note_concentrated(self, submission: bytes, bank: str, now: int) -> None:
        """Note that rule 7 refuses the submission with this digest, before its bank hears of it; once."""
        ...

    def orphaned(self) -> list[Case]:
        """Give the approved cases that rest on an approval that was withdrawn."""
        ...

    def due(self, now: int) -> list[Case]:
        """Give the cases that the clock moves on."""
        ...
