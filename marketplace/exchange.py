"""The commands of the marketplace, each the same way: load → rule → store and record, in one transaction.

`actor` is who was proven to have sent the request, or a party's name where the party itself did. A refused command
has changed nothing, and its refusal is in the log before its error is raised.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from audit.entry import Entry
from audit.entry import EntryKind as Kind
from audit.errors import CounterError, IdTakenError
from audit.log import Log
from audit.storage.batch import Batch
from compute.records import PartyRecord
from compute.signing import Pin, Signed
from marketplace import refusals
from marketplace.calling import Caller
from marketplace.command import methods_of
from marketplace.commands.addresses import Addresses
from marketplace.commands.agreements import Agreements
from marketplace.commands.amendments import Amendments
from marketplace.commands.api_keys import ApiKeys
from marketplace.commands.applications import Applications
from marketplace.commands.approval_rules import ApprovalRules
from marketplace.commands.approvals import Approvals, Staffing
from marketplace.commands.attachments import Attachments
from marketplace.commands.cases import Cases
from marketplace.commands.consent_requests import ConsentRequests
from marketplace.commands.consents import Consents
from marketplace.commands.contracts import Contracts
from marketplace.commands.deadlines import Deadlines
from marketplace.commands.demands import Demands
from marketplace.commands.deputies import Deputies
from marketplace.commands.disputes import Disputes
from marketplace.commands.identification import Identification
from marketplace.commands.interventions import Interventions
from marketplace.commands.kept_arguments import KeptArguments
from marketplace.commands.mandates import Mandates
from marketplace.commands.members import Members
from marketplace.commands.messenger import Messenger
from marketplace.commands.notices import Notices
from marketplace.commands.organisations import Organisations
from marketplace.commands.permits import Permits
from marketplace.commands.prices import Prices
from marketplace.commands.product_search import ProductSearch
from marketplace.commands.products import Products
from marketplace.commands.readiness import Readiness
from marketplace.commands.resources import Resources
from marketplace.commands.sessions import Sessions
from marketplace.commands.statements import Statements
from marketplace.commands.subject_consents import SubjectConsents
from marketplace.commands.usage import Usage
from marketplace.credentials import Passwords
from marketplace.delivery import Deliverer
from marketplace.errors import (
    ConflictError,
    OutOfOrderError,
)
from marketplace.flow import party as enrolment
from marketplace.flow.actor import Principal
from marketplace.flow.deadline import Deadline
from marketplace.flow.event import check_report
from marketplace.flow.party import Party
from marketplace.gate import Gate, Setting
from marketplace.mail import Post
from marketplace.once import Answer, Once
from marketplace.reporting import Reporting
from marketplace.store import deadlines, members, organisations, parties, revision
from marketplace.store import once as repeated
from marketplace.transaction import Transaction


class Exchange:
    """The marketplace over an engine of `audit.database.open_engine`; makes its tables if the database has none.

    Raises `RevisionError` if they are of another revision (`marketplace.store.revision`). Commands raise
    `MarketplaceError` where they refuse, `audit.errors.LogError` where the database fails.
    """

    def __init__(self, engine: Engine, setting: Setting, staffing: Staffing = members.staff) -> None:
        self.log = Log(engine, setting.signer)
        self._setting, self._staffing = setting, staffing
        self._gate, self._reporting = Gate(self.log, setting), Reporting(self.log, setting)
        self.cases = Cases(self._gate)
        hasher, kept = Passwords(), KeptArguments(setting.key)
        self.members = Members(self._gate, setting, hasher)
        self.organisations = Organisations(self._gate, setting, self.members)
        self.interventions = Interventions(self._gate, setting, self.members)
        self.agreements = Agreements(self._gate)
        self.sessions = Sessions(self._gate, setting, hasher)
        self.api_keys = ApiKeys(self._gate)
        self.usage = Usage(self.log, self._gate, self._reporting)
        self.mandates = Mandates(self._gate, self.log, setting)
        self.prices = Prices(self._gate, self.cases)
        self.statements = Statements(self._gate, setting)
        self.applications = Applications(self._gate, self.cases, setting)
        self.contracts = Contracts(self._gate, self.cases, setting, kept)
        self.permits = Permits(self._gate, self.cases, setting)
        self.amendments = Amendments(self._gate, self.cases, setting, kept)
        self.product_search = ProductSearch(self.log)
        self.demands = Demands(self._gate, self.product_search)
        self.products = Products(self._gate, self.log)
        self.resources = Resources(self._gate, self.products)
        self.readiness = Readiness(self._gate)
        self.approval_rules, self.deputies = ApprovalRules(self._gate, staffing), Deputies(self._gate, staffing)
        self.approvals, self.attachments = Approvals(self._gate, staffing, kept), Attachments(self._gate, staffing)
        self.addresses = Addresses(self._gate, setting)
        self.notices = Notices(self._gate, staffing, self.addresses, allow_private=setting.allow_private)
        self.consents = Consents(self._gate, self.cases, setting.subjects)
        self.consent_requests = ConsentRequests(self._gate, setting)
        self.disputes = Disputes(self._gate, setting)
        self.approvals.serve(
            methods_of(
                self.applications,
                self.contracts,
                self.permits,
                self.products,
                self.readiness,
                self.prices,
                self.statements,
                self.demands,
            )
        )
        self.identification = Identification(self._gate, setting.subjects)
        self.messenger = Messenger(self._gate, setting.subjects)
        self.subject_consents = SubjectConsents(self._gate, setting, self.disputes, self._answers)
        self._chores: tuple[Callable[[Transaction], int], ...] = (
            self.applications.lapse_due,
            self.amendments.lapse_due,
            self.contracts.expire_due,
            self.permits.expire_due,
            self.cases.close_due,
            self.sessions.forget_due,
            self.statements.issue_due,
            self.demands.expire_due,
            self.demands.match_due,
            self.resources.due,
            Deadlines(setting.operator).due,
            self.consent_requests.due,
            self.disputes.due,
            self.identification.due,
            refusals.tell_counted,
        )
        with self.log.transaction() as batch:
            revision.prepare(batch.connection)

    # --- requests that are sent again -------------------------------------------------------------------------

    def recall(self, once: Once) -> tuple[bytes, Answer | None] | None:
        """Fingerprint and answer of the request that had this key, if one had."""
        with self.log.snapshot() as connection:
            return repeated.find(connection, once)

    def keep_answer(self, once: Once, answer: Answer) -> None:
        """Keep what a request was answered. Nothing is wrong if it is lost: that it was done, is kept with it."""
        with self.log.aside() as connection:
            repeated.answered(connection, once, answer)

    # --- parties ----------------------------------------------------------------------------------------------

    def enrol_party(
        self, actor: str | Principal, application: Signed[PartyRecord], admission: Signed[PartyRecord]
    ) -> Party:
        """Enrol a party on its own signature and the operator's: `flow.party.enrol` has the checks."""
        with self._gate.command("enrol_party", actor) as step:
            organisation = organisations.load(step.connection, application.statement.name)
            party = enrolment.enrol(application, admission, step.actor, self._setting.pins, organisation)
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

    def pins(self) -> dict[str, Pin]:
        """The keys by which signatures are verified: all parties', the operator's and the marketplace's own."""
        with self.log.snapshot() as connection:
            return parties.pins(connection) | self._setting.pins

    def directory(self, actor: str | Principal) -> list[Signed[PartyRecord]]:
        """The enrolled parties, each signed by the operator, whose key is all that a node has to pin."""
        with self._gate.query("directory", actor) as step:
            return parties.admissions(step.connection)

    def deliverer(self, caller: Caller, post: Post | None) -> Deliverer:
        """Give what takes notices to where they are wanted."""
        return Deliverer(self._gate, self._staffing, caller, post, self.addresses.draw, self.expire)

    # --- what is due ------------------------------------------------------------------------------------------

    def deadlines(self, actor: str | Principal) -> list[Deadline]:
        """What the actor's organisation has to do, the first due first."""
        with self._gate.query("deadlines", actor) as step:
            return deadlines.held_by(step.connection, step.actor.name)

    def expire(self) -> int:
        """Expire every contract and permit whose term is over, do all else that is due, and give how much it was.

        Nothing waits for it: a term that is over stops contract and permit by itself. This states it in the log.
        """
        with self._gate.housekeeping() as step:
            repeated.forget(step.connection, step.now)
            return sum(chore(step) for chore in self._chores)

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
        self,
        actor: str | Principal,
        contract: str,
        case: str | None = None,
        *,
        after: int = -1,
        limit: int | None = None,
    ) -> list[tuple[int, Entry]]:
        """The entries about a contract since its application and behind index `after`, with their indices.

        For its parties, the operator, and a supervisor under a case.
        """
        with self.cases.reading("trace", actor, contract, case) as step:
            step.application(contract)
        return self.log.entries_of(contract, after, limit)

    def _answers(self, contract: str) -> int:
        """How many answers the provider that gave the most has given under a contract."""
        found = Counter(entry.node for _, entry in self.log.entries_of(contract) if entry.kind is Kind.ANSWER_SENT)
        return max(found.values(), default=0)

    # --- shared steps -----------------------------------------------------------------------------------------

    def _append(self, batch: Batch, entries: Sequence[Entry]) -> list[int]:
        batch.look_up(entries)
        indices, fresh = [], []
        for entry in entries:
            if (index := batch.recorded(entry)) is None:
                self._reporting.check_names(batch.connection, entry)  # 3
                index = batch.add(entry)
                fresh.append(entry)
            indices.append(index)
        self.usage.take(batch.connection, fresh)  # last: a refusal would not take it back
        return indices
