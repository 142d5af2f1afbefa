"""What a bank knows of a model that it submitted."""

from enum import StrEnum


class SubmissionState(StrEnum):
    """What the bank knows of a model of its own."""

    UNDER_REVIEW = "under_review"
    REGISTERED = "registered"
    REFUSED = "refused"
    """Or lapsed, withdrawn or expired: the reviewer's reason says which."""
