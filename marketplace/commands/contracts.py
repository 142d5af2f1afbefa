"""Contracts: signed by every party, in force once all have signed, stopped, ended, and over when their term is."""

from audit.entry import EntryKind as Kind
from audit.entry import Value
from compute.market.contracts import Certificates, DestructionCertificate
from compute.market.legend import Legend
from compute.market.reasons import Why
from compute.signing import Signed, digest
from compute.terms import Terms
from marketplace.command import in_steps
from marketplace.commands import closing, moving, permitted
from marketplace.commands.applications import facts_of
from marketplace.commands.cases import Cases
from marketplace.commands.kept_arguments import KeptArguments
from marketplace.commands.readiness import require_ready
from marketplace.errors import missing
from marketplace.flow import contract as contracting
from marketplace.flow.actor import Principal
from marketplace.flow.contract import Contract
from marketplace.flow.event import event
from marketplace.flow.notice import Topic
from marketplace.flow.office import Matter
from marketplace.flow.states import CONTRACT, ContractState, Move
from marketplace.gate import Gate, Setting
from marketplace.legend import legend
from marketplace.store import amendments, contract_versions, contracts, moves, parties
from marketplace.store.contract_versions import Agreement
from marketplace.transaction import Transaction

Who = str | Principal


class Contracts:
    """The commands about contracts, behind the exchange's gate."""

    def __init__(self, gate: Gate, cases: Cases, setting: Setting, kept: KeptArguments) -> None:
        self._gate, self._cases, self._setting, self._kept = gate, cases, setting, kept

    # --- reading ----------------------------------------------------------------------------------------------

    def load(self, actor: Who, contract: str, case: str | None = None) -> Contract:
        """A contract with its signatures so far, for its parties, the operator, and a supervisor under a case."""
        with self._cases.reading("contract", actor, contract, case) as step:
            return step.contract(contract)[0]

    def agreement(
        self, actor: Who, contract: str, version: int | None = None, case: str | None = None
    ) -> Agreement:
        """The documents of a version of a contract, the present one unless another is named."""
        with self._cases.reading("agreement", actor, contract, case) as step:
            return self._agreement(step, contract, version)

    def versions(self, actor: Who, contract: str, case: str | None = None) -> list[Terms]:
        """The terms of every version of a contract, the first one first."""
        with self._cases.reading("versions", actor, contract, case) as step:
            step.contract(contract)
            return contract_versions.versions(step.connection, contract)

    def legend(self, actor: Who, contract: str, version: int | None = None, case: str | None = None) -> Legend:
        """What the identifiers of a version are called, for whoever may read it; no part of the contract."""
        with self._cases.reading("legend", actor, contract, case) as step:
            return legend(step.connection, self._agreement(step, contract, version).terms)

    def certificates(self, actor: Who, contract: str, case: str | None = None) -> Certificates:
        """What the parties certified to have destroyed, and who still owes it."""
        with self._cases.reading("certificates", actor, contract, case) as step:
            held, _ = step.contract(contract)
            given = amendments.certificates_of(step.connection, contract)
            done = {signed.signer for signed in given}
            owing = held.terms.parties if held.state in contracting.ENDED and held.is_complete else ()
            return Certificates(
                certificates=tuple(given), owing=tuple(party for party in owing if party not in done)
            )

    # --- the parties' -----------------------------------------------------------------------------------------

    def sign(self, actor: Who, signed: Signed[Terms]) -> Contract:
        """Add the actor's signature; the last one puts the contract in force and issues the permits."""
        with self._gate.command("sign_contract", actor) as step:
            old, _ = step.contract(signed.statement.contract)
            pins = parties.pins(step.connection, [step.actor.name])
            new = contracting.sign(old, signed, step.actor, pins, facts_of(step, old.terms))
            require_ready(step, old.terms, self._kept)
            contracts.add_signature(step.connection, signed)
            name = new.terms.contract
            moving.keep(step, CONTRACT, name, Move.SIGN, new.state)
            moving.settled_by(step, CONTRACT.noun, name, step.actor.name)
            step.record(Kind.CONTRACT_SIGNED, contract=name, terms=digest(new.terms).hex())
            return self._activate(step, new) if new.is_complete else new

    @in_steps("terminate_contract", Matter.CONTRACT_END, about="contract")
    def terminate(self, actor: Who, contract: str, why: Why) -> Contract:
        """End a contract, or a draft, before its time, as one of its parties."""
        return self._end("terminate_contract", actor, contract, Move.TERMINATE, why)

    def certify(self, actor: Who, signed: Signed[DestructionCertificate]) -> DestructionCertificate:
        """Take a party's certificate of what it destroyed, once the contract is over."""
        with self._gate.command("certify_destruction", actor, suspended_too=True) as step:
            held, _ = step.contract(signed.statement.contract)
            pins = parties.pins(step.connection, [step.actor.name])
            certificate = contracting.certify(held, signed, step.actor, pins, step.now)
            amendments.certify(step.connection, signed)
            name = certificate.contract
            moving.settled_by(step, closing.NOUN, name, step.actor.name)
            counts: dict[str, Value] = {kept.value: count for kept, count in certificate.destroyed.items()}
            detail = counts | {"statement": digest(certificate).hex()}
            step.report(event(Kind.DESTRUCTION_CERTIFIED, step.market, certificate.party, step.now, detail, name))
            moving.tell(step, held.terms.parties, Topic.DESTRUCTION_CERTIFIED, name, party=certificate.party)
            return certificate

    # --- any side's -------------------------------------------------------------------------------------------

    @in_steps("suspend_contract", Matter.CONTRACT_END, about="contract")
    def suspend(self, actor: Who, contract: str, why: Why) -> Contract:
        """Stop a contract for a time, as one of its sides: no permit under it stands."""
        with self._gate.command("suspend_contract", actor) as step:
            old, _ = step.contract(contract)
            return self._store(step, old, contracting.suspend(old, step.actor, why), Move.SUSPEND, why)

    def reinstate(self, actor: Who, contract: str) -> Contract:
        """End the actor's own suspension; the contract goes on unless another side has stopped it, too."""
        with self._gate.command("reinstate_contract", actor) as step:
            old, _ = step.contract(contract)
            return self._store(step, old, contracting.reinstate(old, step.actor), Move.REINSTATE)

    @in_steps("revoke_contract", Matter.CONTRACT_END, about="contract")
    def revoke(self, actor: Who, contract: str, why: Why) -> Contract:
        """End a contract at once for a cause, as any of its sides."""
        return self._end("revoke_contract", actor, contract, Move.REVOKE, why)

    # --- by itself --------------------------------------------------------------------------------------------

    def expire_due(self, step: Transaction) -> int:
        """Expire every contract whose term is over or that was not signed in time, and give their number."""
        over = contracts.due(step.connection, step.now)
        late = moves.lapsed(step.connection, CONTRACT.noun, step.now)
        due = [*over, *(name for name in late if name not in over)]
        for name in due:
            old, _ = step.contract(name)
            new, reason = contracting.expire(old, step.now)
            self._store(step, old, new, Move.EXPIRE, moving.by_itself(reason))
        return len(due)

    # --- shared steps -----------------------------------------------------------------------------------------

    def _agreement(self, step: Transaction, contract: str, version: int | None) -> Agreement:
        held, _ = step.contract(contract)
        named = held.terms.version if version is None else version
        if (found := contract_versions.load(step.connection, contract, named)) is None:
            raise missing("version", f"{named} of {contract}")
        return found

    def _end(self, command: str, actor: Who, contract: str, move: Move, why: Why) -> Contract:
        with self._gate.command(command, actor) as step:
            old, _ = step.contract(contract)
            return self._store(step, old, contracting.end(old, move, step.actor, why), move, why)

    def _activate(self, step: Transaction, old: Contract) -> Contract:
        new = contracting.activate(old)
        self._store(step, old, new, Move.ACTIVATE)
        permitted.issue(step, new, self._setting)
        if new.terms.renews is not None:
            step.record(Kind.CONTRACT_RENEWED, contract=new.terms.renews, renewed_by=new.terms.contract)
        return new

    def _store(
        self, step: Transaction, old: Contract, new: Contract, move: Move, why: Why | None = None
    ) -> Contract:
        name = new.terms.contract
        contracts.move(step.connection, old, new)
        actor = step.actor
        moving.keep(step, CONTRACT, name, move, new.state, part=actor.name, why=why)
        stopped = {"suspensions": len(new.suspended_by)} if new.suspended_by else {}
        moving.record(step, CONTRACT, name, move, why, **stopped)
        if move is Move.ACTIVATE:
            moving.settle(step, CONTRACT.noun, name)
        if new.state in contracting.ENDED:
            closing.close(step, new)
        topic = Topic.CONTRACT_ACTIVATED if new.state is ContractState.ACTIVE else Topic.CONTRACT_STOPPED
        stated = {} if why is None else {"reason": why.reason.value}
        moving.tell(step, new.terms.parties, topic, name, move=move.value, **stated)
        return new
