"""One command's transaction: what it changes and what the log says of it commit together or not at all.

Whatever it loads is there and is the actor's business, or `NotFoundError` is raised.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from audit.entry import EntryKind, Event, Value
from audit.storage.batch import Batch
from compute.terms import Terms
from marketplace.errors import missing
from marketplace.flow.actor import Actor, role_in
from marketplace.flow.application import Application, undrafted
from marketplace.flow.case import AuditCase
from marketplace.flow.contract import Contract
from marketplace.flow.event import event
from marketplace.flow.metering import standing
from marketplace.flow.notice import Notice, Topic
from marketplace.flow.party import Party
from marketplace.flow.permit import PermitRecord, permit_role
from marketplace.flow.product import Listing, require_visible
from marketplace.flow.states import Role
from marketplace.store import applications, cases, contracts, notices, parties, permits, products, usage


@dataclass(frozen=True)
class Transaction:
    """The open connection, who commands, and the one time that the whole command goes by."""

    connection: Connection
    actor: Actor
    now: int
    """UTC, milliseconds since 1970-01-01."""
    market: str
    batch: Batch | None
    """What is recorded; None where nothing may be."""

    def record(
        self,
        kind: EntryKind,
        *,
        contract: str | None = None,
        permit: str | None = None,
        counterparty: str | None = None,
        **detail: Value,
    ) -> None:
        """Append an event; the counterparty is the actor, if that is another, unless a party is named."""
        actor = None if self.actor.name == self.market else self.actor.name
        self.report(event(kind, self.market, counterparty or actor, self.now, detail, contract, permit))

    def report(self, made: Event) -> int:
        """Append an event of the marketplace's as it is, and give its index."""
        if self.batch is None:
            raise RuntimeError("nothing can be recorded in a transaction that only reads")
        if (stood := standing(made)) is not None:  # what a month of it costs follows from the log alone
            usage.stand(self.connection, stood)
        return self.batch.report(made)

    def notify(
        self,
        organisation: str,
        topic: Topic,
        about: str,
        *,
        role: str | None = None,
        member: str | None = None,
        **data: str | int,
    ) -> None:
        """Tell an organisation, those with a role in it, or one member of what happened, once this commits."""
        self.told(Notice(organisation, topic, about, self.now, role, member, data))

    def told(self, notice: Notice) -> None:
        """Tell what a notice says, once this commits."""
        notices.add(self.connection, notice)

    def party(self, name: str) -> Party:
        """Give a party; who takes part is no secret."""
        if (party := parties.load(self.connection, name)) is None:
            raise missing("party", name)
        return party

    def listing(self, key: tuple[str, str, str]) -> Listing:
        """Give a listing by provider, product and version; what was ever listed is no secret."""
        if (listing := products.load(self.connection, key)) is None:
            raise missing("product", " ".join(key))
        require_visible(listing, self.actor)
        return listing

    def application(self, contract: str) -> Application:
        """Give the application for a contract."""
        if (found := applications.load(self.connection, contract)) is None:
            raise missing("application", contract)
        role_in("application", found.terms, self.actor)
        return found

    def contract(self, name: str) -> tuple[Contract, Role]:
        """Give a contract and the actor's role under it; to the parties of an application, who has to approve."""
        if (found := contracts.load(self.connection, name)) is None:
            applied = applications.load(self.connection, name)
            raise missing("contract", name) if applied is None else undrafted(applied, self.actor)
        return found, role_in("contract", found.terms, self.actor)

    def terms(self, contract: str) -> Terms:
        """Give the terms of a contract that is known to be there, whoever acts."""
        if (found := contracts.terms(self.connection, contract)) is None:
            raise missing("contract", contract)
        return found

    def case(self, name: str) -> AuditCase:
        """Give an auditor's case; only supervisors and the operator know of any."""
        found = cases.load(self.connection, name)
        if found is None or self.actor.office is None:
            raise missing("case", name)
        return found

    def permit(self, name: str) -> tuple[PermitRecord, Contract, Role]:
        """Give a permit, its contract, and the actor's role towards the permit."""
        permit = permits.load(self.connection, name)
        contract = None if permit is None else contracts.load(self.connection, permit.contract)
        if permit is None or contract is None:
            raise missing("permit", name)
        return permit, contract, permit_role(permit, contract, self.actor)
