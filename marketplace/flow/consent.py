"""Consents under a contract in force, as commitments that the consumer has signed; see `compute.records`."""

from compute.records import ConsentBatch, ConsentWithdrawal
from compute.signing import Pins, Signed
from marketplace.errors import ConflictError, InvalidError, WrongStateError
from marketplace.flow.actor import Actor
from marketplace.flow.clocks import CLOCK_SKEW
from marketplace.flow.contract import Contract, require_consumer
from marketplace.flow.signature import verified


def register(
    contract: Contract, signed: Signed[ConsentBatch], actor: Actor, pins: Pins, last_withdrawal: int, now: int
) -> ConsentBatch:
    """Give the batch; that its number is new the store decides.

    1. The consumer of this contract reports it.
    2. The contract is in force.
    3. The consumer's enrolled key signed it: without that key the marketplace cannot make one.
    4. It names this contract, and was signed now, after the last withdrawal: it revives none by accident.
    5. It ends no later than the contract, and has not ended.

    Raises the `MarketplaceError` of the check that failed.
    """
    require_consumer(contract, actor)  # 1
    name, batch = contract.terms.contract, signed.statement
    if not contract.in_force(now):  # 2
        raise WrongStateError(f"contract {name} is {contract.state} or its term is over")
    verified(signed, actor.name, "consumer", pins)  # 3
    _check_occasion(batch, name, last_withdrawal + 1, now)  # 4
    if not now < batch.expires <= contract.terms.not_after:  # 5
        raise InvalidError(
            f"batch {batch.batch} expires at {batch.expires}, not between now and the end of the contract",
            f"end it by {contract.terms.not_after}",
        )
    return batch


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


def _check_occasion(statement: ConsentBatch | ConsentWithdrawal, contract: str, earliest: int, now: int) -> None:
    if statement.contract != contract:
        raise InvalidError(f"it is signed for {statement.contract}, not for {contract}", "sign for this contract")
    if abs(statement.at - now) > CLOCK_SKEW:
        raise InvalidError(f"it is signed as of {statement.at}, now is {now}", "set the clock right and sign anew")
    if statement.at < earliest:
        raise ConflictError(
            f"it is signed as of {statement.at}; there is a later statement", "sign anew, as of now"
        )
