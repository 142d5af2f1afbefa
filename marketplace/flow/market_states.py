"""The states of demands, mandates, prices and statements, and who may move each from one to the next."""

from enum import StrEnum

from marketplace.flow.states import Machine, Move, Role


class DemandState(StrEnum):
    """A demand is written, seen, answered, and over: closed for a reason, or because its day has passed."""

    DRAFT = "draft"
    POSTED = "posted"
    ANSWERED = "answered"
    CLOSED = "closed"
    EXPIRED = "expired"


class MandateState(StrEnum):
    """A mandate stands for its term, unless its authority ends it before."""

    ENTERED = "entered"
    ENDED = "ended"


class PriceState(StrEnum):
    """A price stands in the catalog, or is offered for one application, until the contract's draft fixes it."""

    LISTED = "listed"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    AGREED = "agreed"


class StatementState(StrEnum):
    """A version of a statement waits for both sides; one that was disputed is replaced by the next version."""

    ISSUED = "issued"
    CONFIRMED_BY_ONE = "confirmed_by_one"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    CORRECTED = "corrected"


_CONSUMER = frozenset({Role.CONSUMER})
_PROVIDER = frozenset({Role.PROVIDER})
_SIDES = _CONSUMER | _PROVIDER
_OPERATOR = frozenset({Role.OPERATOR})
_MARKET = frozenset({Role.MARKET})
_AUTHORITY = frozenset({Role.AUTHORITY})

DEMAND = Machine(
    "demand",
    {
        # Its consumer is who needs the data, and a provider whoever answers.
        (DemandState.DRAFT, Move.POST): (DemandState.POSTED, _CONSUMER),
        (DemandState.DRAFT, Move.CLOSE): (DemandState.CLOSED, _CONSUMER),
        (DemandState.POSTED, Move.ANSWER): (DemandState.ANSWERED, _PROVIDER),
        (DemandState.ANSWERED, Move.ANSWER): (DemandState.ANSWERED, _PROVIDER),
        (DemandState.POSTED, Move.CLOSE): (DemandState.CLOSED, _CONSUMER | _OPERATOR),
        (DemandState.ANSWERED, Move.CLOSE): (DemandState.CLOSED, _CONSUMER | _OPERATOR),
        (DemandState.POSTED, Move.EXPIRE): (DemandState.EXPIRED, _MARKET),
        (DemandState.ANSWERED, Move.EXPIRE): (DemandState.EXPIRED, _MARKET),
    },
)

MANDATE = Machine("mandate", {(MandateState.ENTERED, Move.END): (MandateState.ENDED, _AUTHORITY)})

PRICE = Machine(
    "price",
    {
        (PriceState.LISTED, Move.OFFER): (PriceState.OFFERED, _PROVIDER),
        (PriceState.OFFERED, Move.OFFER): (PriceState.OFFERED, _PROVIDER),
        (PriceState.OFFERED, Move.ACCEPT): (PriceState.ACCEPTED, _CONSUMER),
        # What its list has is fixed as it is, what is negotiated once the consumer accepted it.
        (PriceState.LISTED, Move.FIX): (PriceState.AGREED, _MARKET),
        (PriceState.ACCEPTED, Move.FIX): (PriceState.AGREED, _MARKET),
    },
)

STATEMENT = Machine(
    "statement",
    {
        (StatementState.ISSUED, Move.CONFIRM): (StatementState.CONFIRMED_BY_ONE, _SIDES),
        (StatementState.CONFIRMED_BY_ONE, Move.CONFIRM): (StatementState.CONFIRMED, _SIDES),
        (StatementState.ISSUED, Move.DISPUTE): (StatementState.DISPUTED, _SIDES),
        (StatementState.CONFIRMED_BY_ONE, Move.DISPUTE): (StatementState.DISPUTED, _SIDES),
        (StatementState.DISPUTED, Move.CORRECT): (StatementState.CORRECTED, _OPERATOR),
    },
)
