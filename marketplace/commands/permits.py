"""Permits: read, asked whether they stand, taken back, and over when their term is."""

from compute.market.reasons import Reason, Why
from compute.permit import PermitStatus, permit_name
from compute.signing import Signed, digest, sign
from marketplace.command import in_steps
from marketplace.commands import moving, prices
from marketplace.commands.cases import Cases
from marketplace.errors import InvalidError
from marketplace.flow import permit as permitting
from marketplace.flow.actor import Principal
from marketplace.flow.event import MOVED
from marketplace.flow.notice import Topic
from marketplace.flow.office import Matter
from marketplace.flow.permit import PermitRecord
from marketplace.flow.states import PERMIT, Move
from marketplace.gate import Gate, Setting
from marketplace.store import permits, products
from marketplace.transaction import Transaction

NONCE_BYTES = 32


class Permits:
    """The commands about permits, behind the exchange's gate."""

    def __init__(self, gate: Gate, cases: Cases, setting: Setting) -> None:
        self._gate, self._cases, self._setting = gate, cases, setting

    def load(self, actor: str | Principal, contract: str, provider: str, case: str | None = None) -> PermitRecord:
        """The permit for one provider, for the contract's consumer, that provider, and the offices.

        For a supervisor it is one under a case.
        """
        with self._cases.reading("permit", actor, contract, case) as step:
            return step.permit(permit_name(contract, provider))[0]

    def status(self, actor: str | Principal, permit: str, nonce: bytes) -> Signed[PermitStatus]:
        """Whether a permit stands now, signed over the asker's fresh `nonce` of 32 bytes."""
        with self._gate.query("permit_status", actor) as step:
            if len(nonce) != NONCE_BYTES:
                raise InvalidError(f"the nonce has {len(nonce)} bytes", f"draw {NONCE_BYTES} at random")
            record, contract, _ = step.permit(permit)
            terms = contract.terms
            grant = next(grant for grant in terms.grants if grant.provider == record.provider)
            names = (terms.consumer, record.provider, terms.model_reviewer)
            members = [step.party(name) for name in names]
            state = products.state(step.connection, grant.key)
            stands = permitting.stands(record, contract, members, state, step.now)
            active = stands and prices.is_within_cap(step, terms.contract, record.provider)
            agreed = digest(terms).hex()
            status = PermitStatus(permit=permit, nonce=nonce, active=active, terms=agreed, at=step.now)
            return sign(status, self._setting.market, self._setting.key)

    @in_steps("revoke_permit", Matter.CONTRACT_END, about="permit")
    def revoke(self, actor: str | Principal, permit: str, why: Why) -> PermitRecord:
        """Take a permit back for good; the contract's parties are told."""
        with self._gate.command("revoke_permit", actor) as step:
            _, contract, _ = step.permit(permit)
            new = self._move(step, permit, Move.REVOKE, why)
            told = (contract.terms.consumer, new.provider)
            moving.tell(step, told, Topic.CONTRACT_STOPPED, new.contract, move=Move.REVOKE.value, permit=permit)
            return new

    def expire_due(self, step: Transaction) -> int:
        """Expire every permit whose term is over, and give their number."""
        due = permits.due(step.connection, step.now)
        for name in due:
            self._move(step, name, Move.EXPIRE, moving.by_itself(Reason.TERM_OVER))
        return len(due)

    def _move(self, step: Transaction, name: str, move: Move, why: Why) -> PermitRecord:
        old, _, role = step.permit(name)
        new = permitting.move(old, move, role, why.reason)
        permits.move(step.connection, old, new)
        moving.keep(step, PERMIT, new.contract, move, new.state, part=new.provider, why=why)
        step.record(MOVED[PERMIT.noun, move], contract=new.contract, permit=new.id, reason=why.reason.value)
        return new
