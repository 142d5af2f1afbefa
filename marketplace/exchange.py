"""The commands of the marketplace, each the same way: load → rule → store and record, in one transaction.

`actor` is always the name of a party whose signature on the request was verified. A refused command has changed
nothing, and its refusal is in the log before its error is raised.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Engine

from audit.entry import Entry
from audit.entry import EntryKind as Kind
from audit.errors import CounterError, IdTakenError
from audit.log import Log
from audit.storage.batch import Batch
from compute.permit import PermitStatus, permit_name
from compute.records import ConsentBatch, Consents, ConsentWithdrawal, PartyRecord
from compute.signing import Pin, Signed, digest, sign
from compute.terms import Grant, Terms
from marketplace.cases import Cases
from marketplace.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    OutOfOrderError,
    missing,
)
from marketplace.flow import application as applying
from marketplace.flow import consent as consenting
from marketplace.flow import contract as contracting
from marketplace.flow import party as enrolment
from marketplace.flow import permit as permitting
from marketplace.flow import product as publishing
from marketplace.flow.application import Application
from marketplace.flow.contract import Contract
from marketplace.flow.event import MOVED, check_report
from marketplace.flow.party import Party
from marketplace.flow.permit import PermitRecord
from marketplace.flow.product import Listing
from marketplace.flow.states import PARTY, PRODUCT, ApplicationState, Move, Role, advance
from marketplace.gate import Gate, Setting
from marketplace.reporting import Reporting
from marketplace.store import applications, consents, contracts, parties, permits, products, tables
from marketplace.transaction import Transaction

NONCE_BYTES = 32


class Exchange:
    """The marketplace over an engine of `audit.database.open_engine`; makes its tables if the file has none.

    Commands raise `MarketplaceError` where they refuse, `audit.errors.LogError` where the database fails.
    """

    def __init__(self, engine: Engine, setting: Setting) -> None:
        self.log = Log(engine, setting.signer)
        self._setting = setting
        self._gate, self._reporting = Gate(self.log, setting), Reporting(self.log, setting)
        self.cases = Cases(self._gate)
        with self.log.transaction() as batch:
            tables.metadata.create_all(batch.connection)

    # --- parties ----------------------------------------------------------------------------------------------

    def enrol_party(self, actor: str, application: Signed[PartyRecord], admission: Signed[PartyRecord]) -> Party:
        """Enrol a party on its own signature and the operator's: `flow.party.enrol` has the checks."""
        with self._gate.command("enrol_party", actor) as step:
            party = enrolment.enrol(application, admission, step.actor, self._setting.pins)
            parties.add(step.connection, party, application, admission)
            record = party.record
            base_url = {} if record.base_url is None else {"base_url": record.base_url}
            step.record(
                Kind.PARTY_ENROLLED,
                counterparty=record.name,
                party_kind=record.kind.value,
                public_key=b64encode(record.public_key).decode(),
                admission=b64encode(admission.signature).decode(),
                **base_url,
            )
            return party

    def suspend_party(self, actor: str, name: str) -> Party:
        """Stop a party: it can command nothing, and no permit that it takes part in stands."""
        return self._move_party("suspend_party", actor, name, Move.SUSPEND)

    def reinstate_party(self, actor: str, name: str) -> Party:
        """End a party's suspension."""
        return self._move_party("reinstate_party", actor, name, Move.REINSTATE)

    def pins(self) -> dict[str, Pin]:
        """The keys by which signatures are verified: all parties', the operator's and the marketplace's own."""
        with self.log.snapshot() as connection:
            return parties.pins(connection) | self._setting.pins

    def directory(self, actor: str) -> list[Signed[PartyRecord]]:
        """The enrolled parties, each signed by the operator, whose key is all that a node has to pin."""
        with self._gate.query("directory", actor) as step:
            return parties.admissions(step.connection)

    # --- products ---------------------------------------------------------------------------------------------

    def publish_product(self, actor: str, description: bytes) -> Listing:
        """List a version of the actor's product; `description` is TOML."""
        with self._gate.command("publish_product", actor) as step:
            listing = publishing.publish(description, step.actor)
            products.add(step.connection, listing)
            self._record_product(step, listing, Move.LIST)
            return listing

    def delist_product(self, actor: str, provider: str, product: str, version: str) -> Listing:
        """End the offer of a version; contracts about it go on."""
        return self._move_product("delist_product", actor, (provider, product, version), Move.DELIST)

    def suspend_product(self, actor: str, provider: str, product: str, version: str) -> Listing:
        """Stop a version: it cannot be applied for, and no permit about it stands."""
        return self._move_product("suspend_product", actor, (provider, product, version), Move.SUSPEND)

    def reinstate_product(self, actor: str, provider: str, product: str, version: str) -> Listing:
        """End a version's suspension."""
        return self._move_product("reinstate_product", actor, (provider, product, version), Move.REINSTATE)

    def list_products(self) -> list[Listing]:
        """The public catalog: what is on offer, by provider, product and version."""
        with self.log.snapshot() as connection:
            return products.listed(connection)

    def product(self, provider: str, product: str, version: str) -> Listing:
        """One version, in whatever state, for those who hold a contract about it. Public.

        Raises `NotFoundError`, which is not recorded: nobody in particular has asked.
        """
        with self.log.snapshot() as connection:
            listing = products.load(connection, (provider, product, version))
        if listing is None:
            raise missing("product", f"{product} {version} of {provider}")
        return listing

    # --- applications -----------------------------------------------------------------------------------------

    def apply(self, actor: str, reference: str, terms: Terms) -> Application:
        """Apply for terms under the actor's own reference, which names the contract (`contract_name`)."""
        with self._gate.command("apply", actor) as step:
            listings = {grant: products.load(step.connection, _key(grant)) for grant in terms.grants}
            reviewer = parties.load(step.connection, terms.model_reviewer)
            made = applying.submit(reference, terms, step.actor, listings, reviewer, step.now)
            applications.add(step.connection, made)
            asked = {"operation": terms.operation, "purpose": terms.purpose, "terms": digest(terms).hex()}
            step.record(Kind.APPLICATION_SUBMITTED, contract=terms.contract, **asked)
            return made

    def approve(self, actor: str, contract: str, terms_digest: str) -> Application:
        """Approve the actor's part of the terms with this digest; the last approval drafts the contract."""
        return self._decide("approve", actor, contract, Move.APPROVE, terms_digest)

    def reject(self, actor: str, contract: str) -> Application:
        """Reject the actor's part, which ends the application."""
        return self._decide("reject", actor, contract, Move.REJECT)

    def return_for_correction(self, actor: str, contract: str) -> Application:
        """Return the actor's part, for the consumer to correct."""
        return self._decide("return_for_correction", actor, contract, Move.RETURN)

    def resubmit(self, actor: str, contract: str, grant: Grant) -> Application:
        """Ask a provider that returned its part for another grant."""
        with self._gate.command("resubmit", actor) as step:
            old = step.application(contract)
            listing = products.load(step.connection, _key(grant))
            new = applying.resubmit(old, grant, step.actor, listing, step.now)
            applications.move(step.connection, old, new)
            fresh = digest(new.terms).hex()
            step.record(Kind.APPLICATION_RESUBMITTED, contract=contract, provider=grant.provider, terms=fresh)
            return new

    def application(self, actor: str, contract: str, case: str | None = None) -> Application:
        """An application, for its consumer, its providers, the operator, and a supervisor under a case."""
        with self.cases.reading("application", actor, contract, case) as step:
            return step.application(contract)

    def applications(self, actor: str) -> list[Application]:
        """The applications that the actor made or has a part in, by name."""
        with self._gate.query("applications", actor) as step:
            return [step.application(name) for name in applications.names_of(step.connection, actor)]

    # --- contracts --------------------------------------------------------------------------------------------

    def contract(self, actor: str, contract: str, case: str | None = None) -> Contract:
        """A contract with its signatures so far, for its parties, the operator, and a supervisor under a case."""
        with self.cases.reading("contract", actor, contract, case) as step:
            return step.contract(contract)[0]

    def sign_contract(self, actor: str, signed: Signed[Terms]) -> Contract:
        """Add the actor's signature; the last one puts the contract in force and issues the permits."""
        with self._gate.command("sign_contract", actor) as step:
            old, _ = step.contract(signed.statement.contract)
            pins = parties.pins(step.connection, [actor])
            new = contracting.sign(old, signed, step.actor, pins, step.now)
            contracts.add_signature(step.connection, signed)
            name = new.terms.contract
            step.record(Kind.CONTRACT_SIGNED, contract=name, terms=digest(new.terms).hex())
            return self._activate(step, new) if new.is_complete else new

    def suspend_contract(self, actor: str, contract: str) -> Contract:
        """Stop a contract for a time: no permit under it stands."""
        return self._move_contract("suspend_contract", actor, contract, Move.SUSPEND)

    def reinstate_contract(self, actor: str, contract: str) -> Contract:
        """End a contract's suspension."""
        return self._move_contract("reinstate_contract", actor, contract, Move.REINSTATE)

    def terminate_contract(self, actor: str, contract: str) -> Contract:
        """End a contract, or a draft, before its time."""
        return self._move_contract("terminate_contract", actor, contract, Move.TERMINATE)

    def expire(self) -> int:
        """Expire every contract and permit whose term is over, close every case, and give their number.

        Nothing waits for it: a term that is over stops contract and permit by itself. This states it in the log.
        """
        with self._gate.housekeeping() as step:
            ended = contracts.due(step.connection, step.now)
            for name in ended:
                old, role = step.contract(name)
                self._store_contract(step, old, contracting.move(old, Move.EXPIRE, role), Move.EXPIRE)
            spent = permits.due(step.connection, step.now)
            for name in spent:
                self._move_permit(step, name, Move.EXPIRE)
            return len(ended) + len(spent) + self.cases.close_due(step)

    # --- consents ---------------------------------------------------------------------------------------------

    def register_consents(self, actor: str, signed: Signed[ConsentBatch]) -> int:
        """Register a batch of consents under a contract in force, and give their number."""
        with self._gate.command("register_consents", actor) as step:
            contract, _ = step.contract(signed.statement.contract)
            pins = parties.pins(step.connection, [actor])
            after = consents.last_withdrawal(step.connection, contract.terms.contract)
            batch = consenting.register(contract, signed, step.actor, pins, after, step.now)
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
            return count

    def withdraw_consent(self, actor: str, signed: Signed[ConsentWithdrawal]) -> int:
        """Withdraw subjects' consents under a contract, and give how many stood: in any state, at any time.

        Raises `NotFoundError`, and withdraws none, if one was never registered.
        """
        with self._gate.command("withdraw_consent", actor, suspended_too=True) as step:
            contract, _ = step.contract(signed.statement.contract)
            pins = parties.pins(step.connection, [actor])
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

    def consents_of(
        self, actor: str, contract: str, batches: int = 0, withdrawals: int = 0, case: str | None = None
    ) -> Consents:
        """All batches and withdrawals under a contract behind the first so many, as its consumer signed them.

        For the contract's parties, and a supervisor under a case.
        """
        with self.cases.reading("consents", actor, contract, case) as step:
            _, role = step.contract(contract)
            if role not in {Role.CONSUMER, Role.PROVIDER, Role.SUPERVISOR}:
                raise missing("contract", contract)
            return consents.of(step.connection, contract, batches, withdrawals)

    # --- permits ----------------------------------------------------------------------------------------------

    def permit_for(self, actor: str, contract: str, provider: str, case: str | None = None) -> PermitRecord:
        """The permit for one provider, for the contract's consumer, that provider, and the offices.

        For a supervisor it is one under a case.
        """
        with self.cases.reading("permit", actor, contract, case) as step:
            return step.permit(permit_name(contract, provider))[0]

    def permit_status(self, actor: str, permit: str, nonce: bytes) -> Signed[PermitStatus]:
        """Whether a permit stands now, signed over the asker's fresh `nonce` of 32 bytes."""
        with self._gate.query("permit_status", actor) as step:
            if len(nonce) != NONCE_BYTES:
                raise InvalidError(f"the nonce has {len(nonce)} bytes", f"draw {NONCE_BYTES} at random")
            record, contract, _ = step.permit(permit)
            terms = contract.terms
            grant = next(grant for grant in terms.grants if grant.provider == record.provider)
            names = (terms.consumer, record.provider, terms.model_reviewer)
            members = [step.party(name) for name in names]
            state = products.state(step.connection, _key(grant))
            active = permitting.stands(record, contract, members, state, step.now)
            status = PermitStatus(permit=permit, nonce=nonce, active=active, at=step.now)
            return sign(status, self._setting.market, self._setting.key)

    def revoke_permit(self, actor: str, permit: str) -> PermitRecord:
        """Take a permit back for good."""
        with self._gate.command("revoke_permit", actor) as step:
            return self._move_permit(step, permit, Move.REVOKE)

    # --- audit ------------------------------------------------------------------------------------------------

    def append_events(self, entries: Sequence[Entry]) -> list[int]:
        """Append events that one node has signed, all or none, and give their indices; a retry gets the same.

        1. They are of one enrolled party, suspended or not, and signed by its key: this comes before all else, and
           what fails it is nobody's in particular, so it is not recorded.
        2. Each is one that a node in its role reports, in the form of the vocabulary.
        3. What each names exists: an enrolled counterparty, a contract that the node is a party to, a permit of
           that contract, which is the node's business; and what it says of the contract is so.
        4. Its counter is the next of this node's about this contract, and its id is free.
        """
        node, role = self._reporting.signer(entries)  # 1
        with self._gate.refusing("append_events", node):
            for entry in entries:
                check_report(entry, role, self._setting.clock())  # 2
            try:
                return self.log.grouped(lambda batch: self._append(batch, entries))
            except CounterError as error:  # 4
                raise OutOfOrderError(str(error), "send the node's events in order, none left out") from error
            except IdTakenError as error:  # 4
                raise ConflictError(str(error), "draw a new id for each event") from error

    def trace(
        self, actor: str, contract: str, case: str | None = None, *, after: int = -1, limit: int | None = None
    ) -> list[tuple[int, Entry]]:
        """The entries about a contract since its application and behind index `after`, with their indices.

        For its parties, the operator, and a supervisor under a case.
        """
        with self.cases.reading("trace", actor, contract, case) as step:
            step.application(contract)
        return self.log.entries_of(contract, after, limit)

    # --- shared steps -----------------------------------------------------------------------------------------

    def _append(self, batch: Batch, entries: Sequence[Entry]) -> list[int]:
        batch.look_up(entries)
        indices = []
        for entry in entries:
            if (index := batch.recorded(entry)) is None:
                self._reporting.check_names(batch.connection, entry)  # 3
                index = batch.add(entry)
            indices.append(index)
        return indices

    def _move_party(self, command: str, actor: str, name: str, move: Move) -> Party:
        with self._gate.command(command, actor) as step:
            old = step.party(name)
            new = replace(old, state=advance(PARTY, name, old.state, move, step.actor.office))
            parties.move(step.connection, old, new)
            step.record(MOVED[PARTY.noun, move], counterparty=name)
            return new

    def _move_product(self, command: str, actor: str, key: tuple[str, str, str], move: Move) -> Listing:
        with self._gate.command(command, actor) as step:
            old = step.listing(key)
            role = publishing.role_of(old.product.provider, step.actor)
            new = replace(old, state=advance(PRODUCT, old.product.id, old.state, move, role))
            products.move(step.connection, old, new)
            self._record_product(step, new, move)
            return new

    def _record_product(self, step: Transaction, listing: Listing, move: Move) -> None:
        provider, product, version = listing.key
        described = {"product": product, "product_version": version, "description": listing.digest}
        step.record(MOVED[PRODUCT.noun, move], counterparty=provider, **described)

    def _decide(self, command: str, actor: str, contract: str, move: Move, read: str | None = None) -> Application:
        with self._gate.command(command, actor) as step:
            old = step.application(contract)
            new = applying.decide(old, step.actor, move, step.now, read)
            applications.move(step.connection, old, new)
            step.record(MOVED["application", move], contract=contract, terms=digest(new.terms).hex())
            if new.state is ApplicationState.APPROVED:
                contracts.add(step.connection, contracting.draft(new))
                step.record(Kind.CONTRACT_DRAFTED, contract=contract, terms=digest(new.terms).hex())
            return new

    def _activate(self, step: Transaction, old: Contract) -> Contract:
        new = contracting.activate(old)
        self._store_contract(step, old, new, Move.ACTIVATE)
        name = new.terms.contract
        issued = permitting.issue_all(new, self._setting.market, self._setting.key, step.now)
        for permit, grant in zip(issued, new.terms.grants, strict=True):
            permits.add(step.connection, permit)
            # What is granted stands in the log beside what is used: anybody can compare them.
            step.record(
                Kind.PERMIT_ISSUED,
                contract=name,
                permit=permit.id,
                counterparty=permit.provider,
                product=grant.product,
                product_version=grant.product_version,
                fields=tuple(sorted(grant.fields)),
                not_before=new.terms.not_before,
                not_after=new.terms.not_after,
                max_uses=new.terms.max_uses,
            )
        return new

    def _move_contract(self, command: str, actor: str, contract: str, move: Move) -> Contract:
        with self._gate.command(command, actor) as step:
            old, role = step.contract(contract)
            new = contracting.move(old, move, role)
            self._store_contract(step, old, new, move)
            return new

    def _store_contract(self, step: Transaction, old: Contract, new: Contract, move: Move) -> None:
        contracts.move(step.connection, old, new)
        step.record(MOVED["contract", move], contract=new.terms.contract)

    def _move_permit(self, step: Transaction, name: str, move: Move) -> PermitRecord:
        old, _, role = step.permit(name)
        new = permitting.move(old, move, role)
        permits.move(step.connection, old, new)
        step.record(MOVED["permit", move], contract=new.contract, permit=new.id)
        return new


def _key(grant: Grant) -> tuple[str, str, str]:
    return grant.provider, grant.product, grant.product_version
