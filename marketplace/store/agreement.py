"""Whether what stands in the tables is what the log tells: of each thing, its state and the last event about it.

A command changes both or neither, so they only part where somebody changed one of them, or a backup mixes two
moments. The log is the one that is proven.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, select

from audit.entry import Entry, EntryKind
from marketplace.flow import consent_states, market_states, states
from marketplace.flow.event import MOVED
from marketplace.flow.intervention import INTERVENTION, InterventionState
from marketplace.flow.office_states import ApprovalState
from marketplace.flow.states import Machine
from marketplace.store import tables
from marketplace.store.consent_tables import consent_requests, disputes
from marketplace.store.demand_tables import demands
from marketplace.store.intervention_tables import interventions
from marketplace.store.money_tables import mandates, statements
from marketplace.store.office_tables import approval_processes
from marketplace.store.organisation_tables import organisations
from marketplace.store.resource_tables import resources

Led = Mapping[EntryKind, frozenset[str]]
"""Event → the states of a thing of which it is the last."""


@dataclass(frozen=True)
class _Noun:
    """A kind of thing that has a state."""

    noun: str
    led: Led
    name: Callable[[Entry], str]
    """Of what an event is about."""
    stored: Select[*tuple[Any, ...]]
    """What its name consists of, and last its state."""
    untold: frozenset[str] = frozenset()
    """States of what no event needs to tell of yet."""


def _moved(machine: Machine[states.S], made: Mapping[EntryKind, states.S]) -> Led:
    """Give what the moves of a machine lead to, and what leads to it beside them.

    One that leaves a state as it is tells nothing of it; and amendments are signed under the contract's word.
    """
    led = {kind: frozenset({str(state)}) for kind, state in made.items()}
    for (state, move), (following, _) in machine.moves.items():
        kind = MOVED.get((machine.noun, move))
        if kind is not None and state is not following:
            led[kind] = led.get(kind, frozenset()) | {str(following)}
    return led


def _led(**led: str) -> Led:
    """Give events that lead to states which stand with spaces between."""
    return {EntryKind(kind): frozenset(after.split()) for kind, after in led.items()}


def _detail(*names: str) -> Callable[[Entry], str]:
    return lambda entry: " ".join(str(entry.detail.get(name)) for name in names)


def _of_counterparty(*names: str) -> Callable[[Entry], str]:
    return lambda entry: " ".join((str(entry.counterparty), *(str(entry.detail.get(name)) for name in names)))


def _columns(*columns: ColumnElement[str]) -> Select[*tuple[Any, ...]]:
    return select(*columns)


_IN = (states.OrganisationState.ADMITTED, states.OrganisationState.SUSPENDED)
_TAKING_PART = Machine(  # before that the log does not name it
    states.ORGANISATION.noun,
    {move: (to, roles) for move, (to, roles) in states.ORGANISATION.moves.items() if to in _IN},
)
_PARTIES = {  # of parties from before organisations; later ones come with the organisation's own events
    EntryKind.PARTY_ENROLLED: states.OrganisationState.ADMITTED,
    EntryKind.PARTY_SUSPENDED: states.OrganisationState.SUSPENDED,
    EntryKind.PARTY_REINSTATED: states.OrganisationState.ADMITTED,
}
_NOUNS = (
    _Noun(
        "organisation",
        _moved(_TAKING_PART, _PARTIES),
        _of_counterparty(),
        _columns(organisations.c.name, organisations.c.state).where(organisations.c.state.in_(_IN)),
    ),
    _Noun(
        "resource",
        _moved(states.RESOURCE, {EntryKind.RESOURCE_ENTERED: states.ResourceState.REGISTERED}),
        _of_counterparty("resource"),
        _columns(resources.c.provider, resources.c.code, resources.c.state),
    ),
    _Noun(
        "product",
        {
            **_moved(states.PRODUCT, {}),
            **_led(product_reinstated="listed delisted"),  # as it was before it was suspended
        },
        _of_counterparty("product", "product_version"),
        _columns(
            tables.products.c.provider, tables.products.c.id, tables.products.c.version, tables.products.c.state
        ),
        untold=frozenset({states.ProductState.DRAFT}),
    ),
    _Noun(
        "contract",
        {
            **_moved(states.CONTRACT, {EntryKind.CONTRACT_DRAFTED: states.ContractState.DRAFTED}),
            **_led(contract_reinstated="active suspended"),  # by one of the sides that had stopped it
        },
        lambda entry: str(entry.contract),
        _columns(tables.contracts.c.name, tables.contracts.c.state),
    ),
    _Noun(
        "permit",
        _moved(states.PERMIT, {EntryKind.PERMIT_ISSUED: states.PermitState.ACTIVE}),
        lambda entry: str(entry.permit_id),
        _columns(tables.permits.c.id, tables.permits.c.state),
    ),
    _Noun(
        "case",
        _moved(states.CASE, {EntryKind.CASE_OPENED: states.CaseState.OPENED}),
        _detail("case"),
        _columns(tables.cases.c.id, tables.cases.c.state),
    ),
    _Noun(
        "consent request",
        _moved(
            consent_states.CONSENT_REQUEST,
            {EntryKind.CONSENT_REQUESTED: consent_states.ConsentRequestState.OPEN},
        ),
        _detail("request"),
        _columns(consent_requests.c.id, consent_requests.c.state),
    ),
    _Noun(
        "dispute",
        _moved(consent_states.DISPUTE, {EntryKind.DISPUTE_OPENED: consent_states.DisputeState.OPENED}),
        _detail("dispute"),
        _columns(disputes.c.number, disputes.c.state),
    ),
    _Noun(
        "demand",
        _led(demand_posted="posted", demand_answered="answered", demand_closed="closed expired"),
        _detail("demand"),
        _columns(demands.c.name, demands.c.state),
        untold=frozenset({market_states.DemandState.DRAFT}),
    ),
    _Noun(
        "mandate",
        _led(mandate_entered="entered", mandate_ended="ended"),
        _detail("mandate"),
        _columns(mandates.c.name, mandates.c.state),
    ),
    _Noun(
        "statement",
        _led(
            statement_issued="issued",
            statement_confirmed="confirmed_by_one confirmed",
            statement_disputed="disputed corrected",  # what corrects it is the next version's issue
        ),
        _detail("statement", "version"),
        _columns(statements.c.name, statements.c.version.cast(Text), statements.c.state),
    ),
    _Noun(
        "intervention",
        _moved(INTERVENTION, {EntryKind.INTERVENTION_PROPOSED: InterventionState.PROPOSED}),
        _detail("intervention"),
        _columns(interventions.c.id, interventions.c.state),
    ),
    _Noun(
        "approval",
        _led(
            approval_started=ApprovalState.RUNNING,
            approval_passed=ApprovalState.RUNNING,  # the last one is followed by that it is completed
            approval_returned=ApprovalState.RETURNED,
            approval_rejected=ApprovalState.REJECTED,
            approval_withdrawn=ApprovalState.WITHDRAWN,
            approval_completed=ApprovalState.COMPLETED,
        ),
        _detail("process"),
        _columns(approval_processes.c.id, approval_processes.c.state),
    ),
)


def disagreements(connection: Connection, entries: Iterable[Entry], market: str) -> Iterator[str]:
    """Give a sentence for each thing whose state is not what the log's last event about it says.

    `market` is the name under which the marketplace reports; what nodes report moves nothing.
    """
    last: list[dict[str, EntryKind]] = [{} for _ in _NOUNS]
    for entry in entries:
        if entry.node == market:
            for noun, told in zip(_NOUNS, last, strict=True):
                if entry.kind in noun.led:
                    told[noun.name(entry)] = entry.kind
    for noun, told in zip(_NOUNS, last, strict=True):
        what = noun.noun
        for row in connection.execute(noun.stored):
            name, state = " ".join(row[:-1]), row[-1]
            kind = told.pop(name, None)
            if state not in (noun.untold if kind is None else noun.led[kind]):
                yield f"{what} {name} is {state}, and the log has {kind or 'no event'} last of it"
        yield from (f"{what} {name} is missing, and the log has {kind} of it" for name, kind in told.items())
