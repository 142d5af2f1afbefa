"""The demand board: drafts, posts, matches, answers, followers, ends."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from audit.entry import EntryKind as Kind
from compute.market.demands import CloseReason, DemandRequest, Match, ResponseRequest
from marketplace.command import in_steps
from marketplace.commands.product_search import ProductSearch
from marketplace.errors import missing
from marketplace.flow import demand as demanding
from marketplace.flow.actor import Principal
from marketplace.flow.demand import Demand, is_for, role_in_demand
from marketplace.flow.matching import match, ranked, terms_of
from marketplace.flow.notice import Topic
from marketplace.flow.office import Matter, open_conflict
from marketplace.flow.office_states import ApprovalState
from marketplace.flow.product import Listing
from marketplace.flow.states import Role
from marketplace.flow.working_days import day_of
from marketplace.gate import Gate
from marketplace.store import approvals, demands, parties, product_search, products
from marketplace.store.demands import Answer, Wanted
from marketplace.throttle import Throttle, subject
from marketplace.transaction import Transaction

CANDIDATES = 100
"""Products that are compared field by field: those whose fields have most of the wanted words."""
SHOWN = 20
"""Matches in an answer, and providers who are told of a new demand."""
_POST = "post_demand"
_ID_BYTES = 8
_DEMANDS_AT_ONCE = 50


@dataclass(frozen=True)
class Seen:
    """A demand as one organisation sees it."""

    demand: Demand
    followers: int
    is_followed: bool
    number: int = 0
    """Its place in a list, the newest highest."""


class Demands:
    """The commands about demands, behind the exchange's gate."""

    def __init__(self, gate: Gate, search: ProductSearch) -> None:
        self._gate, self._search = gate, search

    def write(self, actor: str | Principal, wanted: DemandRequest) -> Seen:
        """Write a draft, which nobody else sees."""
        with self._gate.command("write_demand", actor, enrolled=False) as step:
            name = f"demand-{secrets.token_hex(_ID_BYTES)}"
            open_ones = demands.count_open(step.connection, step.actor.name)
            made = demanding.write(name, wanted, step.actor, open_ones, step.now)
            _bound(step, "demands written", demanding.WRITTEN, demanding.WRITTEN_BY_ALL)
            demands.add(step.connection, made)
            return _seen(step, made)

    def edit(self, actor: str | Principal, name: str, wanted: DemandRequest, revision: str) -> Seen:
        """Replace the draft of this revision, as who wrote it."""
        with self._gate.command("edit_demand", actor, enrolled=False) as step:
            old = _demand(step, name)
            held = approvals.open_one(step.connection, step.actor.name, _POST, name)
            if held is not None and held.state is not ApprovalState.RETURNED:
                raise open_conflict(held)  # what is posted is what its office has read
            new = demanding.edit(old, wanted, revision, step.actor, step.now)
            demands.edit(step.connection, old, new)
            return _seen(step, new)

    @in_steps(_POST, Matter.DEMAND_POST, about="name")
    def post(self, actor: str | Principal, name: str) -> Seen:
        """Post a draft; providers whose products match are told."""
        with self._gate.command(_POST, actor, enrolled=False) as step:
            old = _demand(step, name)
            new = demanding.post(old, step.actor, step.now)
            demands.move(step.connection, old, new)
            step.record(Kind.DEMAND_POSTED, demand=name, wanted=new.revision, fields=len(new.wanted.fields))
            demands.matched(step.connection, name, product_search.state(step.connection).numbers)
            found = [each.provider for each in self._matches(step.connection, new)]
            for provider in sorted(set(found) - {step.actor.name}):
                if _sees(step.connection, new, provider):
                    step.notify(provider, Topic.DEMAND_MATCHED, name)
            return _seen(step, new)

    @in_steps("answer_demand", Matter.DEMAND_ANSWER, about="name")
    def answer(self, actor: str | Principal, name: str, said: ResponseRequest) -> Answer:
        """Answer a demand; its poster and followers are told."""
        with self._gate.command("answer_demand", actor, enrolled=False) as step:
            old = _demand(step, name)
            listing = None
            if said.product is not None and said.product_version is not None:
                key = step.actor.name, said.product, said.product_version
                listing = products.load(step.connection, key)
            new = demanding.answer(old, said, listing, step.actor, step.now)
            _bound(step, "demands answered", demanding.ANSWERED, demanding.ANSWERED_BY_ALL)
            demands.move(step.connection, old, new)
            given = demands.add_answer(step.connection, name, step.actor.name, step.now, said)
            step.record(Kind.DEMAND_ANSWERED, demand=name, answers=given.number)
            self._tell(step, new, Topic.DEMAND_ANSWERED, answer=str(given.number))
            return given

    def close(self, actor: str | Principal, name: str, reason: CloseReason, response: int | None = None) -> Seen:
        """Close a demand, as who posted it, or for its content as the operator."""
        with self._gate.command("close_demand", actor, enrolled=False) as step:
            old = _demand(step, name)
            answers = demands.count_answers(step.connection, name)
            new = demanding.close(old, reason, response, answers, step.actor, step.now)
            demands.move(step.connection, old, new)
            step.record(Kind.DEMAND_CLOSED, demand=name, reason=reason.value)
            self._tell(step, new, Topic.DEMAND_CLOSED, reason=reason.value)
            return _seen(step, new)

    def follow(self, actor: str | Principal, name: str) -> Seen:
        """Be told of what becomes of a demand."""
        with self._gate.command("follow_demand", actor, enrolled=False) as step:
            found = _demand(step, name)
            demanding.require_inbox(step.actor)  # only who takes part has one
            demands.follow(step.connection, name, step.actor.name)
            return _seen(step, found)

    def unfollow(self, actor: str | Principal, name: str) -> Seen:
        """Be told no more."""
        with self._gate.command("unfollow_demand", actor, enrolled=False) as step:
            found = _demand(step, name)
            demands.unfollow(step.connection, name, step.actor.name)
            return _seen(step, found)

    def load(self, actor: str | Principal, name: str) -> Seen:
        """A demand, for those who see it."""
        with self._gate.query("demand", actor) as step:
            return _seen(step, _demand(step, name))

    def page(
        self,
        actor: str | Principal,
        before: int | None,
        size: int,
        *,
        state: str | None = None,
        theme: str | None = None,
        own_only: bool = False,
    ) -> list[Seen]:
        """The newest demands that the actor sees, behind one in that order."""
        with self._gate.query("demands", actor) as step:
            who = step.actor
            is_operator = who.office is Role.OPERATOR
            wanted = Wanted(who.name, who.kind, is_operator, state, theme, own_only=own_only)
            found = demands.page(step.connection, wanted, before, size)
            return [_seen(step, each, number) for number, each in found]

    def answers(self, actor: str | Principal, name: str) -> list[Answer]:
        """The answers to a demand: all for its poster and the operator, for others their own."""
        with self._gate.query("demand_answers", actor) as step:
            found = _demand(step, name)
            given = demands.answers(step.connection, name)
            sees_all = role_in_demand(found, step.actor) in {Role.CONSUMER, Role.OPERATOR}
            return [each for each in given if sees_all or each.by == step.actor.name]

    def matches(self, actor: str | Principal, name: str) -> list[Match]:
        """The listed products that match a demand best, with the reasons, for those who see it."""
        with self._gate.query("demand_matches", actor) as step:
            return self._matches(step.connection, _demand(step, name))

    def expire_due(self, step: Transaction) -> int:
        """Expire every demand whose last day has passed, and give their number."""
        due = demands.due(step.connection, day_of(step.now).isoformat())
        for name in due:
            old = _demand(step, name)
            new = demanding.expire(old, step.now)
            demands.move(step.connection, old, new)
            step.record(Kind.DEMAND_CLOSED, counterparty=old.poster, demand=name, reason="expired")
            self._tell(step, new, Topic.DEMAND_CLOSED, reason="expired")
        return len(due)

    def match_due(self, step: Transaction) -> int:
        """Match open demands with what was listed since, tell both sides of it, and give how many demands."""
        numbers = product_search.state(step.connection).numbers
        behind = demands.unmatched(step.connection, numbers, _DEMANDS_AT_ONCE)
        for demand, seen_to in behind:
            upto = min(numbers, seen_to + CANDIDATES)
            fresh = product_search.keys(step.connection, range(seen_to + 1, upto + 1))
            for found in _compared(demand, products.load_all(step.connection, fresh)):
                if _sees(step.connection, demand, found.provider):
                    step.notify(found.provider, Topic.DEMAND_MATCHED, demand.name)
                self._tell(step, demand, Topic.DEMAND_MATCHED, provider=found.provider, product=found.product)
            demands.matched(step.connection, demand.name, upto)
        return len(behind)

    def _matches(self, connection: Connection, demand: Demand) -> list[Match]:
        terms = {term for wanted in demand.wanted.fields for term in terms_of(wanted)}
        numbers = self._search.most_in_fields(connection, sorted(terms), CANDIDATES)
        keys = product_search.keys(connection, numbers)
        return ranked(_compared(demand, products.load_all(connection, keys)))[:SHOWN]

    def _tell(self, step: Transaction, demand: Demand, topic: Topic, **data: str) -> None:
        told = {demand.poster, *demands.followers_of(step.connection, demand.name)} - {step.actor.name}
        for organisation in sorted(told):
            step.notify(organisation, topic, demand.name, **data)


def is_due(connection: Connection, now: int) -> bool:
    """Whether an open demand is over, or was not compared with all products."""
    numbers = product_search.state(connection).numbers
    return bool(demands.due(connection, day_of(now).isoformat()) or demands.unmatched(connection, numbers, 1))


def _demand(step: Transaction, name: str) -> Demand:
    if (found := demands.load(step.connection, name)) is None:
        raise missing("demand", name)
    if step.actor.office is not Role.MARKET:
        role_in_demand(found, step.actor)
    return found


def _seen(step: Transaction, demand: Demand, number: int = 0) -> Seen:
    following = demands.followers_of(step.connection, demand.name)
    return Seen(demand, len(following), step.actor.name in following, number)


def _bound(step: Transaction, what: str, each: int, most: int) -> None:
    """Count one more of the actor's organisation; raise `TooManyError`: the board is open to who has no key."""
    Throttle(what, subject(step.actor.name), each, most).count(step.connection, step.now)


def _sees(connection: Connection, demand: Demand, name: str) -> bool:
    party = parties.load(connection, name)
    return party is not None and party.is_active and is_for(demand, name, party.record.kind)


def _compared(demand: Demand, listings: Iterable[Listing]) -> list[Match]:
    compared = (match(demand.wanted, each.product) for each in listings)
    return [each for each in compared if each is not None]
