"""Mandates of public data: entered and ended by their authority, read by everybody."""

from sqlalchemy import Connection

from audit.entry import EntryKind as Kind
from audit.log import Log
from catalog.product import Product
from compute.market.mandates import MandateRequest, ProductName
from compute.records import PartyKind
from compute.signing import digest
from marketplace.commands.members import require_confirmed
from marketplace.errors import InvalidError, missing
from marketplace.flow import mandate as mandating
from marketplace.flow.actor import Principal
from marketplace.flow.mandate import Mandate, Regime
from marketplace.flow.notice import Topic
from marketplace.gate import Gate, Setting
from marketplace.store import mandates, statements
from marketplace.transaction import Transaction


class Mandates:
    """The commands about mandates, behind the exchange's gate."""

    def __init__(self, gate: Gate, log: Log, setting: Setting) -> None:
        self._gate, self._log, self._setting = gate, log, setting

    def enter(self, actor: str | Principal, terms: MandateRequest) -> Mandate:
        """Enter a mandate for this market's operator, as the authority."""
        with self._gate.command("enter_mandate", actor, enrolled=False) as step:
            require_confirmed(step)  # an administrator alone makes no leader who sets ceilings
            for provider in terms.providers:
                if step.party(provider).record.kind is not PartyKind.PROVIDER:
                    raise InvalidError(f"{provider} provides no data", "name departments that do")
            others = mandates.about(step.connection, terms.providers)
            made = mandating.enter(terms, step.actor, self._setting.operator, others, step.now)
            mandates.add(step.connection, made)
            step.record(Kind.MANDATE_ENTERED, mandate=terms.mandate, terms=digest(terms).hex())
            for provider in terms.providers:
                step.notify(provider, Topic.MANDATE_ENTERED, terms.mandate)
            return made

    def end(self, actor: str | Principal, name: str, reason: str) -> Mandate:
        """End a mandate before its time: from now on no fee is charged for the data it was about."""
        with self._gate.command("end_mandate", actor, enrolled=False) as step:
            require_confirmed(step)
            old = _mandate(step.connection, name)
            new = mandating.end(old, reason, step.actor, step.now)
            mandates.end(step.connection, old, new)
            step.record(Kind.MANDATE_ENDED, mandate=name)
            for provider in old.terms.providers:
                step.notify(provider, Topic.MANDATE_ENDED, name)
            return new

    def load(self, name: str) -> Mandate:
        """A mandate; ceilings and caps are public."""
        with self._log.snapshot() as connection:
            return _mandate(connection, name)

    def page(self, after: str | None, size: int) -> list[Mandate]:
        """The first mandates behind a name, by name. Public."""
        with self._log.snapshot() as connection:
            return mandates.page(connection, after, size)

    def revenue(self, actor: str | Principal, name: str, year: int) -> tuple[Mandate, int]:
        """A mandate with what was charged under it in a year, in fen; for its authority and the offices."""
        with self._gate.query("mandate_revenue", actor) as step:
            found = _mandate(step.connection, name)
            if step.actor.name != found.authority and step.actor.office is None:
                raise missing("mandate's revenue", name)
            return found, statements.charged(step.connection, name, year)


def regime_of(connection: Connection, provider: str, now: int) -> Regime:
    """Give what binds the fees on a provider's data at `now` (UTC, milliseconds)."""
    return mandating.regime(mandates.about(connection, [provider]), now)


def check_listing(step: Transaction, product: Product) -> None:
    """Return if a product may be listed at its price; raise `InvalidError` if no mandate allows it."""
    regime = regime_of(step.connection, product.provider, step.now)
    name = ProductName(provider=product.provider, product=product.id)
    mandating.check_price(regime, name, product.theme, product.price)


def _mandate(connection: Connection, name: str) -> Mandate:
    if (found := mandates.load(connection, name)) is None:
        raise missing("mandate", name)
    return found
