"""An application: the terms that a consumer asks for, and what each provider says to its own part.

It bears the name of the contract that it would become. Where the grade of the data asks for it, the operator has a
part, too. A provider may offer other terms (还价): its own grant, the count and the term. What others had approved
is theirs to approve again, if the consumer then changes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from compute.agreement.documents import amended
from compute.clauses import Clause, Violation
from compute.evaluator import Facts, application_violations, grant_violations, needs_operator
from compute.market.applications import CounterOffer
from compute.market.reasons import Reason, Why
from compute.signing import digest
from compute.terms import POLICY_VERSION, DraftTerms, Grant, Terms
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, WrongStateError
from marketplace.flow.actor import Actor, role_in
from marketplace.flow.facts import require_none
from marketplace.flow.product import Listing
from marketplace.flow.states import APPLICATION, ApplicationState, Move, ProductState, Role, advance

_DECISIVE = (
    ApplicationState.REJECTED,
    ApplicationState.WITHDRAWN,
    ApplicationState.EXPIRED,
    ApplicationState.RETURNED,
    ApplicationState.COUNTERED,
    ApplicationState.SUBMITTED,
)
ENDED = frozenset({ApplicationState.REJECTED, ApplicationState.WITHDRAWN, ApplicationState.EXPIRED})


@dataclass(frozen=True)
class Application:
    """The terms asked for, the state of each part, and the counter-offers that wait for the consumer."""

    terms: Terms
    parts: Mapping[str, ApplicationState]
    """By provider; the operator's part under its own name."""
    offers: Mapping[str, CounterOffer] = field(default_factory=dict)

    @property
    def superseded(self) -> Violation | None:
        """What keeps a contract of these terms from ever being signed: they are of an earlier policy version."""
        if self.terms.policy_version == POLICY_VERSION:
            return None
        values = {"policy": str(self.terms.policy_version), "current": str(POLICY_VERSION)}
        return Violation(Clause.POLICY_VERSION, "policy_version", values)

    @property
    def state(self) -> ApplicationState:
        """The whole: one rejection ends it, one return or counter-offer holds it, all approvals approve it."""
        states = set(self.parts.values())
        return next((each for each in _DECISIVE if each in states), ApplicationState.APPROVED)

    def offered(self, provider: str) -> Terms:
        """Give the terms that would follow from a provider's counter-offer."""
        offer = self.offers[provider]
        grants = tuple(offer.grant if held.provider == provider else held for held in self.terms.grants)
        return _changed(
            self.terms,
            grants=grants,
            max_uses=offer.max_uses,
            not_before=offer.not_before,
            not_after=offer.not_after,
        )


def undrafted(application: Application, actor: Actor) -> ConflictError:
    """Give the error for whoever asks for the contract before it is drafted.

    Raises `NotFoundError` for those who may not know of the application.
    """
    role_in("contract", application.terms, actor)
    name, parts = application.terms.contract, application.parts.items()
    if rejecting := [party for party, part in parts if part is ApplicationState.REJECTED]:
        return ConflictError(f"{name} is no contract: {', '.join(rejecting)} rejected it", "apply anew")
    if application.state in ENDED:
        return ConflictError(f"{name} is no contract: its application is {application.state}", "apply anew")
    lacking = [party for party, part in parts if part is not ApplicationState.APPROVED]
    return ConflictError(
        f"{name} is no contract yet: {', '.join(lacking)} did not approve it",
        "read the application, and wait for every approval",
    )


def submit(reference: str, terms: Terms, facts: Facts, operator: str) -> Application:
    """Give the application under the consumer's own `reference`; `compute.evaluator` has the clauses it keeps.

    Raises the `MarketplaceError` that follows from the clauses that fail.
    """
    require_none(application_violations(terms, reference, facts))
    return Application(terms, dict.fromkeys(deciders(terms, facts, operator), ApplicationState.SUBMITTED))


def deciders(terms: DraftTerms, facts: Facts, operator: str) -> tuple[str, ...]:
    """Give who has a part: each provider, and the operator where the grade of the data asks for it."""
    providers = tuple(grant.provider for grant in terms.grants)
    return (*providers, operator) if needs_operator(terms, facts.listed) else providers


def require_current(application: Application) -> None:
    """Return if the terms can become a contract still; raise `InvalidError` for those of another policy version.

    What they lack, such as the kinds of subjects, only the consumer can say, so nothing upgrades them by itself.
    """
    if (found := application.superseded) is not None:
        raise InvalidError(
            found.reason,
            "nobody could sign it: have its consumer withdraw it and apply anew, or reject it",
            fields={found.field: f"{found.text('zh')} / {found.text('en')}"},
        )


def check_term(terms: Terms, now: int) -> None:
    """Return if the term is not over; raise `InvalidError` if it is."""
    if now >= terms.not_after:
        raise InvalidError(f"the term of {terms.contract} is over", "apply with a later end")


def check_grant(terms: Terms, grant: Grant, listing: Listing | None) -> None:
    """Return if nothing stands against the grant; raise `NotFoundError` or `InvalidError` if something does."""
    number = next(at for at, held in enumerate(terms.grants) if held.provider == grant.provider)
    is_listed = listing is not None and listing.state is ProductState.LISTED
    require_none(grant_violations(grant, number, listing.product if listing is not None and is_listed else None))


def decide(
    application: Application, actor: Actor, move: Move, now: int, read: str | None = None, why: Why | None = None
) -> Application:
    """Give the application after a word on one's own part; `read` is the digest of the terms it is about.

    Raises `NotFoundError` for who has nothing to do with it, `ForbiddenError` for who has no part,
    `WrongStateError` if it was ended or this part was decided, `ConflictError` if the terms are not those that
    were read, `InvalidError` if the term is over or the reason is none for this move.
    """
    terms = application.terms
    role = role_in("application", terms, actor)
    if move is Move.APPROVE:
        require_current(application)
    if actor.name not in application.parts:
        raise ForbiddenError(f"each provider decides its own part of {terms.contract}", "wait for the providers")
    check_term(terms, now)
    reason = None if why is None else why.reason
    following = _advance(application, actor.name, move, role, reason)
    _require_read(terms, read)
    return replace(application, parts={**application.parts, actor.name: following})


def counter(
    application: Application, offer: CounterOffer, actor: Actor, listing: Listing | None, now: int
) -> Application:
    """Give the application with a provider's counter-offer on its own part.

    1. The provider offers its own grant, and its part is undecided.
    2. The evaluator finds nothing against the grant.
    3. The terms that would follow are well formed, not over, and others than those asked for.
    """
    terms, provider = application.terms, offer.grant.provider
    role = role_in("application", terms, actor)
    if provider != actor.name or role is not Role.PROVIDER:  # 1
        raise ForbiddenError(f"{actor.name} offers nothing of {provider}", "offer your own grant")
    following = _advance(application, provider, Move.COUNTER, role)
    require_current(application)
    check_grant(terms, offer.grant, listing)  # 2
    made = Application(terms, {**application.parts, provider: following}, {**application.offers, provider: offer})
    check_term(made.offered(provider), now)  # 3
    if made.offered(provider) == terms:
        raise InvalidError("the counter-offer is what was asked for", "approve it, or offer something else")
    return made


def accept(application: Application, provider: str, read: str, actor: Actor, now: int) -> Application:
    """Give the application with a counter-offer's terms, which the provider then approves; the others look anew.

    `read` is the digest of the terms that follow from the offer, as the consumer read them.
    """
    parts = _answer(application, provider, Move.ACCEPT, actor)
    require_current(application)
    new = application.offered(provider)
    check_term(new, now)
    if read != digest(new).hex():
        raise ConflictError(f"the offer of {provider} has other terms than you read", "read them again")
    offers = {name: offer for name, offer in application.offers.items() if name != provider}
    return Application(new, _reopened(application.terms, new, parts), offers)


def decline(application: Application, provider: str, actor: Actor) -> Application:
    """Give the application without the counter-offer: what was asked for stands, and the provider decides."""
    parts = _answer(application, provider, Move.DECLINE, actor)
    offers = {name: offer for name, offer in application.offers.items() if name != provider}
    return replace(application, parts=parts, offers=offers)


def resubmit(
    application: Application, grant: Grant, actor: Actor, listing: Listing | None, facts: Facts, operator: str
) -> Application:
    """Give the application with another grant in place of the one of the same provider.

    Either that provider returned its part, or the operator returned its own. What the other providers decided
    stands, as their grants have not changed, and all sign the whole.
    """
    terms, parts = application.terms, dict(application.parts)
    role = role_in("application", terms, actor)
    if terms.grant_of(grant.provider) is None:
        raise InvalidError(
            f"{grant.provider} has no part in {terms.contract}", "apply anew to ask another provider"
        )
    require_current(application)
    check_term(terms, facts.now)
    check_grant(terms, grant, listing)
    returned = [name for name in (grant.provider, operator) if parts.get(name) is ApplicationState.RETURNED]
    for name in returned or [grant.provider]:
        parts[name] = _advance(application, name, Move.RESUBMIT, role)
    grants = tuple(grant if held.provider == grant.provider else held for held in terms.grants)
    new = _changed(terms, grants=grants)
    parts = _reopened(terms, new, parts)
    if operator in deciders(new, facts, operator):
        parts.setdefault(operator, ApplicationState.SUBMITTED)
    return Application(new, parts, application.offers)


def withdraw(application: Application, actor: Actor, why: Why) -> Application:
    """Give the application taken back by its consumer; once all approved, there is a contract to terminate."""
    role = role_in("application", application.terms, actor)
    if application.state is ApplicationState.APPROVED:
        raise WrongStateError(f"application {application.terms.contract} is a contract by now", [Move.TERMINATE])
    return _end(application, Move.WITHDRAW, role, why.reason)


def lapse(application: Application, now: int) -> Application:
    """Give the application that nobody decided in time."""
    over = now >= application.terms.not_after
    return _end(application, Move.EXPIRE, Role.MARKET, Reason.TERM_OVER if over else Reason.UNDECIDED)


def _end(application: Application, move: Move, role: Role, reason: Reason) -> Application:
    parts = {name: _advance(application, name, move, role, reason) for name in application.parts}
    return replace(application, parts=parts, offers={})


def _advance(
    application: Application, part: str, move: Move, role: Role, reason: Reason | None = None
) -> ApplicationState:
    # What has ended the whole ends every part, so the other parts' table is read from there.
    whole = application.state
    state = whole if whole in ENDED else application.parts[part]
    return advance(APPLICATION, application.terms.contract, state, move, role, reason)


def _answer(application: Application, provider: str, move: Move, actor: Actor) -> dict[str, ApplicationState]:
    role = role_in("application", application.terms, actor)
    if provider not in application.parts:
        raise InvalidError(f"{provider} has no part in {application.terms.contract}", "name a provider of it")
    return {**application.parts, provider: _advance(application, provider, move, role)}


def _reopened(old: Terms, new: Terms, parts: Mapping[str, ApplicationState]) -> dict[str, ApplicationState]:
    """Give the parts, those reopened whose approval was for something else than the new terms."""
    shared = ("max_uses", "not_before", "not_after")
    is_shared = any(getattr(old, member) != getattr(new, member) for member in shared)

    def concerned(name: str) -> bool:
        grant = old.grant_of(name)
        return is_shared or grant is None or grant != new.grant_of(name)  # the operator's part is of all grants

    return {
        name: advance(APPLICATION, old.contract, state, Move.REOPEN, Role.MARKET)
        if state is ApplicationState.APPROVED and concerned(name)
        else state
        for name, state in parts.items()
    }


def _changed(terms: Terms, **changes: object) -> Terms:
    try:
        return amended(terms, **changes)
    except ValueError as error:
        raise InvalidError(str(error), "offer terms that can be agreed") from error


def _require_read(terms: Terms, read: str | None) -> None:
    if read not in {None, digest(terms).hex()}:
        raise ConflictError(f"{terms.contract} has other terms than you read", "read them again")
