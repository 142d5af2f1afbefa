"""What the rules know of those whom terms name, and the refusal that follows from broken clauses."""

from collections.abc import Iterable, Mapping

from compute.clauses import Clause, Violation
from compute.evaluator import Facts
from marketplace.errors import ForbiddenError, InvalidError, MarketplaceError, missing
from marketplace.flow.actor import Actor
from marketplace.flow.party import Party
from marketplace.flow.product import Listing
from marketplace.flow.states import ProductState

Listings = Mapping[tuple[str, str, str], Listing | None]
_APART = {Clause.CONSUMER: "apply for yourself", Clause.CONSUMER_KIND: "enrol a consumer"}


def facts(actor: Actor, listings: Listings, reviewer: Party | None, now: int) -> Facts:
    """Give what the evaluator has to know; `listings` has what each grant names."""
    listed = {
        key: listing.product
        for key, listing in listings.items()
        if listing is not None and listing.state is ProductState.LISTED
    }
    return Facts(
        listed=listed,
        actor=actor.name,
        kind=actor.kind,
        may_consume=actor.office is None and actor.kind is not None and actor.kind.signing_role == "consumer",
        reviewer=reviewer.record.kind if reviewer is not None and reviewer.is_active else None,
        now=now,
    )


def require_none(found: Iterable[Violation]) -> None:
    """Return if no clause is broken; raise the `MarketplaceError` of the first, naming every field, if any is."""
    broken = list(found)
    if broken:
        raise _refusal(broken)


def _refusal(broken: list[Violation]) -> MarketplaceError:
    first = broken[0]
    if first.clause in _APART:
        return ForbiddenError(first.reason, _APART[first.clause])
    if first.clause is Clause.PRODUCT_LISTED:
        return missing("listed product", f"{first.values['product']} of {first.values['provider']}")
    reasons = "; ".join(each.reason for each in broken)
    fields = {f"terms.{each.field}": each.reason for each in broken}
    return InvalidError(reasons, "correct the clauses named; a dry run tells all of them", fields=fields)
