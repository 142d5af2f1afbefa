"""What a view works with: the exchange, the marketplace's own setting, and the party that asks."""

from dataclasses import dataclass

import flask

from audit.storage.publication import Publication
from marketplace.exchange import Exchange
from marketplace.gate import Setting
from marketplace.store import cases, contracts, permits

EXTENSION = "marketplace"
"""The key in `app.extensions` under which the app keeps its context."""


@dataclass(frozen=True)
class Context:
    """One worker's exchange, who the marketplace is, and what of its log is shown."""

    exchange: Exchange
    setting: Setting
    publication: Publication


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


def actor() -> str:
    """Give the party whose signature on this request was verified."""
    party: str = flask.g.party
    return party


def expire_due() -> None:
    """State in the log whatever term is over, before a view shows its state.

    No permit waits for it: `flow.permit.stands` asks the clock. It is done by whoever looks first and not by a
    timer, so there is no process more to run and to watch, and nobody is ever shown a term that is over as active.
    A read that finds nothing due takes no write lock; of several workers that find the same, one states it.
    """
    market, now = context(), context().setting.clock()
    with market.exchange.log.snapshot() as connection:
        due = any(each.due(connection, now) for each in (contracts, permits, cases))
    if due:
        market.exchange.expire()
