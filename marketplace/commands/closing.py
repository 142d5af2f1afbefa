"""What a contract's end brings: its amendment comes to nothing, its parties owe word of what they destroyed."""

from compute.market.reasons import Reason
from marketplace.commands import moving
from marketplace.flow import amendment as amending
from marketplace.flow.contract import DESTRUCTION, Contract
from marketplace.flow.states import AMENDMENT, AmendmentState, Move
from marketplace.store import amendments
from marketplace.transaction import Transaction

NOUN = "destruction"
"""Of the deadlines for certificates."""


def close(step: Transaction, contract: Contract) -> None:
    """Do what follows from a contract's end, in its transaction."""
    name = contract.terms.contract
    moving.settle(step, "contract", name)
    pending = amendments.latest(step.connection, name)
    if pending is not None and pending.state is AmendmentState.PROPOSED:
        new = amending.lapse(pending, Reason.CONTRACT_OVER)
        amendments.move(step.connection, pending, new)
        moving.keep(step, AMENDMENT, name, Move.EXPIRE, new.state, why=moving.by_itself(Reason.CONTRACT_OVER))
        moving.settle(step, AMENDMENT.noun, name)
    if contract.is_complete:  # what was never in force left nothing behind
        for party in contract.terms.parties:
            moving.wait(step, NOUN, name, party, DESTRUCTION)
