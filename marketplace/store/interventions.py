"""Interventions of the operator, the newest first; of one matter an organisation has one that is open."""

from sqlalchemy import Connection, Row, select, tuple_, update

from compute.canonical import decode
from compute.market.interventions import AdministratorProposal, ProfileProposal
from marketplace.errors import ConflictError
from marketplace.flow.intervention import Intervention, InterventionMatter, InterventionState, Proposal, encoded
from marketplace.store.intervention_tables import interventions
from marketplace.store.rows import insert_once

_COLUMNS = interventions.c
_KEPT = ("id", "organisation", "reason", "read", "proposer", "proposed_at", "not_before")
_DECIDED = ("decider", "decided_at", "opinion")


def add(connection: Connection, made: Intervention) -> None:
    """Store a new proposal; raise `ConflictError` if one of the same matter is open."""
    row = {name: getattr(made, name) for name in (*_KEPT, *_DECIDED)} | {
        "matter": made.matter.value,
        "proposal": encoded(made.proposal),
        "state": made.state.value,
        "open": f"{made.organisation}\n{made.matter}",
    }
    taken = f"a proposal about the {made.matter} of {made.organisation} is open"
    insert_once(connection, interventions, row, taken, "have it confirmed or rejected first")


def load(connection: Connection, name: str) -> Intervention | None:
    """Give the proposal with this id, if there is one."""
    row = connection.execute(select(interventions).where(_COLUMNS.id == name)).one_or_none()
    return None if row is None else _intervention(row)


def decide(connection: Connection, old: Intervention, new: Intervention) -> None:
    """Store what has become of it; raise `ConflictError` if somebody else has decided meanwhile."""
    decided = {name: getattr(new, name) for name in _DECIDED}
    query = update(interventions).where(_COLUMNS.id == old.id, _COLUMNS.state == old.state.value)
    if connection.execute(query.values(state=new.state.value, open=None, **decided)).rowcount != 1:
        raise ConflictError(f"{old.id} is decided meanwhile", "look again")


def page(
    connection: Connection, organisation: str | None, behind: tuple[int, str] | None, limit: int
) -> list[Intervention]:
    """Give proposals about an organisation, or about all, behind `(proposed_at, id)`, the newest first."""
    query = select(interventions).order_by(_COLUMNS.proposed_at.desc(), _COLUMNS.id.desc()).limit(limit)
    if organisation is not None:
        query = query.where(_COLUMNS.organisation == organisation)
    if behind is not None:
        query = query.where(tuple_(_COLUMNS.proposed_at, _COLUMNS.id) < tuple_(*behind))
    return [_intervention(row) for row in connection.execute(query)]


def _intervention(row: Row[tuple[object, ...]]) -> Intervention:
    matter = InterventionMatter(row.matter)
    form: type[Proposal] = ProfileProposal if matter is InterventionMatter.PROFILE else AdministratorProposal
    kept = {name: getattr(row, name) for name in (*_KEPT, *_DECIDED)}
    return Intervention(
        **kept, matter=matter, proposal=decode(row.proposal, form), state=InterventionState(row.state)
    )
