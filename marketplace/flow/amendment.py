"""An amendment: the next version of a contract, which all its parties sign; until then the version before binds.

Its name stays, and with it the permits' names, the consents and every count of uses: nothing starts anew. What
subjects were told is not widened by it (`compute.evaluator.amendment_violations`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from compute.evaluator import Facts, amendment_violations
from compute.market.reasons import Reason
from compute.signing import Pins, Signed
from compute.terms import Terms
from marketplace.errors import ForbiddenError, WrongStateError
from marketplace.flow.actor import Actor, role_in
from marketplace.flow.contract import Contract, check_signature
from marketplace.flow.facts import require_none
from marketplace.flow.states import AMENDMENT, CONTRACT, AmendmentState, Due, Move, Role, advance

SIGNATURE: Due = AMENDMENT.due[AmendmentState.PROPOSED]


@dataclass(frozen=True)
class Amendment:
    """The terms proposed, by whom, and the signatures so far."""

    terms: Terms
    proposer: str
    state: AmendmentState
    attempt: int
    """From 1: earlier attempts at this version came to nothing."""
    signatures: Mapping[str, Signed[Terms]] = field(default_factory=dict)

    @property
    def signed(self) -> tuple[Signed[Terms], ...]:
        """The signed terms in the order of `terms.parties`."""
        return tuple(self.signatures[party] for party in self.terms.parties if party in self.signatures)

    @property
    def is_complete(self) -> bool:
        """Whether every party has signed."""
        return len(self.signed) == len(self.terms.parties)


def propose(
    contract: Contract, terms: Terms, actor: Actor, facts: Facts, last: Amendment | None, *, operator: bool
) -> Amendment:
    """Give the amendment that a party proposes; `last` is the latest, `operator` whether it approved the contract.

    1. The actor is a party to the contract, which is in force.
    2. No other amendment waits for signatures.
    3. The evaluator finds nothing against the terms as the next version.
    """
    role = role_in("contract", contract.terms, actor)
    if role not in {Role.CONSUMER, Role.PROVIDER}:  # 1
        raise ForbiddenError(f"{actor.name} is no party of {terms.contract}", "have a party propose it")
    if not contract.in_force(facts.now):  # 1
        raise WrongStateError(f"contract {terms.contract} is {contract.state}, so nobody can amend it")
    if last is not None and last.state is AmendmentState.PROPOSED:  # 2
        moves = (Move.SIGN, Move.DECLINE, Move.WITHDRAW)
        raise WrongStateError(f"another amendment of {terms.contract} waits for signatures", moves)
    require_none(amendment_violations(terms, contract.terms, facts, operator=operator))  # 3
    attempts = 0 if last is None or last.terms.version != terms.version else last.attempt
    return Amendment(terms, actor.name, AmendmentState.PROPOSED, attempts + 1)


def sign(
    amendment: Amendment, contract: Contract, signed: Signed[Terms], actor: Actor, pins: Pins, facts: Facts
) -> Amendment:
    """Give the amendment with one more signature.

    1. It waits for signatures, the actor is a party, the contract is in force.
    2. It still is what may follow the version in force.
    3. The terms are those proposed, signed by the actor's enrolled key, for the first time.
    """
    name = contract.terms.contract
    role = role_in("contract", contract.terms, actor)
    state = advance(AMENDMENT, name, amendment.state, Move.SIGN, role)  # 1
    if not contract.in_force(facts.now):  # 1
        raise WrongStateError(f"contract {name} is {contract.state}, so nobody can amend it")
    require_none(amendment_violations(amendment.terms, contract.terms, facts, operator=True))  # 2
    check_signature(amendment.terms, amendment.signatures, signed, actor, pins)  # 3
    return replace(amendment, state=state, signatures={**amendment.signatures, actor.name: signed})


def put_in_force(contract: Contract, amendment: Amendment) -> tuple[Contract, Amendment]:
    """Give contract and amendment now that all have signed: the new terms bind."""
    name = contract.terms.contract
    if not amendment.is_complete:
        raise WrongStateError(f"amendment {name} lacks a signature", [Move.SIGN])
    state = advance(CONTRACT, name, contract.state, Move.AMEND, Role.MARKET)
    done = advance(AMENDMENT, name, amendment.state, Move.ACTIVATE, Role.MARKET)
    return Contract(amendment.terms, state, amendment.signatures), replace(amendment, state=done)


def end(amendment: Amendment, move: Move, actor: Actor, reason: Reason) -> Amendment:
    """Give the amendment declined by another party or withdrawn by its proposer."""
    role = role_in("contract", amendment.terms, actor)
    state = advance(AMENDMENT, amendment.terms.contract, amendment.state, move, role, reason)
    if (move is Move.WITHDRAW) != (actor.name == amendment.proposer):
        who = "its proposer withdraws it" if move is Move.WITHDRAW else "the other parties decline it"
        raise ForbiddenError(f"an amendment ends when {who}", "choose the other way")
    return replace(amendment, state=state)


def lapse(amendment: Amendment, reason: Reason) -> Amendment:
    """Give the amendment that was not signed in time, or whose contract is over."""
    state = advance(AMENDMENT, amendment.terms.contract, amendment.state, Move.EXPIRE, Role.MARKET, reason)
    return replace(amendment, state=state)
