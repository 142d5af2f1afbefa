"""A demand 需求: posted to all that take part or to some kinds, answered, followed, closed, or over."""

from dataclasses import dataclass, replace

from compute.market.demands import CloseReason, DemandRequest, ResponseRequest
from compute.records import PartyKind
from compute.signing import digest
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, StaleError, missing
from marketplace.flow.actor import Actor
from marketplace.flow.market_states import DEMAND, DemandState
from marketplace.flow.matching import terms_of
from marketplace.flow.product import Listing
from marketplace.flow.states import Move, ProductState, Role, advance
from marketplace.flow.working_days import day_of

MOST = 200
"""Demands of one organisation that are not over: each new product is compared with all that are posted."""
WRITTEN, WRITTEN_BY_ALL = 60, 3_000
"""Demands within an hour; of one organisation, and of all."""
ANSWERED, ANSWERED_BY_ALL = 60, 3_000
"""Answers within an hour; each is in the log, and told to the poster and all who follow."""


@dataclass(frozen=True)
class Demand:
    """What somebody needs, and what has become of it."""

    name: str
    poster: str
    wanted: DemandRequest
    state: DemandState
    changed_at: int
    """UTC, milliseconds since 1970-01-01."""
    close_reason: CloseReason | None = None
    response: int | None = None
    """The number of the answer that satisfied it."""

    @property
    def revision(self) -> str:
        """SHA-256 of what is wanted, in hex."""
        return digest(self.wanted).hex()

    @property
    def is_open(self) -> bool:
        """Whether it is seen and can be answered."""
        return self.state in {DemandState.POSTED, DemandState.ANSWERED}


def write(name: str, wanted: DemandRequest, actor: Actor, open_ones: int, now: int) -> Demand:
    """Give a draft of the actor's; the operator and supervisors, who run and watch the market, need no data.

    `open_ones` is how many it has that are not over.
    """
    if actor.office is not None:
        raise ForbiddenError(f"{actor.name} has the office of {actor.office}", "post as a party that needs data")
    if open_ones >= MOST:
        raise ConflictError(f"{actor.name} has {MOST} demands that are not over", "close those that are settled")
    _check(wanted, now)
    return Demand(name, actor.name, wanted, DemandState.DRAFT, now)


def edit(old: Demand, wanted: DemandRequest, revision: str, actor: Actor, now: int) -> Demand:
    """Give the draft with other content; `revision` is of the one that was edited."""
    require_poster(old, actor)
    if old.state is not DemandState.DRAFT:
        raise ConflictError(f"{old.name} is {old.state}: others rely on it", "close it, and post another")
    if revision != old.revision:
        raise StaleError(f"{old.name} was changed since you read it", "read it again, then edit")
    _check(wanted, now)
    return replace(old, wanted=wanted, changed_at=now)


def post(old: Demand, actor: Actor, now: int) -> Demand:
    """Give the demand as it is seen from now on."""
    state = advance(DEMAND, old.name, old.state, Move.POST, role_in_demand(old, actor))
    _check(old.wanted, now)
    return replace(old, state=state, changed_at=now)


def answer(old: Demand, said: ResponseRequest, listing: Listing | None, actor: Actor, now: int) -> Demand:
    """Give the demand as it is answered, by anybody who sees it other than its poster.

    A product that is named is the actor's own, and listed.
    """
    if actor.name == old.poster:
        raise ForbiddenError("it is your own demand", "wait for others' answers")
    if actor.office is not None:
        raise ForbiddenError(f"{actor.name} has the office of {actor.office}", "leave answers to the parties")
    state = advance(DEMAND, old.name, old.state, Move.ANSWER, role_in_demand(old, actor))
    if said.product is not None and (listing is None or listing.state is not ProductState.LISTED):
        raise InvalidError(
            f"you list no product {said.product} {said.product_version}",
            "name a listed version of your own, or answer with a text",
            {"product": "No listed version of yours."},
        )
    return replace(old, state=state, changed_at=now)


def close(old: Demand, reason: CloseReason, response: int | None, answers: int, actor: Actor, now: int) -> Demand:
    """Give the demand as its poster closes it, or the operator for its content.

    1. The poster gives its own reasons, the operator the one that the content is improper.
    2. An answer that is named is there, and satisfied the demand.
    """
    role = role_in_demand(old, actor)
    state = advance(DEMAND, old.name, old.state, Move.CLOSE, role)
    if (reason is CloseReason.IMPROPER) != (role is Role.OPERATOR):  # 1
        raise InvalidError(f"the reason {reason} is not for you", "give another", {"reason": "Not for you."})
    if response is not None and (reason is not CloseReason.SATISFIED or not 1 <= response <= answers):  # 2
        raise InvalidError(
            f"answer {response} did not satisfy {old.name}",
            "name an answer that is there, with the reason satisfied",
            {"response": f"1 to {answers}, with the reason satisfied."},
        )
    return replace(old, state=state, changed_at=now, close_reason=reason, response=response)


def expire(old: Demand, now: int) -> Demand:
    """Give the demand after its last day."""
    state = advance(DEMAND, old.name, old.state, Move.EXPIRE, Role.MARKET)
    return replace(old, state=state, changed_at=now)


def is_for(demand: Demand, name: str, kind: PartyKind | None) -> bool:
    """Whether an organisation sees the demand: its poster always, others from when it is posted."""
    if name == demand.poster:
        return True
    audience = demand.wanted.audience
    return demand.state is not DemandState.DRAFT and (not audience or kind in audience)


def role_in_demand(demand: Demand, actor: Actor) -> Role:
    """Give the actor's role, as poster or as one who may answer; `NotFoundError` for who does not see it."""
    is_operator = actor.office is Role.OPERATOR and demand.state is not DemandState.DRAFT
    if not is_operator and not is_for(demand, actor.name, actor.kind):
        raise missing("demand", demand.name)
    if actor.name == demand.poster:
        return Role.CONSUMER
    return actor.office or Role.PROVIDER


def require_inbox(actor: Actor) -> None:
    """Return if the actor can be told of demands; raise `ForbiddenError` for the operator, who sees them all."""
    if actor.office is Role.OPERATOR:
        raise ForbiddenError(
            f"{actor.name} has the office of {actor.office}", "look at the board: it has them all"
        )


def require_poster(demand: Demand, actor: Actor) -> None:
    """Return if the actor posted it; raise `NotFoundError` or `ForbiddenError` if not."""
    if role_in_demand(demand, actor) is not Role.CONSUMER:
        raise ForbiddenError(f"{demand.name} is not yours", "ask who posted it")


def _check(wanted: DemandRequest, now: int) -> None:
    """Every wanted field has a word to be found by, and the last day has not passed."""
    for each in wanted.fields:
        terms_of(each)
    if wanted.until < day_of(now).isoformat():
        raise InvalidError(f"{wanted.until} has passed", "choose a later day", {"until": "It has passed."})
