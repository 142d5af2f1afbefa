"""Whether an organisation agrees to sign a contract: its node signs, which no member can do for it.

The command changes nothing by itself. Where an organisation has steps for it, its approval is what lasts, and the
signature waits for one of just these terms.
"""

from compute.signing import digest
from compute.terms import Terms
from marketplace.command import in_steps
from marketplace.commands.kept_arguments import KeptArguments
from marketplace.errors import ConflictError
from marketplace.flow.actor import Principal
from marketplace.flow.contract import Contract
from marketplace.flow.office import Matter
from marketplace.gate import Gate
from marketplace.store import amendments, approval_rules, approvals
from marketplace.transaction import Transaction

_COMMAND = "ready_to_sign"


class Readiness:
    """The command by which members agree to sign."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @in_steps(_COMMAND, Matter.CONTRACT_SIGN_READY, about="contract")
    def declare(self, actor: str | Principal, contract: str, terms_digest: str) -> Contract:
        """Agree to sign the terms with this digest; an organisation without steps for it always does.

        Of an amendment that waits they are its own. Raises `ConflictError` for other terms than both.
        """
        with self._gate.command(_COMMAND, actor) as step:
            found, _ = step.contract(contract)
            pending = amendments.latest(step.connection, contract)
            wanted = [found.terms, *([] if pending is None else [pending.terms])]
            if terms_digest not in {digest(terms).hex() for terms in wanted}:
                raise ConflictError(f"{contract} has other terms than you read", "read them again")
            return found


def require_ready(step: Transaction, terms: Terms, kept: KeptArguments) -> None:
    """Return if the actor's organisation may sign these terms now.

    Raises `ConflictError` if it has steps for it, does not let its node act alone, and they are not passed.
    """
    rule = approval_rules.load(step.connection, step.actor.name, Matter.CONTRACT_SIGN_READY)
    if rule is None or rule.node:
        return
    read = digest(terms).hex()
    for each in approvals.completed(step.connection, step.actor.name, _COMMAND, terms.contract):
        if kept.open(each)["terms_digest"] == read:
            return
    raise ConflictError(
        f"{step.actor.name} has steps of its own before it signs, and they are not passed for these terms",
        f"have a member send POST /contracts/{terms.contract}/ready, and its colleagues pass it",
    )
