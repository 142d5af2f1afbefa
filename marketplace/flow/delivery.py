"""One notice on its way to one place outside: tried again ever more rarely, and given up after a day."""

from dataclasses import dataclass, replace
from enum import StrEnum

from compute.canonical import DAY, HOUR

FIRST_PAUSE = 30_000
"""Milliseconds before the second attempt; each further pause is twice as long."""
LONGEST_PAUSE = 4 * HOUR
GIVEN_UP = DAY
"""Milliseconds after which nothing more is tried."""
LEASE = 120_000
"""Milliseconds that one attempt may take: then another process takes it for dead, and tries again."""


class Channel(StrEnum):
    """By what a notice leaves the marketplace."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    CODE = "code"
    """E-mail with the code that confirms a member's address."""
    ADDRESS = "address"
    """E-mail to an address, for who may not be reached by what the account says any more."""


class DeliveryState(StrEnum):
    """A delivery waits for its next attempt, has arrived, or is given up."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True)
class Delivery:
    """A notice for one place, which knows repeats by `id`: it may arrive more than once."""

    id: str
    notice: int
    organisation: str
    channel: Channel
    target: str
    """A member, a webhook, or an address."""
    created: int
    """UTC, milliseconds since 1970-01-01."""
    due: int
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    problem: str | None = None


def begin(delivery: Delivery, now: int) -> Delivery:
    """Give the delivery while an attempt goes on: nobody else makes one until its lease is over."""
    return replace(delivery, attempts=delivery.attempts + 1, due=now + LEASE)


def arrived(delivery: Delivery) -> Delivery:
    """Give the delivery that has arrived."""
    return replace(delivery, state=DeliveryState.DELIVERED, problem=None)


def failed(delivery: Delivery, problem: str, now: int, *, is_final: bool = False) -> Delivery:
    """Give the delivery after an attempt that failed: waiting, or dead where no attempt is left or would help."""
    pause = min(FIRST_PAUSE * 2 ** min(delivery.attempts - 1, 20), LONGEST_PAUSE)
    if is_final or now + pause > delivery.created + GIVEN_UP:
        return replace(delivery, state=DeliveryState.DEAD, problem=problem)
    return replace(delivery, due=now + pause, problem=problem)
