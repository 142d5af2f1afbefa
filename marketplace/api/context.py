"""What a view works with: the exchange, the marketplace's own setting, and the party that asks."""

from dataclasses import dataclass, field

import flask

from audit.storage.publication import Publication
from marketplace.commands import demands, statements
from marketplace.exchange import Exchange
from marketplace.flow.actor import Principal
from marketplace.gate import Setting
from marketplace.store import cases, contracts, deadlines, moves, permits, resources

EXTENSION = "marketplace"
"""The key in `app.extensions` under which the app keeps its context."""


INTERVAL = 1000
"""Milliseconds for which a worker that looked at what is due does not look again."""


@dataclass
class Looked:
    """When this worker last looked at what is due; none is before it ever did."""

    at: int | None = None

    def is_due(self, now: int) -> bool:
        """Whether to look, and note that it was done; also when the clock was set back."""
        if self.at is not None and 0 <= now - self.at < INTERVAL:
            return False
        self.at = now
        return True


@dataclass(frozen=True)
class Context:
    """One worker's exchange, who the marketplace is, and what of its log is shown."""

    exchange: Exchange
    setting: Setting
    publication: Publication
    site: str
    """The public address, without a slash at its end."""
    looked: Looked = field(default_factory=Looked)


def context() -> Context:
    """Give the context of the app that serves this request."""
    found: Context = flask.current_app.extensions[EXTENSION]
    return found


def exchange() -> Exchange:
    """Give the exchange of the app that serves this request."""
    return context().exchange


def publication() -> Publication:
    """Give what of the log is shown, and to which witnesses."""
    return context().publication


def actor() -> Principal:
    """Give who was proven to have sent this request: a party, or a person or a machine of one."""
    found: Principal = flask.g.principal
    return found


def expire_due() -> None:
    """State in the log whatever term is over, before a view shows its state.

    No permit waits for it: `flow.permit.stands` asks the clock. It is done by whoever looks first and not by a
    timer, so there is no process more to run and to watch, and nobody is shown a term as active that has been over
    for a second. A read that finds nothing due takes no write lock; of several workers that find the same, one
    states it.
    """
    market, now = context(), context().setting.clock()
    if not market.looked.is_due(now):
        return
    with market.exchange.log.snapshot() as connection:
        due = any(each.due(connection, now) for each in (contracts, permits, cases, moves, resources, deadlines))
        due = due or statements.is_due(connection, now) or demands.is_due(connection, now)
    if due:
        market.exchange.expire()
