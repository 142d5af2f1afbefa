"""The errors of the marketplace: one tree; each says what was wrong, with which input, and what to do next."""

from collections.abc import Iterable
from typing import ClassVar


class MarketplaceError(Exception):
    """A command was refused, and has changed nothing."""

    code: ClassVar[str]
    """The reason in the audit log."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem, self.remedy = problem, remedy


class NotFoundError(MarketplaceError):
    """There is no such thing, or whether there is one is none of the actor's business."""

    code = "not_found"


class ForbiddenError(MarketplaceError):
    """The actor may know of the thing but not do this with it."""

    code = "forbidden"


class InvalidError(MarketplaceError):
    """What was sent breaks a rule by itself or against what it refers to."""

    code = "invalid"


class BadSignatureError(MarketplaceError):
    """A statement is not signed by the enrolled key of the party whose word it must be."""

    code = "bad_signature"


class ConflictError(MarketplaceError):
    """Somebody was there first: a name is taken, a signature given, a state changed."""

    code = "conflict"


class OutOfOrderError(MarketplaceError):
    """The counter of a node's event is not the next: an earlier event was not sent, or the node has lost some."""

    code = "out_of_order"


class WrongStateError(MarketplaceError):
    """The thing is not in a state for this move; `allowed` has the moves that the actor could make now."""

    code = "wrong_state"

    def __init__(self, problem: str, allowed: Iterable[str] = ()) -> None:
        self.allowed = tuple(allowed)
        super().__init__(problem, f"possible now: {', '.join(self.allowed) or 'nothing'}")


def missing(noun: str, name: str) -> NotFoundError:
    """Give the one error for what does not exist and for what is secret, so that nobody can tell them apart."""
    return NotFoundError(f"there is no {noun} {name:.80} for you", "check the name, and who you act for")
