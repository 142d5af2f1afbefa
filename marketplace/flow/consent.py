"""Consents under a contract in force, as commitments that the consumer has signed; see `compute.records`.

No consent is taken that its subject does not hear of: it has granted a request itself, or the consumer opens the
commitment to it, so that it can be told, and can say "not mine".
"""

from collections.abc import Mapping

from compute.evaluator import consent_violations
from compute.market.consent_requests import BatchRegistration
from compute.records import ConsentBatch, ConsentWithdrawal, opened
from compute.signing import Pins, Signed
from marketplace.errors import ConflictError, InvalidError, WrongStateError
from marketplace.flow.actor import Actor
from marketplace.flow.clocks import CLOCK_SKEW
from marketplace.flow.contract import Contract, require_consumer
from marketplace.flow.facts import require_none
from marketplace.flow.signature import verified


def register(
    contract: Contract,
    registration: BatchRegistration,
    actor: Actor,
    pins: Pins,
    last_withdrawal: int,
    granted: Mapping[bytes, int],
    now: int,
) -> ConsentBatch:
    """Give the batch; that its number is new the store decides.

    `granted` has the commitments to subjects who granted a request themselves, each with until when it did.

    1. The consumer of this contract reports it.
    2. The contract is in force.
    3. The consumer's enrolled key signed it: without that key the marketplace cannot make one.
    4. It names this contract, and was signed now, after the last withdrawal: it revives none by accident.
    5. It ends no later than the contract, and has not ended.
    6. Its form is that of the subjects' type, and of one that the terms name.
    7. Every commitment is to a subject that granted a request for as long, or is opened, by one subject each:
       whoever is told is whose consent is claimed.

    Raises the `MarketplaceError` of the check that failed.
    """
    require_consumer(contract, actor)  # 1
    signed, name = registration.batch, contract.terms.contract
    batch = signed.statement
    if not contract.in_force(now):  # 2
        raise WrongStateError(f"contract {name} is {contract.state} or its term is over")
    verified(signed, actor.name, "consumer", pins)  # 3
    _check_occasion(batch, name, last_withdrawal + 1, now)  # 4
    if not now < batch.expires <= contract.terms.not_after:  # 5
        raise InvalidError(
            f"batch {batch.batch} expires at {batch.expires}, not between now and the end of the contract",
            f"end it by {contract.terms.not_after}",
        )
    require_none(consent_violations(contract.terms, batch.kind))  # 6
    if registration.subject_type.consent_kind is not batch.kind:  # 6
        raise InvalidError(
            f"{batch.kind} is not the form of a consent of type {registration.subject_type}",
            f"register it as {registration.subject_type.consent_kind}",
            fields={"subject_type": f"Consents of this type are {registration.subject_type.consent_kind}."},
        )
    _check_openings(registration, granted)  # 7
    return batch


def _check_openings(registration: BatchRegistration, granted: Mapping[bytes, int]) -> None:
    batch = registration.batch.statement
    claimed = frozenset(batch.commitments)
    shown = [opened(each.opening, each.subject) for each in registration.subjects]
    wrong = [place for place, each in enumerate(shown) if each not in claimed]
    if wrong or len(set(shown)) < len(shown):
        raise InvalidError(
            f"{len(wrong) or 'some'} of the openings open no commitment of the batch, or one twice",
            "open each commitment by its own subject, once",
            fields={f"subjects.{place}.opening": "It opens no commitment of the batch." for place in wrong[:20]},
        )
    agreed = {commitment for commitment, until in granted.items() if batch.expires <= until}
    if untold := len(claimed.difference(shown, agreed)):
        raise InvalidError(
            f"{untold} of {len(claimed)} subjects could not be told",
            "open their commitments, or ask them by a request; what was granted ends when its subject said",
            fields={"subjects": f"{untold} commitments are neither opened nor granted until {batch.expires}."},
        )


def withdraw(
    contract: Contract, signed: Signed[ConsentWithdrawal], actor: Actor, pins: Pins, last_batch: int, now: int
) -> ConsentWithdrawal:
    """Give the withdrawal, in whatever state the contract is: a subject can always take a consent back.

    1. The consumer of this contract reports it.
    2. The consumer's enrolled key signed it.
    3. It names this contract, and was signed now, not before the last batch, so that it ends every consent in it.

    Raises the `MarketplaceError` of the check that failed.
    """
    require_consumer(contract, actor)  # 1
    withdrawal = verified(signed, actor.name, "consumer", pins)  # 2
    _check_occasion(withdrawal, contract.terms.contract, last_batch, now)  # 3
    return withdrawal


def withdraw_for_subject(contract: Contract, commitment: bytes, last_batch: int, now: int) -> ConsentWithdrawal:
    """Give what the marketplace states of a subject's own word: in whatever state the contract is.

    It is of the latest batch's time, should that have come from a clock that is ahead: none outlives it.
    """
    return ConsentWithdrawal(contract=contract.terms.contract, at=max(now, last_batch), commitments=(commitment,))


def _check_occasion(statement: ConsentBatch | ConsentWithdrawal, contract: str, earliest: int, now: int) -> None:
    if statement.contract != contract:
        raise InvalidError(f"it is signed for {statement.contract}, not for {contract}", "sign for this contract")
    if abs(statement.at - now) > CLOCK_SKEW:
        raise InvalidError(f"it is signed as of {statement.at}, now is {now}", "set the clock right and sign anew")
    if statement.at < earliest:
        raise ConflictError(
            f"it is signed as of {statement.at}; there is a later statement", "sign anew, as of now"
        )
