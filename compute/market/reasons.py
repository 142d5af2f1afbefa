"""Why something is ended, stopped or sent back: a word of a closed vocabulary, and what a person adds."""

from enum import StrEnum

from compute.canonical import Message, Prose


class Reason(StrEnum):
    """Every reason there is; which ones a move may have is in `marketplace/flow/states.py`."""

    NOT_NEEDED = "not_needed"
    BEYOND_NEED = "beyond_need"
    PURPOSE = "purpose"
    LEGAL_BASIS = "legal_basis"
    MATERIALS = "materials"
    CONDITIONS = "conditions"
    BREACH = "breach"
    SECURITY = "security"
    LAW = "law"
    MANDATE = "mandate"
    SOURCE = "source"
    CONSENT = "consent"
    DISPUTE = "dispute"
    MAINTENANCE = "maintenance"
    AGREED = "agreed"
    SUPERSEDED = "superseded"
    TERM_OVER = "term_over"
    UNDECIDED = "undecided"
    CONTRACT_OVER = "contract_over"
    OTHER = "other"


class Why(Message, frozen=True):
    """The reason for a move; `other` needs a note. The note is told to the parties and never enters the log."""

    reason: Reason
    note: Prose | None = None

    def __post_init__(self) -> None:
        if self.reason is Reason.OTHER and self.note is None:
            raise ValueError("the reason is other and nothing is said; add a note")
