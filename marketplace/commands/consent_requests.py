"""A consumer's requests for consent: made, looked at, taken back; and receipts, which anybody looks up by code."""

from dataclasses import replace

from audit.entry import EntryKind as Kind
from compute.market.consent_requests import ConsentRequestDraft
from compute.records import ConsentDecision, ConsentReceipt, ConsentStanding
from compute.signing import Signed
from marketplace.errors import ConflictError, missing
from marketplace.flow import consent_request as requesting
from marketplace.flow.actor import Principal
from marketplace.flow.consent_request import ConsentRequest
from marketplace.flow.consent_states import CONSENT_REQUEST
from marketplace.flow.consent_text import Clauses, decoded
from marketplace.flow.event import MOVED
from marketplace.flow.states import Move, Role, advance
from marketplace.gate import Gate, Setting
from marketplace.store import consent_requests, consent_subjects
from marketplace.subjects import SubjectSetting
from marketplace.transaction import Transaction

Decided = tuple[ConsentRequest, Signed[ConsentReceipt] | None]


class ConsentRequests:
    """The commands about requests for consent, behind the exchange's gate."""

    def __init__(self, gate: Gate, setting: Setting) -> None:
        self._gate, self._setting = gate, setting

    def ask(self, actor: str | Principal, draft: ConsentRequestDraft) -> tuple[ConsentRequest, str]:
        """Make a request to one subject, and give it with the link, which nobody is told again."""
        with self._gate.command("ask_consent", actor) as step:
            setting = self._subjects()
            contract, _ = step.contract(draft.contract)
            token = requesting.new_token()
            request = requesting.ask(contract, draft, step.actor, setting.tag_key, token, step.now)
            consent_requests.add(step.connection, request)
            tags = {request.commitment: request.tag}
            known = consent_subjects.known(step.connection, request.contract, tags)
            consent_subjects.add(step.connection, request.contract, tags, request.subject_type, known)
            step.record(Kind.CONSENT_REQUESTED, contract=request.contract, request=request.id)
            return request, f"{setting.url}/c/{token}"

    def load(self, actor: str | Principal, name: str) -> Decided:
        """A request of the actor's, and the receipt if it was decided."""
        with self._gate.query("consent_request", actor) as step:
            return self._own(step, name), consent_requests.receipt_of(step.connection, name)

    def page(
        self, actor: str | Principal, after: tuple[int, str] | None, limit: int
    ) -> tuple[list[Decided], tuple[int, str] | None]:
        """So many of the actor's requests behind `(last change, name)`, and where the next page begins.

        A request that is decided comes again: who asks on from where they were hears of every decision.
        """
        with self._gate.query("consent_requests", actor) as step:
            found = consent_requests.page(step.connection, step.actor.name, after, limit)
            decided = [(each, consent_requests.receipt_of(step.connection, each.id)) for each, _ in found]
            last = (found[-1][1], found[-1][0].id) if found else after
            return decided, last

    def cancel(self, actor: str | Principal, name: str) -> ConsentRequest:
        """Take a request back that nobody has decided; its link ends."""
        with self._gate.command("cancel_consent_request", actor, suspended_too=True) as step:
            return self._move(step, self._own(step, name), Move.CANCEL, Role.CONSUMER)

    def attorney(self, actor: str | Principal, name: str) -> bytes:
        """The document by which an agent granted a request of the actor's."""
        with self._gate.query("power_of_attorney", actor) as step:
            self._own(step, name)
            sealed = consent_requests.attorney(step.connection, name)
            if sealed is None:
                raise missing("power of attorney", name)
            return self._subjects().attorney(name, sealed)[1]

    def receipt(self, code: str) -> tuple[Signed[ConsentReceipt], ConsentStanding, Clauses]:
        """A receipt by its verification code, what became of the consent, and what the subject was shown. Public.

        Raises `NotFoundError`, which is not recorded: nobody in particular has asked.
        """
        with self._gate.glance() as step:
            found = consent_requests.receipt(step.connection, code)
            if found is None:
                raise missing("receipt", code)
            signed, text = found
            return signed, self._standing(step, signed.statement), decoded(text)

    def due(self, step: Transaction) -> int:
        """Expire every request whose link has ended, and give their number."""
        names = consent_requests.due(step.connection, step.now)
        for name in names:
            found = consent_requests.load(step.connection, name)
            if found is not None:
                self._move(step, found, Move.EXPIRE, Role.MARKET)
        return len(names)

    def _standing(self, step: Transaction, receipt: ConsentReceipt) -> ConsentStanding:
        if receipt.decision is ConsentDecision.REFUSED:
            return ConsentStanding.REFUSED
        request = consent_requests.load(step.connection, receipt.request)
        held = [] if request is None else consent_subjects.of_tag(step.connection, request.tag)
        own = next(
            each for each in held if (each.contract, each.commitment) == (receipt.contract, receipt.commitment)
        )
        return own.standing(step.now)

    def _move(self, step: Transaction, old: ConsentRequest, move: Move, role: Role) -> ConsentRequest:
        new = replace(old, state=advance(CONSENT_REQUEST, old.id, old.state, move, role))
        consent_requests.move(step.connection, old, new, step.now)
        step.record(
            MOVED[CONSENT_REQUEST.noun, move], contract=new.contract, counterparty=new.consumer, request=new.id
        )
        return new

    def _own(self, step: Transaction, name: str) -> ConsentRequest:
        found = consent_requests.load(step.connection, name)
        if found is None or found.consumer != step.actor.name:
            raise missing("request", name)
        return found

    def _subjects(self) -> SubjectSetting:
        if self._setting.subjects is None:
            raise ConflictError(
                "this marketplace cannot ask subjects for consent", "have its operator configure [identity]"
            )
        return self._setting.subjects
