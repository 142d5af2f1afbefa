"""Amendments: proposed by a party, signed by all, and then in force in place of the version before."""

from audit.entry import EntryKind as Kind
from compute.market.reasons import Reason, Why
from compute.signing import Signed, digest
from compute.terms import Terms
from marketplace.commands import moving, permitted
from marketplace.commands.applications import facts_of
from marketplace.commands.cases import Cases
from marketplace.commands.kept_arguments import KeptArguments
from marketplace.commands.readiness import require_ready
from marketplace.errors import missing
from marketplace.flow import amendment as amending
from marketplace.flow.actor import Principal
from marketplace.flow.amendment import Amendment
from marketplace.flow.notice import Topic
from marketplace.flow.states import AMENDMENT, CONTRACT, Move
from marketplace.gate import Gate, Setting
from marketplace.store import amendments, applications, contract_versions, contracts, moves, parties
from marketplace.transaction import Transaction

Who = str | Principal


class Amendments:
    """The commands about amendments, behind the exchange's gate."""

    def __init__(self, gate: Gate, cases: Cases, setting: Setting, kept: KeptArguments) -> None:
        self._gate, self._cases, self._setting, self._kept = gate, cases, setting, kept

    def load(self, actor: Who, contract: str, case: str | None = None) -> Amendment:
        """A contract's latest amendment, for those who may read the contract."""
        with self._cases.reading("amendment", actor, contract, case) as step:
            return self._latest(step, contract)

    def propose(self, actor: Who, contract: str, terms: Terms) -> Amendment:
        """Propose the contract's next version, as one of its parties."""
        with self._gate.command("propose_amendment", actor) as step:
            held, _ = step.contract(contract)
            last = amendments.latest(step.connection, contract)
            approved = applications.load(step.connection, contract)
            operator = approved is not None and self._setting.operator in approved.parts
            made = amending.propose(held, terms, step.actor, facts_of(step, terms), last, operator=operator)
            amendments.add(step.connection, made)
            moving.keep(step, AMENDMENT, contract, Move.APPLY, made.state, part=step.actor.name)
            for party in terms.parties:
                moving.wait(step, AMENDMENT.noun, contract, party, amending.SIGNATURE)
            moving.tell(step, terms.parties, Topic.AMENDMENT_PROPOSED, contract, version=terms.version)
            return made

    def sign(self, actor: Who, signed: Signed[Terms]) -> Amendment:
        """Add the actor's signature; the last one puts the version in force and issues the permits anew."""
        with self._gate.command("sign_amendment", actor) as step:
            name = signed.statement.contract
            held, _ = step.contract(name)
            old = self._latest(step, name)
            pins = parties.pins(step.connection, [step.actor.name])
            new = amending.sign(old, held, signed, step.actor, pins, facts_of(step, old.terms))
            require_ready(step, old.terms, self._kept)
            amendments.add_signature(step.connection, old, signed)
            moving.keep(step, AMENDMENT, name, Move.SIGN, new.state, part=step.actor.name)
            moving.settled_by(step, AMENDMENT.noun, name, step.actor.name)
            step.record(
                Kind.CONTRACT_SIGNED, contract=name, terms=digest(new.terms).hex(), version=new.terms.version
            )
            if not new.is_complete:
                return new
            amended, done = amending.put_in_force(held, new)
            contracts.amend(step.connection, held, amended)
            amendments.move(step.connection, new, done)
            contract_versions.add(step.connection, amended.terms)
            moving.keep(step, AMENDMENT, name, Move.ACTIVATE, done.state)
            moving.settle(step, AMENDMENT.noun, name)
            version = amended.terms.version
            moving.record(step, CONTRACT, name, Move.AMEND, terms=digest(amended.terms).hex(), version=version)
            permitted.reissue(step, amended, self._setting)
            moving.tell(step, amended.terms.parties, Topic.CONTRACT_ACTIVATED, name, move=Move.AMEND.value)
            return done

    def decline(self, actor: Who, contract: str, why: Why) -> Amendment:
        """Decline an amendment that another party proposed; the version in force stays."""
        return self._end("decline_amendment", actor, contract, Move.DECLINE, why)

    def withdraw(self, actor: Who, contract: str, why: Why) -> Amendment:
        """Take an amendment back, as its proposer."""
        return self._end("withdraw_amendment", actor, contract, Move.WITHDRAW, why)

    def lapse_due(self, step: Transaction) -> int:
        """End every amendment that was not signed in time, and give their number."""
        due = moves.lapsed(step.connection, AMENDMENT.noun, step.now)
        for name in due:
            old = self._latest(step, name)
            why = moving.by_itself(Reason.UNDECIDED)
            self._store(step, old, amending.lapse(old, why.reason), Move.EXPIRE, why)
        return len(due)

    def _end(self, command: str, actor: Who, contract: str, move: Move, why: Why) -> Amendment:
        with self._gate.command(command, actor) as step:
            step.contract(contract)
            old = self._latest(step, contract)
            return self._store(step, old, amending.end(old, move, step.actor, why.reason), move, why)

    def _store(self, step: Transaction, old: Amendment, new: Amendment, move: Move, why: Why) -> Amendment:
        name = new.terms.contract
        amendments.move(step.connection, old, new)
        moving.keep(step, AMENDMENT, name, move, new.state, part=step.actor.name, why=why)
        moving.settle(step, AMENDMENT.noun, name)
        moving.tell(step, new.terms.parties, Topic.AMENDMENT_ENDED, name, move=move.value, reason=why.reason.value)
        return new

    def _latest(self, step: Transaction, contract: str) -> Amendment:
        step.contract(contract)
        if (found := amendments.latest(step.connection, contract)) is None:
            raise missing("amendment", contract)
        return found
