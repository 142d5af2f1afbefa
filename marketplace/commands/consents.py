"""Consents under a contract: registered and withdrawn by its consumer, read by its parties, told to subjects."""

from collections.abc import Mapping

from audit.entry import EntryKind as Kind
from compute.market.consent_requests import BatchRegistration, OpenedSubject
from compute.records import Consents as ConsentStatements
from compute.records import ConsentWithdrawal, opened
from compute.signing import Signed, digest
from marketplace.commands.cases import Cases
from marketplace.errors import ConflictError, InvalidError, NotFoundError, missing
from marketplace.flow import consent as consenting
from marketplace.flow.actor import Principal
from marketplace.flow.consent_request import require_unended
from marketplace.flow.states import Role
from marketplace.gate import Gate
from marketplace.store import consent_requests, consent_subjects, consents, parties
from marketplace.store.consent_subjects import Known
from marketplace.subjects import SubjectSetting
from marketplace.titles import titles
from marketplace.transaction import Transaction

_NAMED = 20
"""Positions of subjects who cannot be told that an error names."""


class Consents:
    """The commands about consents, behind the exchange's gate."""

    def __init__(self, gate: Gate, cases: Cases, subjects: SubjectSetting | None) -> None:
        self._gate, self._cases, self._subjects = gate, cases, subjects

    def register(self, actor: str | Principal, registration: BatchRegistration) -> int:
        """Register a batch of consents under a contract in force, tell its subjects, and give their number.

        Raises `ConflictError` for one that its subject has ended itself, `InvalidError`, which names positions,
        for subjects who cannot be told.
        """
        signed = registration.batch
        with self._gate.command("register_consents", actor) as step:
            contract, _ = step.contract(signed.statement.contract)
            name, claimed = contract.terms.contract, signed.statement.commitments
            known = consent_subjects.known(step.connection, name, claimed)
            after = max(
                consents.last_withdrawal(step.connection, name, step.actor.name),
                *(each.ended_at for each in known.values() if each.ended_at is not None and each.is_granted),
                -1,
            )
            granted = consent_requests.granted_until(
                step.connection, name, [commitment for commitment, each in known.items() if each.is_granted]
            )
            pins = parties.pins(step.connection, [step.actor.name])
            batch = consenting.register(contract, registration, step.actor, pins, after, granted, step.now)
            require_unended(sum(each.is_ended for each in known.values()))
            if registration.subjects:
                self._tell(step, registration, known)
            consents.add(step.connection, signed)
            count = len(batch.commitments)
            step.record(
                Kind.CONSENT_REGISTERED,
                contract=batch.contract,
                batch=batch.batch,
                statement=digest(batch).hex(),
                evidence=batch.evidence.hex(),
                subjects=count,
            )
            if registration.subjects:
                told = len(registration.subjects)
                step.record(Kind.CONSENT_NOTICED, contract=name, batch=batch.batch, subjects=told)
            return count

    def withdraw(self, actor: str | Principal, signed: Signed[ConsentWithdrawal]) -> int:
        """Withdraw subjects' consents under a contract, and give how many stood: in any state, at any time.

        Raises `NotFoundError`, and withdraws none, if one was never registered.
        """
        with self._gate.command("withdraw_consent", actor, suspended_too=True) as step:
            contract, _ = step.contract(signed.statement.contract)
            pins = parties.pins(step.connection, [step.actor.name])
            after = consents.last_batch(step.connection, contract.terms.contract)
            withdrawal = consenting.withdraw(contract, signed, step.actor, pins, after, step.now)
            name, asked = withdrawal.contract, len(withdrawal.commitments)
            known = consents.known(step.connection, name, withdrawal.commitments)
            if known < asked:
                raise NotFoundError(
                    f"{asked - known} of {asked} commitments were never registered under {name}",
                    "compute them with the salt of this contract",
                )
            count = consents.withdraw(step.connection, signed)
            statement = digest(withdrawal).hex()
            step.record(Kind.CONSENT_WITHDRAWN, contract=name, statement=statement, consents=count)
            return count

    def of(
        self,
        actor: str | Principal,
        contract: str,
        batches: int = 0,
        withdrawals: int = 0,
        case: str | None = None,
    ) -> ConsentStatements:
        """All batches and withdrawals under a contract behind the first so many, as they were signed.

        For the contract's parties, and a supervisor under a case.
        """
        with self._cases.reading("consents", actor, contract, case) as step:
            _, role = step.contract(contract)
            if role not in {Role.CONSUMER, Role.PROVIDER, Role.SUPERVISOR}:
                raise missing("contract", contract)
            return consents.of(step.connection, contract, batches, withdrawals)

    def _tell(self, step: Transaction, registration: BatchRegistration, known: Mapping[bytes, Known]) -> None:
        """Keep whose the commitments are, and have every subject told of the registration."""
        if self._subjects is None:
            raise ConflictError(
                "this marketplace cannot tell subjects of consents", "have its operator configure [identity]"
            )
        setting, batch = self._subjects, registration.batch.statement
        numbers = [setting.desk.contacts.telephone(each.subject) for each in registration.subjects]
        if unknown := [place for place, number in enumerate(numbers) if number is None]:
            raise InvalidError(
                f"{len(unknown)} of {len(numbers)} subjects cannot be told: no telephone number is registered",
                "leave them out, and ask each by a request",
                fields={f"subjects.{place}.subject": "It cannot be told." for place in unknown[:_NAMED]},
            )
        tags = {_commitment(each): setting.tag(each.subject) for each in registration.subjects}
        consent_subjects.add(step.connection, batch.contract, tags, registration.subject_type, known)
        consumer, _ = titles(step.connection, step.actor.name)
        text = setting.notice_text("registered", consumer=consumer, batch=batch.batch)
        setting.tell(step, [(number, text) for number in numbers if number is not None])


def _commitment(shown: OpenedSubject) -> bytes:
    return opened(shown.opening, shown.subject)
