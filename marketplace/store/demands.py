"""Demands with their answers and followers."""

from dataclasses import dataclass

from sqlalchemy import Connection, Row, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from audit.database import insert as insert_into
from compute.canonical import decode, encode
from compute.market.demands import CloseReason, DemandRequest, ResponseRequest
from marketplace.errors import StaleError
from marketplace.flow.demand import Demand
from marketplace.flow.market_states import DEMAND, DemandState
from marketplace.flow.states import Move
from marketplace.store.demand_tables import demand_kinds, demands, followers, responses
from marketplace.store.rows import insert_once
from marketplace.store.rows import move as move_row

_columns = demands.c
_LIVE = {state for state, move in DEMAND.moves if move is Move.EXPIRE}


@dataclass(frozen=True)
class Wanted:
    """Which demands a list has: what an organisation of a kind sees; the operator sees all that are posted."""

    organisation: str
    party_kind: str | None
    is_operator: bool = False
    state: str | None = None
    theme: str | None = None
    own_only: bool = False

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """The same as conditions on rows."""
        kinds = demand_kinds.c
        limited = exists().where(kinds.demand == _columns.name)
        named = exists().where(kinds.demand == _columns.name, kinds.party_kind == self.party_kind)
        is_own = _columns.poster == self.organisation
        is_posted = _columns.state != DemandState.DRAFT
        seen = is_posted if self.is_operator else and_(is_posted, or_(~limited, named))
        found: list[ColumnElement[bool]] = [is_own if self.own_only else or_(is_own, seen)]
        if self.state is not None:
            found.append(_columns.state == self.state)
        if self.theme is not None:
            found.append(_columns.theme == self.theme)
        return found


@dataclass(frozen=True)
class Answer:
    """An answer as it was given; `number` counts from 1."""

    number: int
    by: str
    at: int
    """UTC, milliseconds since 1970-01-01."""
    said: ResponseRequest


def add(connection: Connection, demand: Demand) -> None:
    """Store a new draft."""
    row = {
        "name": demand.name,
        "poster": demand.poster,
        "state": demand.state,
        "matched_to": 0,
        **_content(demand),
    }
    connection.execute(insert(demands), {**row, **_content(demand)})
    _set_kinds(connection, demand)


def count_open(connection: Connection, poster: str) -> int:
    """Give how many demands of an organisation are not over: drafts too."""
    live = _columns.state.in_({*_LIVE, DemandState.DRAFT})
    return connection.scalar(select(func.count()).where(_columns.poster == poster, live)) or 0


def load(connection: Connection, name: str) -> Demand | None:
    """Give the demand of this name, if there is one."""
    row = connection.execute(select(demands).where(_columns.name == name)).one_or_none()
    return None if row is None else _demand(row)


def edit(connection: Connection, old: Demand, new: Demand) -> None:
    """Store other content; raise `StaleError` if the old one does not stand any more."""
    unchanged = _columns.name == old.name, _columns.wanted == encode(old.wanted), _columns.state == old.state
    if connection.execute(update(demands).where(*unchanged).values(_content(new))).rowcount != 1:
        raise StaleError(f"{old.name} was changed since you read it", "read it again, then edit")
    connection.execute(delete(demand_kinds).where(demand_kinds.c.demand == old.name))
    _set_kinds(connection, new)


def move(connection: Connection, old: Demand, new: Demand) -> None:
    """Store the demand's new state; raise `ConflictError` if the old one does not hold any more."""
    move_row(connection, demands, {"name": old.name}, old.state, new.state)
    changed = {"changed_at": new.changed_at, "close_reason": new.close_reason, "response": new.response}
    connection.execute(update(demands).where(_columns.name == old.name).values(changed))


def page(connection: Connection, wanted: Wanted, before: int | None, size: int) -> list[tuple[int, Demand]]:
    """Give the newest demands, those written before the one of a number; with each its number."""
    query = select(demands).where(*wanted.conditions).order_by(_columns.number.desc()).limit(size)
    if before is not None:
        query = query.where(_columns.number < before)
    return [(row.number, _demand(row)) for row in connection.execute(query)]


def due(connection: Connection, today: str) -> list[str]:
    """Give the names of those whose last day is before `today` and which are still open."""
    over = select(_columns.name).where(_columns.state.in_(_LIVE), _columns.until < today)
    return list(connection.scalars(over.order_by(_columns.number)))


def unmatched(connection: Connection, numbers: int, size: int) -> list[tuple[Demand, int]]:
    """Give open demands for which not all `numbers` of the index were looked at, with how many were."""
    behind = select(demands).where(_columns.state.in_(_LIVE), _columns.matched_to < numbers)
    rows = connection.execute(behind.order_by(_columns.number).limit(size))
    return [(_demand(row), row.matched_to) for row in rows]


def matched(connection: Connection, name: str, numbers: int) -> None:
    """Note that so many numbers of the index were looked at for a demand."""
    connection.execute(update(demands).where(_columns.name == name).values(matched_to=numbers))


def add_answer(connection: Connection, demand: str, by: str, at: int, said: ResponseRequest) -> Answer:
    """Store an answer as the demand's next; raise `ConflictError` if another came at the same time."""
    number = count_answers(connection, demand) + 1
    row = {"demand": demand, "number": number, "by": by, "at": at, "answer": encode(said)}
    insert_once(connection, responses, row, f"{demand} was answered at the same time", "answer again")
    return Answer(number, by, at, said)


def answers(connection: Connection, demand: str) -> list[Answer]:
    """Give a demand's answers, in their order."""
    columns = responses.c
    rows = connection.execute(select(responses).where(columns.demand == demand).order_by(columns.number))
    return [Answer(row.number, row.by, row.at, decode(row.answer, ResponseRequest)) for row in rows]


def count_answers(connection: Connection, demand: str) -> int:
    """Give how many answers a demand has."""
    counted = select(func.count()).select_from(responses).where(responses.c.demand == demand)
    return int(connection.scalars(counted).one())


def follow(connection: Connection, demand: str, organisation: str) -> None:
    """Have an organisation told of what becomes of a demand; again changes nothing."""
    row = {"demand": demand, "organisation": organisation}
    connection.execute(insert_into(connection, followers).values(row).on_conflict_do_nothing())


def unfollow(connection: Connection, demand: str, organisation: str) -> None:
    """Have it told no more; again changes nothing."""
    found = followers.c.demand == demand, followers.c.organisation == organisation
    connection.execute(delete(followers).where(*found))


def followers_of(connection: Connection, demand: str) -> list[str]:
    """Give who follows a demand, by name."""
    columns = followers.c
    query = select(columns.organisation).where(columns.demand == demand).order_by(columns.organisation)
    return list(connection.scalars(query))


def _content(demand: Demand) -> dict[str, object]:
    wanted = demand.wanted
    return {
        "until": wanted.until,
        "theme": wanted.theme,
        "wanted": encode(wanted),
        "changed_at": demand.changed_at,
    }


def _set_kinds(connection: Connection, demand: Demand) -> None:
    if demand.wanted.audience:
        rows = [{"demand": demand.name, "party_kind": kind} for kind in sorted(set(demand.wanted.audience))]
        connection.execute(insert(demand_kinds), rows)


def _demand(row: Row[tuple[object, ...]]) -> Demand:
    return Demand(
        row.name,
        row.poster,
        decode(row.wanted, DemandRequest),
        DemandState(row.state),
        row.changed_at,
        None if row.close_reason is None else CloseReason(row.close_reason),
        row.response,
    )
