"""The commands about products: described, submitted, reviewed, listed, stopped, and no longer offered."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from audit.log import Log
from compute.evaluator import listing_violations
from compute.market.products import (
    Outcome,
    ProductStep,
    ProductStop,
    Review,
    ReviewDecision,
    RiskAssessment,
    StopReason,
    Submission,
)
from marketplace.command import in_steps
from marketplace.commands.mandates import check_listing
from marketplace.commands.members import require_confirmed
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, missing
from marketplace.flow import product as publishing
from marketplace.flow import review as reviewing
from marketplace.flow.actor import Principal
from marketplace.flow.event import MOVED
from marketplace.flow.facts import require_none
from marketplace.flow.notice import Topic
from marketplace.flow.office import Matter
from marketplace.flow.permission import AccessRole
from marketplace.flow.product import PUBLIC, WRITABLE, Facts, Key, Listing
from marketplace.flow.states import PRODUCT, Move, ProductState, Role
from marketplace.gate import Gate
from marketplace.store import contracts, members, product_sources, product_steps, products, resources
from marketplace.transaction import Transaction

Who = str | Principal


def _version(asked: Any) -> str:  # noqa: ANN401 -- a command's arguments
    return " ".join(asked.key)


def _description(asked: Any) -> str:  # noqa: ANN401 -- as above
    return f"product-{sha256(asked.description).hexdigest()}"


class Products:
    """The commands about products, behind the exchange's gate."""

    def __init__(self, gate: Gate, log: Log) -> None:
        self._gate, self._log = gate, log

    # --- the provider's ---------------------------------------------------------------------------------------

    def draft(self, actor: Who, description: bytes) -> Listing:
        """Keep a description (TOML) as a draft, which only its provider and the offices see."""
        with self._gate.command("draft_product", actor) as step:
            listing = publishing.draft(description, step.actor)
            products.add(step.connection, listing)
            return listing

    def edit(self, actor: Who, key: Key, description: bytes, revision: str) -> Listing:
        """Replace the description of a draft or of what was returned; `revision` is the digest of the one read."""
        with self._gate.command("edit_product", actor) as step:
            old = step.listing(key)
            new = publishing.edit(old, description, step.actor, revision)
            products.rewrite(step.connection, old, new)
            return new

    def discard(self, actor: Who, key: Key) -> Listing:
        """Remove a draft that was never submitted, and give what it was."""
        with self._gate.command("discard_product", actor) as step:
            old = step.listing(key)
            if publishing.role_of(old.product.provider, step.actor) is not Role.PROVIDER:
                raise ForbiddenError(f"the draft is of {old.product.provider}", "ask its provider")
            publishing.check_writable(old, step.actor)
            products.discard(step.connection, old)
            return old

    @in_steps("submit_product", Matter.PRODUCT_SUBMIT, about=_version)
    def submit(self, actor: Who, key: Key, submission: Submission) -> Listing:
        """Hand a draft in for review: refused with every gap by its name if it could not be listed."""
        with self._gate.command("submit_product", actor) as step:
            old = step.listing(key)
            if submission.digest != old.digest:
                raise ConflictError(f"{key[1]} {key[2]} is described otherwise", "read the draft, then submit it")
            return self._submit(step, old, submission.assessment)

    @in_steps("publish_product", Matter.PRODUCT_SUBMIT, about=_description)
    def publish(self, actor: Who, description: bytes) -> Listing:
        """Describe and submit a version in one; important data is drafted first, for its assessment."""
        with self._gate.command("publish_product", actor) as step:
            listing = publishing.draft(description, step.actor)
            products.add(step.connection, listing)
            return self._submit(step, listing, None)

    @in_steps("delist_product", Matter.PRODUCT_WITHDRAW, about=_version)
    def delist(self, actor: Who, key: Key, stop: ProductStop) -> Listing:
        """End the offer of a version; contracts about it go on."""
        with self._gate.command("delist_product", actor) as step:
            new = self._move(step, step.listing(key), Move.DELIST, stop)
            self._stop_derived(step, new)
            return new

    # --- the operator's ---------------------------------------------------------------------------------------

    def review(self, actor: Who, key: Key, decision: ReviewDecision) -> Listing:
        """Decide one of the two reviews of a submitted version; the second one that is passed lists it."""
        with self._gate.command("review_product", actor) as step:
            old, steps = step.listing(key), product_steps.of(step.connection, key)
            before = reviewing.passed(steps)
            new = reviewing.decide(old, decision, before, step.actor)
            reviewers = self._reviewers(step)
            if decision.outcome is Outcome.PASSED and len(reviewers) > 1:
                require_confirmed(step)  # each of two is a person of its own
            if (passed := reviewing.last_pass(steps)) is not None:
                earlier = product_steps.approver(step.connection, key, passed.number) or passed.organisation
                reviewing.require_two(decision, step.actor, earlier, reviewers)
            reason = None if decision.reason is None else decision.reason.value
            review, move = decision.review.value, reviewing.MOVES[decision.outcome]
            self._store(step, old, new, move, decision.remark, review=review, reason=reason)
            after = before | {decision.review} if decision.outcome is Outcome.PASSED else frozenset[Review]()
            listed = reviewing.complete(new, after, self._facts(step, new, steps))
            if listed is not None:
                check_listing(step, listed.product)
                self._store(step, new, listed, Move.LIST)
                resources.link(step.connection, listed)
                product_sources.link(step.connection, listed)
            told = {"review": review, "outcome": decision.outcome.value} | (
                {} if reason is None else {"reason": reason}
            )
            step.notify(key[0], Topic.PRODUCT_REVIEWED, " ".join(key), **told)
            return new if listed is None else listed

    def suspend(self, actor: Who, key: Key, stop: ProductStop) -> Listing:
        """Stop a version: it cannot be applied for, and no permit about it stands."""
        with self._gate.command("suspend_product", actor) as step:
            new = self._move(step, step.listing(key), Move.SUSPEND, stop)
            self._tell_stopped(step, new, stop.reason)
            self._stop_derived(step, new)
            return new

    def reinstate(self, actor: Who, key: Key) -> Listing:
        """End a version's suspension; refused while a resource or a source that it comes from is stopped.

        What was delisted before is delisted again.
        """
        with self._gate.command("reinstate_product", actor) as step:
            old = step.listing(key)
            was_delisted = any(each.move == Move.DELIST for each in product_steps.of(step.connection, key))
            new = publishing.reinstate(old, step.actor, self._facts(step, old, ()), was_delisted=was_delisted)
            if new.state is ProductState.LISTED:
                check_listing(step, new.product)
            self._store(step, old, new, Move.REINSTATE)
            return new

    def stop_ended(self, step: Transaction, resource: tuple[str, str]) -> int:
        """Suspend all that comes from a resource which is not valid any more, and give how much it was."""
        return self._stop(step, resources.products_of(step.connection, resource), StopReason.RESOURCE)

    # --- reading ----------------------------------------------------------------------------------------------

    def version(self, key: Key) -> Listing:
        """Give one version that was ever listed, for those who hold a contract about it. Public.

        Raises `NotFoundError`, which is not recorded: nobody in particular has asked.
        """
        with self._log.snapshot() as connection:
            listing = products.load(connection, key)
        if listing is None or listing.state not in PUBLIC:
            raise missing("product", f"{key[1]} {key[2]} of {key[0]}")
        return listing

    def record(self, actor: Who, key: Key) -> tuple[Listing, Facts, tuple[ProductStep, ...]]:
        """Give a version in any state, what the gate goes by, and its steps, for its provider and the offices."""
        with self._gate.query("product_record", actor) as step:
            listing = step.listing(key)
            if step.actor.name != listing.product.provider and step.actor.office is None:
                raise missing("product record", " ".join(key))
            steps = product_steps.of(step.connection, key)
            # What was assessed was another description, if this one can still be written.
            assessed = () if listing.state in WRITABLE else steps
            return listing, self._facts(step, listing, assessed), steps

    def check(self, actor: Who, description: bytes) -> tuple[Listing, Facts]:
        """Give what a description (TOML) would be as a draft, and what the gate goes by; nothing is kept."""
        with self._gate.query("check_product", actor) as step:
            listing = publishing.draft(description, step.actor)
            return listing, self._facts(step, listing, ())

    def page(self, actor: Who, state: ProductState | None, after: Key, limit: int) -> Sequence[Listing]:
        """Give a page of the versions that the actor has a part in: a provider its own, the offices all."""
        with self._gate.query("products", actor) as step:
            own = None if step.actor.office is not None else step.actor.name
            return products.page(step.connection, own, state, after, limit)

    # --- shared steps -----------------------------------------------------------------------------------------

    def _stop_derived(self, step: Transaction, listing: Listing) -> int:
        """Suspend what was derived from a version that is stopped, and give how much it was."""
        return self._stop(step, product_sources.derived_from(step.connection, listing.key), StopReason.SOURCE)

    def _stop(self, step: Transaction, keys: Sequence[Key], reason: StopReason) -> int:
        """Suspend as the marketplace itself what can be, and what was derived from that; give how much it was."""
        count = 0
        for key in keys:
            old = publishing.known(products.load(step.connection, key), key)
            if (old.state, Move.SUSPEND) not in PRODUCT.moves:  # suspended already, by another way to it
                continue
            new = publishing.stopped(old)
            self._store(step, old, new, Move.SUSPEND, reason=reason.value)
            self._tell_stopped(step, new, reason)
            count += 1 + self._stop_derived(step, new)
        return count

    def _submit(self, step: Transaction, old: Listing, assessment: RiskAssessment | None) -> Listing:
        reviewing.check_assessment(assessment, step.now)
        require_none(listing_violations(old.product))
        check_listing(step, old.product)
        facts = self._facts(step, old, (), assessment)
        new = publishing.submit(old, facts, step.actor)
        self._store(step, old, new, Move.SUBMIT, assessment=assessment)
        return new

    def _move(self, step: Transaction, old: Listing, move: Move, stop: ProductStop) -> Listing:
        new = publishing.move(old, move, step.actor)
        if stop.reason in {StopReason.RESOURCE, StopReason.SOURCE}:
            raise InvalidError(
                "the marketplace itself stops what comes from an ended resource or a stopped product",
                "name another reason",
                fields={"reason": "Not a reason that is given by hand."},
            )
        self._store(step, old, new, move, stop.remark, reason=stop.reason.value)
        return new

    def _store(
        self,
        step: Transaction,
        old: Listing,
        new: Listing,
        move: Move,
        remark: str | None = None,
        *,
        assessment: RiskAssessment | None = None,
        review: str | None = None,
        reason: str | None = None,
    ) -> None:
        products.move(step.connection, old, new)
        by_itself = reason == StopReason.SOURCE  # whoever stopped the source has no part in what came from it
        number = len(product_steps.of(step.connection, new.key)) + 1
        made = ProductStep(
            number=number,
            move=move.value,
            organisation=step.market if by_itself else step.actor.name,
            at=step.now,
            review=review,
            reason=reason,
            remark=remark,
            assessment=assessment,
        )
        product_steps.add(step.connection, new.key, made, None if by_itself else step.actor.member)
        provider, product, version = new.key
        described = {"product": product, "product_version": version, "description": new.digest}
        told = {name: value for name, value in (("review", review), ("reason", reason)) if value is not None}
        step.record(MOVED[PRODUCT.noun, move], counterparty=provider, **described, **told)

    def _tell_stopped(self, step: Transaction, listing: Listing, reason: StopReason) -> None:
        """Tell the provider, and each consumer whose contract rests on the version: its permit stands no more."""
        provider, product, version = listing.key
        data = {"product": product, "version": version, "reason": reason.value}
        step.notify(provider, Topic.PRODUCT_STOPPED, " ".join(listing.key), **data)
        for terms in contracts.resting_on(step.connection, listing.key):
            step.notify(terms.consumer, Topic.PRODUCT_STOPPED, terms.contract, **data)

    def _reviewers(self, step: Transaction) -> frozenset[str]:
        """Who of the operator reviews products, by name."""
        staff = members.staff(step.connection, step.actor.name)
        return frozenset(name for name, roles in staff.items() if AccessRole.OPERATOR_REVIEWER in roles)

    def _facts(
        self,
        step: Transaction,
        listing: Listing,
        steps: Sequence[ProductStep],
        assessment: RiskAssessment | None = None,
    ) -> Facts:
        product = listing.product
        sources = () if product.derivation is None else product.derivation.sources
        keys = [(source.provider, source.product, source.version) for source in sources]
        grades = {key: products.grade(step.connection, key) for key in keys}
        is_assessed = assessment is not None or any(each.assessment is not None for each in steps)
        return Facts(
            resources=resources.of_provider(step.connection, product.provider, product.lineage),
            sources={key: grade for key, grade in grades.items() if grade is not None},
            is_assessed=is_assessed,
            now=step.now,
            suspended=frozenset(
                key
                for key, grade in grades.items()
                if grade is not None and products.state(step.connection, key) is ProductState.SUSPENDED
            ),
        )
