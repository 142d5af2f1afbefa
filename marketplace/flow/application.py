"""An application: the terms that a consumer asks for, and what each provider says to its own part.

It bears the name of the contract that it would become.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from catalog.grade import Grade
from catalog.product import Delivery
from compute.records import PartyKind, contract_name
from compute.signing import digest
from compute.terms import Grant, Terms
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, missing
from marketplace.flow.actor import Actor, role_in
from marketplace.flow.party import Party
from marketplace.flow.product import Listing
from marketplace.flow.states import APPLICATION, ApplicationState, Move, ProductState, Role, advance


@dataclass(frozen=True)
class Application:
    """The terms asked for, and the state of each provider's part."""

    terms: Terms
    parts: Mapping[str, ApplicationState]

    @property
    def state(self) -> ApplicationState:
        """The whole: one rejection ends it, one return holds it, all approvals make it approved."""
        states = set(self.parts.values())
        for decisive in (ApplicationState.REJECTED, ApplicationState.RETURNED, ApplicationState.SUBMITTED):
            if decisive in states:
                return decisive
        return ApplicationState.APPROVED


def undrafted(application: Application, actor: Actor) -> ConflictError:
    """Give the error for whoever asks for the contract before it is drafted.

    Raises `NotFoundError` for those who may not know of the application.
    """
    role_in("contract", application.terms, actor)
    name, parts = application.terms.contract, application.parts.items()
    if rejecting := [party for party, part in parts if part is ApplicationState.REJECTED]:
        return ConflictError(f"{name} is no contract: {', '.join(rejecting)} rejected it", "apply anew")
    lacking = [party for party, part in parts if part is not ApplicationState.APPROVED]
    return ConflictError(
        f"{name} is no contract yet: {', '.join(lacking)} did not approve it",
        "read the application, and wait for every approval",
    )


def submit(
    reference: str,
    terms: Terms,
    actor: Actor,
    listings: Mapping[Grant, Listing | None],
    reviewer: Party | None,
    now: int,
) -> Application:
    """Give the application under the consumer's own `reference`; `listings` has what each grant names.

    1. A party that may consume applies for itself, under the name that follows from its reference.
    2. The term is not over.
    3. The model reviewer is enrolled as one.
    4. Every grant can be had: see `check_grant`.

    Raises the `MarketplaceError` of the check that failed.
    """
    if terms.consumer != actor.name:  # 1
        raise ForbiddenError(f"the terms name {terms.consumer} as consumer, not you", "apply for yourself")
    if actor.kind is None or actor.kind.signing_role != "consumer" or actor.office is not None:
        raise ForbiddenError(f"{actor.name} takes part as {actor.kind or actor.office}", "enrol a consumer")
    if terms.contract != contract_name(actor.name, reference):
        raise InvalidError(
            f"contract {terms.contract} is not the name for reference {reference:.80}",
            "derive it with contract_name",
        )
    check_term(terms, now)  # 2
    if not (reviewer and reviewer.is_active and reviewer.record.kind is PartyKind.MODEL_REVIEWER):  # 3
        raise InvalidError(f"{terms.model_reviewer} is no enrolled model reviewer", "name one that is")
    for grant in terms.grants:
        check_grant(grant, listings[grant])  # 4
    return Application(terms, {grant.provider: ApplicationState.SUBMITTED for grant in terms.grants})


def check_term(terms: Terms, now: int) -> None:
    """Return if the term is not over; raise `InvalidError` if it is."""
    if now >= terms.not_after:
        raise InvalidError(f"the term of {terms.contract} is over", "apply with a later end")


def check_grant(grant: Grant, listing: Listing | None) -> None:
    """Return if the fields can be computed with under encryption; raise `NotFoundError` or `InvalidError` if not.

    1. The version is listed.
    2. It is delivered encrypted.
    3. The fields are its fields, other than the key, by which subjects are named and which is never computed with.
    4. None of them is core data.
    """
    if listing is None or listing.state is not ProductState.LISTED:  # 1
        raise missing("listed product", f"{grant.product} {grant.product_version} of {grant.provider}")
    product = listing.product
    name = f"{product.id} {product.version}"
    if Delivery.ENCRYPTED not in product.delivery:  # 2
        raise InvalidError(f"{name} is not delivered encrypted", "choose a product that is")
    grades = {field.name: field.grade for field in product.fields if field is not product.key}
    if unknown := sorted(set(grant.fields) - grades.keys()):  # 3
        raise InvalidError(
            f"{name} has no field {', '.join(unknown)} to compute with", "name fields of this version"
        )
    # The catalog lists no core data; asked again, because it must hold for every later way into the catalog.
    if Grade.CORE in {product.grade, *(grades[field] for field in grant.fields)}:  # 4
        raise InvalidError(f"{name}: core data is never granted", "leave its fields out")


def decide(application: Application, actor: Actor, move: Move, now: int, read: str | None = None) -> Application:
    """Give the application after a provider's word on its own part; `read` is the digest of the terms it is about.

    Raises `NotFoundError` for who has no part in it, `WrongStateError` if another provider has ended it or this
    part was decided, `ConflictError` if the terms are not those that were read, `InvalidError` if the term is
    over.
    """
    terms = application.terms
    role = role_in("application", terms, actor)
    if role is not Role.PROVIDER:
        raise ForbiddenError(f"each provider decides its own part of {terms.contract}", "wait for the providers")
    check_term(terms, now)
    # A rejection ends the whole, so the other parts' table is read from there.
    rejected = application.state is ApplicationState.REJECTED
    state = ApplicationState.REJECTED if rejected else application.parts[actor.name]
    following = advance(APPLICATION, terms.contract, state, move, role)
    if read not in {None, digest(terms).hex()}:
        raise ConflictError(f"{terms.contract} has other terms than you read", "read them again")
    return replace(application, parts={**application.parts, actor.name: following})


def resubmit(
    application: Application, grant: Grant, actor: Actor, listing: Listing | None, now: int
) -> Application:
    """Give the application with another grant in place of the one that its provider returned.

    What the other providers decided stands: their own grants have not changed, and all sign the whole.
    """
    terms = application.terms
    role = role_in("application", terms, actor)
    if grant.provider not in application.parts:
        raise InvalidError(
            f"{grant.provider} has no part in {terms.contract}", "apply anew to ask another provider"
        )
    check_term(terms, now)
    check_grant(grant, listing)
    ended = application.state is ApplicationState.REJECTED
    state = ApplicationState.REJECTED if ended else application.parts[grant.provider]
    following = advance(APPLICATION, terms.contract, state, Move.RESUBMIT, role)
    grants = tuple(grant if held.provider == grant.provider else held for held in terms.grants)
    return Application(
        msgspec.structs.replace(terms, grants=grants), {**application.parts, grant.provider: following}
    )
