"""Who reports an event, and whether what it names is there and is its node's business.

A party, the terms of a contract's version and the id of a permit never change once they are there, and never go.
So what was found once is remembered, by each process for itself, and costs a query only the first time.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import Connection

from audit.entry import Entry, verify_signature
from audit.errors import SignatureError
from audit.log import Log
from audit.storage import head as heads
from compute.permit import permit_name
from compute.records import PartyRecord
from compute.signing import Role
from compute.terms import Terms
from marketplace.errors import BadSignatureError, InvalidError, missing
from marketplace.flow.event import check_terms
from marketplace.gate import Setting
from marketplace.store import contract_versions, contracts, parties, permits

_REMEMBERED = 10_000
"""Of each kind; some kilobytes each at the most."""

T = TypeVar("T")


class _Found(Generic[T]):
    """What `load` has found by name; what it does not find is asked for again."""

    def __init__(self, load: Callable[[Connection, str], T | None]) -> None:
        self._load = load
        self._found: dict[str, T] = {}
        self._turn = Lock()

    def remembered(self, name: str) -> T | None:
        return self._found.get(name)

    def get(self, connection: Connection, name: str) -> T | None:
        found = self._found.get(name)
        if found is None and (found := self._load(connection, name)) is not None:
            with self._turn:
                if len(self._found) >= _REMEMBERED:
                    self._found.clear()
                self._found[name] = found
        return found


class Reporting:
    """The checks of events against what the marketplace knows; for any number of threads."""

    def __init__(self, log: Log, setting: Setting) -> None:
        self._log, self._setting = log, setting
        self._parties = _Found(_record)
        self._terms = _Found(_versions)
        self._permits = _Found(_permit_id)

    def signer(self, entries: Sequence[Entry]) -> tuple[str, Role]:
        """The one node that signed the events, and the role in which it does.

        Raises InvalidError, and BadSignatureError unless it is enrolled and has signed all of them.
        """
        names = {entry.node for entry in entries}
        if len(names) != 1:
            raise InvalidError("the events are of several nodes, or there is none", "send one node's at a time")
        (node,) = names
        record = self._parties.remembered(node)
        if record is None:
            with self._log.snapshot() as connection:
                record = self._parties.get(connection, node)
        if record is None:
            raise BadSignatureError(f"{node} is not enrolled", "enrol with the operator first")
        try:
            for entry in entries:
                verify_signature(entry, record.public_key)
        except SignatureError as error:
            raise BadSignatureError(str(error), "sign with the key given at onboarding") from error
        return node, record.kind.signing_role

    def terms(self, connection: Connection, contract: str) -> Terms | None:
        """Give the terms of a contract, if there is one: of some version, with the same parties as any."""
        versions = self._terms.get(connection, contract)
        return versions[-1] if versions else None

    def check_names(self, connection: Connection, entry: Entry) -> None:
        """Raise `MarketplaceError` unless what the event names exists and is its node's business."""
        known = entry.counterparty in {None, self._setting.market, self._setting.operator}
        if not known and self._parties.get(connection, str(entry.counterparty)) is None:
            raise missing("party", str(entry.counterparty))
        index = entry.detail.get("index", -1)
        if isinstance(index, int) and index >= heads.load(connection).size:
            raise InvalidError("the event names an entry that is not in the log", "name the finding's entry")
        if entry.contract is None:
            return
        versions = self._terms.get(connection, entry.contract) or ()
        terms = versions[-1] if versions else None
        if terms is None or entry.node not in terms.parties:
            raise missing("contract", entry.contract)
        # A stranger would be told to have left a half out; a witness outside would count as a party.
        if not known and entry.counterparty not in {*terms.parties, terms.model_reviewer}:
            raise InvalidError(
                f"{entry.counterparty} has no part in {entry.contract}", "name a party of the contract, or none"
            )
        if entry.permit_id is not None:
            is_own = entry.permit_id in _permits_of(entry.node, terms)
            if not is_own or self._permits.get(connection, entry.permit_id) is None:
                raise missing("permit", entry.permit_id)
        self._check_terms(connection, entry, versions)

    def _check_terms(self, connection: Connection, entry: Entry, versions: Sequence[Terms]) -> None:
        """Return if what the event says is so in the terms of a version; one may be later than remembered."""
        for known in (versions, _versions(connection, str(entry.contract)) or ()):
            if any(_fits(entry, terms) for terms in known):
                return
        check_terms(entry, versions[-1])


def _permits_of(node: str, terms: Terms) -> set[str]:
    """The ids of the contract's permits that are this node's business."""
    providers = [grant.provider for grant in terms.grants if node in {terms.consumer, grant.provider}]
    return {permit_name(terms.contract, provider) for provider in providers}


def _fits(entry: Entry, terms: Terms) -> bool:
    try:
        check_terms(entry, terms)
    except InvalidError:
        return False
    return True


def _versions(connection: Connection, name: str) -> tuple[Terms, ...] | None:
    """Give the terms of every version of a contract, the present one last; parties are the same in all."""
    present = contracts.terms(connection, name)
    if present is None:
        return None
    return (*(terms for terms in contract_versions.versions(connection, name) if terms != present), present)


def _record(connection: Connection, name: str) -> PartyRecord | None:
    party = parties.load(connection, name)
    return None if party is None else party.record


def _permit_id(connection: Connection, name: str) -> str | None:
    permit = permits.load(connection, name)
    return None if permit is None else permit.id
