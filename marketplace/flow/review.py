"""The review of a submitted version 审核: compliance and quality, each passed, returned, or rejected."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace

from compute.market.products import Outcome, ProductStep, Review, ReviewDecision, RiskAssessment
from marketplace.errors import ConflictError, ForbiddenError, InvalidError
from marketplace.flow.actor import Actor
from marketplace.flow.clocks import day_of
from marketplace.flow.product import Facts, Listing, lineage_gaps, move, require_none, stopped_gaps
from marketplace.flow.states import PRODUCT, Move, Role, advance

MOVES = {Outcome.PASSED: Move.APPROVE, Outcome.RETURNED: Move.RETURN, Outcome.REJECTED: Move.REJECT}
"""An outcome as the move of the version that it is."""


def passed(steps: Iterable[ProductStep]) -> frozenset[Review]:
    """Give the reviews that the present submission has passed; `steps` in their order."""
    found: set[Review] = set()
    for step in steps:
        if step.move == Move.SUBMIT:
            found.clear()
        elif step.move == Move.APPROVE and step.review is not None:
            found.add(Review(step.review))
    return frozenset(found)


def last_pass(steps: Iterable[ProductStep]) -> ProductStep | None:
    """Give the step by which the present submission has passed a review, if it has."""
    found = None
    for step in steps:
        if step.move in {Move.SUBMIT, Move.APPROVE}:
            found = step if step.move == Move.APPROVE else None
    return found


def require_two(decision: ReviewDecision, actor: Actor, earlier: str | None, reviewers: AbstractSet[str]) -> None:
    """Return unless one person alone would list a version where there are two; raise `ForbiddenError`.

    `earlier` is who has passed the other review, a member or the operator's name for its key, `reviewers` the
    members who could. What does not pass needs no second person.
    """
    who = actor.member or actor.name
    if decision.outcome is Outcome.PASSED and earlier == who and len(reviewers) > 1:
        raise ForbiddenError(
            "you have passed the other review of this version", "have somebody else of the operator do this one"
        )


def check_assessment(assessment: RiskAssessment | None, now: int) -> None:
    """Return if there is none, or one that was made already; raise `InvalidError` for one of a day to come."""
    if assessment is not None and assessment.day > day_of(now):
        raise InvalidError(
            f"the risk assessment is of {assessment.day}, which is to come",
            "give the day on which it was made",
            fields={"assessment.day": "It is to come."},
        )


def decide(old: Listing, decision: ReviewDecision, before: AbstractSet[Review], actor: Actor) -> Listing:
    """Give the version after one review.

    1. The version is under review, and the actor reviews: the table.
    2. The reviewer has read the description that is under review.
    3. Each review is passed once.

    Raises as `advance` does, and `ConflictError` for the other two.
    """
    new = move(old, MOVES[decision.outcome], actor)  # 1
    if decision.digest != old.digest:  # 2
        raise ConflictError(f"another description of {old.name} is under review", "read it, then decide")
    if decision.review in before:  # 3
        raise ConflictError(f"the {decision.review} review of {old.name} is passed already", "do the other one")
    return new


def complete(new: Listing, after: AbstractSet[Review], facts: Facts) -> Listing | None:
    """Give the version as it is listed once both reviews are passed, None before.

    Raises `InvalidError` if a resource that it comes from has ended meanwhile, or a source was suspended.
    """
    if after != set(Review):
        return None
    require_none([*lineage_gaps(new.product, facts), *stopped_gaps(new.product, facts)], new)
    return replace(new, state=advance(PRODUCT, new.product.id, new.state, Move.LIST, Role.MARKET))
