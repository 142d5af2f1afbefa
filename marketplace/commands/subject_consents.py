"""What a subject does with its consents, once somebody was identified as acting for it.

Whatever is not the subject's own does not exist for it. What it ends the marketplace states by its own signature,
which providers honour: it ends consents and can make none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from audit.entry import EntryKind as Kind
from catalog.product import Product
from compute.records import ConsentDecision, ConsentReceipt, ConsentStanding, DisputeMatter
from compute.signing import Signed, digest, sign
from compute.terms import Terms
from marketplace.commands.disputes import Disputes
from marketplace.errors import WrongStateError, missing
from marketplace.flow import consent as consenting
from marketplace.flow import consent_request as requesting
from marketplace.flow import consent_text
from marketplace.flow.consent_request import ConsentRequest, PowerOfAttorney
from marketplace.flow.consent_states import CONSENT_REQUEST, ConsentRequestState
from marketplace.flow.consent_text import Clauses
from marketplace.flow.contract import Contract
from marketplace.flow.dispute import Dispute
from marketplace.flow.event import MOVED
from marketplace.flow.notice import Topic
from marketplace.flow.states import Move
from marketplace.flow.subject import Acting
from marketplace.gate import Gate, Setting
from marketplace.store import consent_requests, consent_subjects, consents, contracts
from marketplace.store.consent_subjects import HeldConsent
from marketplace.titles import titles
from marketplace.transaction import Transaction

ENDABLE = frozenset({ConsentStanding.GRANTED, ConsentStanding.REGISTERED})


@dataclass(frozen=True)
class Attorney:
    """What an agent states and hands in."""

    stated: PowerOfAttorney
    document: bytes


@dataclass(frozen=True)
class OwnConsent:
    """A consent as its subject sees it."""

    held: HeldConsent
    terms: Terms
    standing: ConsentStanding
    consumer: tuple[str, str]
    """The title, in Chinese and English."""
    providers: Mapping[str, tuple[str, str]]
    """Those of the departments, by name."""
    what: Clauses
    """Which data of each department, as a request shows them."""
    uses: int
    """Of the whole contract: what was asked about this very subject the log does not tell."""
    receipt: Signed[ConsentReceipt] | None


class SubjectConsents:
    """The commands of subjects, behind the exchange's gate."""

    def __init__(self, gate: Gate, setting: Setting, disputes: Disputes, uses: Callable[[str], int]) -> None:
        self._gate, self._setting, self._disputes, self._uses = gate, setting, disputes, uses

    def asked_by(self, token: str) -> tuple[ConsentRequest, tuple[str, str]]:
        """The request behind a link and who asks, while it can be decided; of its subject it tells nothing.

        Raises `NotFoundError` for any other token.
        """
        with self._gate.glance() as step:
            request = self._by_token(step, token)
            return request, titles(step.connection, request.consumer)

    def shown(self, token: str, acting: Acting) -> tuple[ConsentRequest, Clauses]:
        """The request behind a link with all that its subject has to know, for the subject alone."""
        with self._gate.glance() as step:
            request = self._by_token(step, token)
            requesting.require_subject(request, acting)
            return request, self._clauses(step, request, self._contract(step, request.contract))

    def decided(self, token: str, acting: Acting) -> str | None:
        """The code of the receipt for what the subject itself decided by this link before, if it did."""
        with self._gate.glance() as step:
            request = consent_requests.by_token(step.connection, requesting.token_digest(token))
            if request is None or request.tag != acting.tag:
                return None
            receipts = consent_requests.receipts_of_tag(step.connection, acting.tag).values()
            return next((each.statement.code for each in receipts if each.statement.request == request.id), None)

    def decide(
        self,
        token: str,
        acting: Acting,
        decision: ConsentDecision,
        shown: bytes,
        *,
        separately: bool = False,
        attorney: Attorney | None = None,
    ) -> Signed[ConsentReceipt]:
        """Grant or refuse a request, and give the receipt; `shown` is the digest of what was on the page.

        Raises what `flow.consent_request.decide` does, and `WrongStateError` if another text would be shown now.
        """
        with self._gate.by_subject("decide_consent", acting) as step:
            old = self._by_token(step, token)
            contract = self._contract(step, old.contract)
            stated = None if attorney is None else attorney.stated
            new = requesting.decide(
                old, contract, acting, decision, step.now, separately=separately, attorney=stated
            )
            clauses = self._clauses(step, old, contract)
            text = consent_text.digest(clauses)
            if text != shown:
                raise WrongStateError("what you were shown has changed since")
            known = consent_subjects.known(step.connection, old.contract, [old.commitment])[old.commitment]
            at = max(step.now, -1 if known.ended_at is None else known.ended_at + 1)  # by a clock that was ahead
            code = requesting.new_code()
            made = requesting.receipt(new, acting, decision, text, stated, code, at)
            receipt = sign(made, self._setting.market, self._setting.key)
            sealed = None
            if attorney is not None and self._setting.subjects is not None:
                sealed = self._setting.subjects.seal_attorney(old.id, attorney.stated, attorney.document)
            consent_requests.move(step.connection, old, new, step.now)
            consent_requests.add_receipt(step.connection, receipt, consent_text.encoded(clauses), sealed)
            is_grant = decision is ConsentDecision.GRANTED
            if is_grant:
                consent_subjects.grant(step.connection, old.contract, old.commitment, at)
            step.record(
                MOVED[CONSENT_REQUEST.noun, Move.GRANT if is_grant else Move.REFUSE],
                contract=old.contract,
                counterparty=old.consumer,
                request=old.id,
                statement=digest(made).hex(),
            )
            step.notify(old.consumer, Topic.CONSENT_DECIDED, about=old.id, state=new.state.value)
            return receipt

    def all_of(self, acting: Acting) -> tuple[list[OwnConsent], list[Dispute]]:
        """All consents and disputes of the subject."""
        with self._gate.glance() as step:
            receipts = consent_requests.receipts_of_tag(step.connection, acting.tag)
            return [
                self._own(step, held, receipts.get((held.contract, held.commitment)))
                for held in consent_subjects.of_tag(step.connection, acting.tag)
                if held.is_said
            ], self._disputes.of_subject(step, acting)

    def end(self, acting: Acting, contract: str, ending: ConsentStanding) -> Dispute | None:
        """Withdraw the subject's consent under a contract, or deny that it was given: at any time, at once.

        A denial opens a dispute against the bank, which is given. Raises `NotFoundError` for a consent that is not
        the subject's, `WrongStateError` for one that does not stand.
        """
        denies = ending is ConsentStanding.DENIED
        with self._gate.by_subject("deny_consent" if denies else "withdraw_consent", acting) as step:
            held = self._held(step, acting, contract)
            if held.standing(step.now) not in ENDABLE:
                raise WrongStateError(f"the consent under {contract} is {held.standing(step.now)}")
            found = self._contract(step, contract)
            after = consents.last_batch(step.connection, contract)
            stated = consenting.withdraw_for_subject(found, held.commitment, after, step.now)
            signed = sign(stated, self._setting.market, self._setting.key)
            count = consents.withdraw(step.connection, signed)
            consent_subjects.end(step.connection, contract, held.commitment, stated.at, ending)
            consumer = found.terms.consumer
            step.record(
                Kind.CONSENT_DENIED if denies else Kind.CONSENT_WITHDRAWN,
                contract=contract,
                counterparty=consumer,
                statement=digest(stated).hex(),
                consents=count,
            )
            step.notify(consumer, Topic.CONSENT_ENDED, about=contract, ending=ending.value)
            if not denies:
                return None
            return self._disputes.open(
                step, acting, found.terms, held.commitment, DisputeMatter.CONSENT, None, None
            )

    def dispute(
        self, acting: Acting, contract: str, matter: DisputeMatter, respondent: str | None, words: str
    ) -> Dispute:
        """Object to data, a use or a decision under a contract under which the subject has or had a consent."""
        with self._gate.by_subject("open_dispute", acting) as step:
            held = self._held(step, acting, contract)
            terms = self._contract(step, contract).terms
            self._disputes.require_room(step, acting)  # a denial is taken however many there are
            return self._disputes.open(step, acting, terms, held.commitment, matter, respondent, words)

    def _own(self, step: Transaction, held: HeldConsent, receipt: Signed[ConsentReceipt] | None) -> OwnConsent:
        terms = self._contract(step, held.contract).terms
        return OwnConsent(
            held=held,
            terms=terms,
            standing=held.standing(step.now),
            consumer=titles(step.connection, terms.consumer),
            providers={grant.provider: titles(step.connection, grant.provider) for grant in terms.grants},
            what=consent_text.what(terms, *_described(step, terms)),
            uses=self._uses(held.contract),
            receipt=receipt,
        )

    def _held(self, step: Transaction, acting: Acting, contract: str) -> HeldConsent:
        for held in consent_subjects.of_tag(step.connection, acting.tag):
            if held.contract == contract and held.is_said:
                return held
        raise missing("consent", contract)

    def _by_token(self, step: Transaction, token: str) -> ConsentRequest:
        found = consent_requests.by_token(step.connection, requesting.token_digest(token))
        if found is None or found.state is not ConsentRequestState.OPEN or step.now >= found.until:
            raise missing("request", "behind this link")
        return found

    def _contract(self, step: Transaction, name: str) -> Contract:
        found = contracts.load(step.connection, name)
        if found is None:
            raise missing("contract", name)
        return found

    def _clauses(self, step: Transaction, request: ConsentRequest, contract: Contract) -> Clauses:
        return consent_text.clauses(request, contract.terms, *_described(step, contract.terms))


def _described(step: Transaction, terms: Terms) -> tuple[dict[str, Product], dict[str, tuple[str, str]]]:
    """Give the products that terms are about, by provider, and the titles of the parties, by name."""
    products = {}
    for grant in terms.grants:
        key = (grant.provider, grant.product, grant.product_version)
        products[grant.provider] = step.listing(key).product
    return products, {name: titles(step.connection, name) for name in terms.parties}
