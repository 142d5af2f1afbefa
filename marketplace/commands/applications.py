"""Applications: a consumer applies, each provider decides its part, the last approval drafts the contract."""

from audit.entry import EntryKind as Kind
from compute.agreement.documents import agreement_digest, amended
from compute.clauses import Clause, Violation
from compute.evaluator import Facts, application_violations
from compute.market.applications import CounterOffer, FailedClause, History, Precheck
from compute.market.legend import Legend
from compute.market.reasons import Reason, Why
from compute.records import contract_name
from compute.signing import digest
from compute.terms import DraftTerms, Grant, Terms
from marketplace.command import in_steps
from marketplace.commands import moving, prices
from marketplace.commands.cases import Cases
from marketplace.errors import InvalidError, NotFoundError
from marketplace.flow import application as applying
from marketplace.flow import contract as contracting
from marketplace.flow.actor import Principal
from marketplace.flow.application import ENDED, Application
from marketplace.flow.facts import facts
from marketplace.flow.notice import Topic
from marketplace.flow.office import Matter
from marketplace.flow.states import APPLICATION, ApplicationState, Move, Role
from marketplace.gate import Gate, Setting
from marketplace.legend import legend
from marketplace.store import applications, contract_versions, contracts, moves, parties, products
from marketplace.transaction import Transaction

Who = str | Principal


class Applications:
    """The commands about applications, behind the exchange's gate."""

    def __init__(self, gate: Gate, cases: Cases, setting: Setting) -> None:
        self._gate, self._cases, self._operator = gate, cases, setting.operator

    # --- the consumer's ---------------------------------------------------------------------------------------

    def precheck(self, actor: Who, reference: str, terms: DraftTerms) -> Precheck:
        """Say what would become of an application, and change nothing: every clause that would fail."""
        with self._gate.query("precheck", actor, enrolled=True) as step:
            known = facts_of(step, terms)
            agreement = agreement_digest(terms)
            bound = terms if terms.agreement is not None else _with_agreement(terms, agreement)
            found = application_violations(bound, reference, known)
            if applications.load(step.connection, contract_name(step.actor.name, reference)) is not None:
                found.append(Violation(Clause.REFERENCE, "reference", {"reference": reference[:80]}))
            return Precheck(
                passes=not found,
                failed=tuple(map(_failed, found)),
                deciders=applying.deciders(bound, known, self._operator),
                agreement=agreement,
            )

    @in_steps("apply", Matter.APPLICATION_SUBMIT, about=lambda asked: str(asked.terms.contract))
    def apply(self, actor: Who, reference: str, terms: Terms) -> Application:
        """Apply for terms under the actor's own reference, which names the contract (`contract_name`)."""
        with self._gate.command("apply", actor) as step:
            return self._submit(step, reference, terms)

    @in_steps("renew_contract", Matter.APPLICATION_SUBMIT, about="contract")
    def renew(
        self, actor: Who, contract: str, reference: str, max_uses: int, not_before: int, not_after: int
    ) -> Application:
        """Apply for a contract's successor, of its own count and term; its subjects are asked again."""
        with self._gate.command("renew_contract", actor) as step:
            held, role = step.contract(contract)
            if role is not Role.CONSUMER:
                raise NotFoundError(f"there is no contract {contract} of yours to renew", "name your own")
            changes = {"max_uses": max_uses, "not_before": not_before, "not_after": not_after}
            name = contract_name(step.actor.name, reference)
            try:
                terms = amended(held.terms, contract=name, version=1, renews=contract, policy_version=2, **changes)
            except ValueError as error:
                raise InvalidError(str(error), "correct the terms, or apply for them anew") from error
            return self._submit(step, reference, terms)

    @in_steps("resubmit_application", Matter.APPLICATION_SUBMIT, about="contract")
    def resubmit(self, actor: Who, contract: str, grant: Grant) -> Application:
        """Ask for another grant of a provider that returned its part, or where the operator returned its own."""
        with self._gate.command("resubmit", actor) as step:
            old = step.application(contract)
            listing = products.load(step.connection, grant.key)
            known = facts_of(step, old.terms, grant)
            new = applying.resubmit(old, grant, step.actor, listing, known, self._operator)
            fresh = digest(new.terms).hex()
            self._store(step, old, new, Move.RESUBMIT, part=grant.provider)
            step.record(Kind.APPLICATION_RESUBMITTED, contract=contract, provider=grant.provider, terms=fresh)
            return new

    @in_steps("accept_offer", Matter.APPLICATION_SUBMIT, about="contract")
    def accept(self, actor: Who, contract: str, provider: str, terms_digest: str) -> Application:
        """Accept a provider's counter-offer: ask for the terms with this digest, which follow from it."""
        with self._gate.command("accept_offer", actor) as step:
            old = step.application(contract)
            new = applying.accept(old, provider, terms_digest, step.actor, step.now)
            self._store(step, old, new, Move.ACCEPT, part=provider)
            fresh = digest(new.terms).hex()
            step.record(Kind.APPLICATION_RESUBMITTED, contract=contract, provider=provider, terms=fresh)
            return new

    @in_steps("decline_offer", Matter.APPLICATION_SUBMIT, about="contract")
    def decline(self, actor: Who, contract: str, provider: str) -> Application:
        """Decline a provider's counter-offer: what was asked for stands, and it decides."""
        with self._gate.command("decline_offer", actor) as step:
            old = step.application(contract)
            new = applying.decline(old, provider, step.actor)
            self._store(step, old, new, Move.DECLINE, part=provider)
            fresh = digest(new.terms).hex()
            step.record(Kind.APPLICATION_RESUBMITTED, contract=contract, provider=provider, terms=fresh)
            return new

    @in_steps("withdraw_application", Matter.APPLICATION_SUBMIT, about="contract")
    def withdraw(self, actor: Who, contract: str, why: Why) -> Application:
        """Take the application back, while no contract has come of it."""
        with self._gate.command("withdraw_application", actor) as step:
            old = step.application(contract)
            new = applying.withdraw(old, step.actor, why)
            self._store(step, old, new, Move.WITHDRAW, why=why)
            moving.record(step, APPLICATION, contract, Move.WITHDRAW, why)
            return new

    # --- the deciders' ----------------------------------------------------------------------------------------

    @in_steps("approve_application", Matter.APPLICATION_APPROVE, about="contract")
    def approve(self, actor: Who, contract: str, terms_digest: str) -> Application:
        """Approve the actor's part of the terms with this digest; the last approval drafts the contract."""
        return self._decide("approve", actor, contract, Move.APPROVE, terms_digest)

    @in_steps("reject_application", Matter.APPLICATION_REJECT, about="contract")
    def reject(self, actor: Who, contract: str, why: Why) -> Application:
        """Reject the actor's part, which ends the application."""
        return self._decide("reject", actor, contract, Move.REJECT, why=why)

    @in_steps("return_application", Matter.APPLICATION_REJECT, about="contract")
    def return_for_correction(self, actor: Who, contract: str, why: Why) -> Application:
        """Return the actor's part, for the consumer to correct."""
        return self._decide("return_for_correction", actor, contract, Move.RETURN, why=why)

    @in_steps("counter_application", Matter.APPLICATION_APPROVE, about="contract")
    def counter(self, actor: Who, contract: str, offer: CounterOffer) -> Application:
        """Offer other terms for the actor's own part: its grant, the count and the term."""
        with self._gate.command("counter", actor) as step:
            old = step.application(contract)
            listing = products.load(step.connection, offer.grant.key)
            new = applying.counter(old, offer, step.actor, listing, step.now)
            self._store(step, old, new, Move.COUNTER, part=offer.grant.provider)
            terms = digest(new.offered(offer.grant.provider)).hex()
            moving.record(step, APPLICATION, contract, Move.COUNTER, terms=terms)
            return new

    # --- reading ----------------------------------------------------------------------------------------------

    def load(self, actor: Who, contract: str, case: str | None = None) -> Application:
        """An application, for its consumer, its providers, the operator, and a supervisor under a case."""
        with self._cases.reading("application", actor, contract, case) as step:
            return step.application(contract)

    def page(self, actor: Who, after: str, limit: int) -> list[Application]:
        """So many applications behind a contract that the actor made or has a part in, by contract."""
        with self._gate.query("applications", actor) as step:
            return applications.page(step.connection, step.actor.name, after, limit)

    def legend(self, actor: Who, contract: str, case: str | None = None) -> Legend:
        """What the identifiers in the terms are called, for those who may read them."""
        with self._cases.reading("legend", actor, contract, case) as step:
            return legend(step.connection, step.application(contract).terms)

    def history(self, actor: Who, contract: str, case: str | None = None) -> History:
        """Every move of an application and of its contract, for those who may read it."""
        with self._cases.reading("history", actor, contract, case) as step:
            step.application(contract)
            return History(moves=tuple(moves.of(step.connection, contract)))

    # --- by itself --------------------------------------------------------------------------------------------

    def lapse_due(self, step: Transaction) -> int:
        """End every application that nobody decided in time, and give their number."""
        due = moves.lapsed(step.connection, APPLICATION.noun, step.now)
        for name in due:
            old = step.application(name)
            new = applying.lapse(old, step.now)
            why = moving.by_itself(Reason.TERM_OVER if step.now >= old.terms.not_after else Reason.UNDECIDED)
            self._store(step, old, new, Move.EXPIRE, why=why)
            moving.record(step, APPLICATION, name, Move.EXPIRE, why)
        return len(due)

    # --- shared steps -----------------------------------------------------------------------------------------

    def _submit(self, step: Transaction, reference: str, terms: Terms) -> Application:
        made = applying.submit(reference, terms, facts_of(step, terms), self._operator)
        applications.add(step.connection, made)
        moving.keep(step, APPLICATION, terms.contract, Move.APPLY, made.state)
        asked = {"operation": terms.operation, "purpose": terms.purpose, "terms": digest(terms).hex()}
        step.record(Kind.APPLICATION_SUBMITTED, contract=terms.contract, **asked)
        self._wait(step, made)
        moving.tell(step, self._providers(made), Topic.APPLICATION_SUBMITTED, terms.contract)
        return made

    def _decide(
        self,
        command: str,
        actor: Who,
        contract: str,
        move: Move,
        read: str | None = None,
        why: Why | None = None,
    ) -> Application:
        with self._gate.command(command, actor) as step:
            old = step.application(contract)
            new = applying.decide(old, step.actor, move, step.now, read, why)
            if move is Move.APPROVE:
                prices.require_settled(step, old.terms)
            self._store(step, old, new, move, part=step.actor.name, why=why)
            moving.record(step, APPLICATION, contract, move, why, terms=digest(new.terms).hex())
            if new.state is ApplicationState.APPROVED:
                self._draft(step, new)
                prices.fix(step, new.terms)
            return new

    def _draft(self, step: Transaction, application: Application) -> None:
        drafted = contracting.draft(application)
        contracts.add(step.connection, drafted)
        contract_versions.add(step.connection, drafted.terms)
        name = drafted.terms.contract
        step.record(Kind.CONTRACT_DRAFTED, contract=name, terms=digest(drafted.terms).hex())
        for party in drafted.terms.parties:
            moving.wait(step, "contract", name, party, contracting.SIGNATURE)
        moving.tell(step, drafted.terms.parties, Topic.CONTRACT_DRAFTED, name)

    def _store(
        self,
        step: Transaction,
        old: Application,
        new: Application,
        move: Move,
        *,
        part: str | None = None,
        why: Why | None = None,
    ) -> None:
        name = new.terms.contract
        applications.move(step.connection, old, new)
        moving.keep(
            step, APPLICATION, name, move, new.state if part is None else new.parts[part], part=part, why=why
        )
        moving.settle(step, APPLICATION.noun, name)
        self._wait(step, new)
        told = (new.terms.consumer, *self._providers(new))
        moving.tell(step, told, Topic.APPLICATION_DECIDED, name, move=move.value)

    def _wait(self, step: Transaction, application: Application) -> None:
        """Have whoever is next move in time, for each part."""
        if application.state in ENDED or application.state is ApplicationState.APPROVED:
            return
        for part, state in application.parts.items():
            if (due := APPLICATION.due.get(state)) is not None:
                holder = application.terms.consumer if due.role is Role.CONSUMER else part
                moving.wait(step, APPLICATION.noun, application.terms.contract, holder, due)

    def _providers(self, application: Application) -> tuple[str, ...]:
        return tuple(grant.provider for grant in application.terms.grants)


def facts_of(step: Transaction, terms: DraftTerms, *others: Grant) -> Facts:
    """Give what the evaluator has to know of those whom the terms, and other grants, name."""
    keys = {grant.key for grant in (*terms.grants, *others)}
    listings = {key: products.load(step.connection, key) for key in sorted(keys)}
    return facts(step.actor, listings, parties.load(step.connection, terms.model_reviewer), step.now)


def _with_agreement(terms: DraftTerms, agreement: str) -> DraftTerms:
    members = {name: getattr(terms, name) for name in terms.__struct_fields__}
    return DraftTerms(**members | {"agreement": agreement})


def _failed(violation: Violation) -> FailedClause:
    return FailedClause(
        clause=violation.clause, field=violation.field, zh=violation.text("zh"), en=violation.text("en")
    )
