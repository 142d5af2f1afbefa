"""Statements: issued by the month from what the log has, confirmed or disputed by both sides, corrected."""

import secrets
from collections.abc import Iterator

from sqlalchemy import Connection

from audit.entry import EntryKind as Kind
from compute.market.mandates import ProductName
from compute.market.prices import PriceAgreement
from compute.market.statements import ChargeReason, StatementCorrection, StatementDispute
from marketplace.command import in_steps
from marketplace.commands import deadlines
from marketplace.errors import missing
from marketplace.flow import statement as stating
from marketplace.flow.actor import Actor, Principal
from marketplace.flow.mandate import regime
from marketplace.flow.months import bounds, due, following, month_of, previous
from marketplace.flow.notice import Topic
from marketplace.flow.office import Matter
from marketplace.flow.pricing import Count, Limits
from marketplace.flow.statement import Issued, Period
from marketplace.flow.states import Role
from marketplace.flow.working_days import day_of
from marketplace.gate import Gate, Setting
from marketplace.store import mandates, prices, products, statements, usage
from marketplace.store.statements import Wanted
from marketplace.transaction import Transaction

_SALT_BYTES = 32
_NOUN = "statement"
TERM = 10
"""Working days, the day of issue included: until the end of the last a statement can be disputed."""
_STILL_LOOKED_AT = 366 * 24 * 3600 * 1000
"""Milliseconds after a contract's end in which its nodes may still report or give back what was used."""


class Statements:
    """The commands about statements, behind the exchange's gate."""

    def __init__(self, gate: Gate, setting: Setting) -> None:
        self._gate, self._setting = gate, setting

    @in_steps("confirm_statement", Matter.STATEMENT_CONFIRM, about="name")
    def confirm(self, actor: str | Principal, name: str, read: str) -> Issued:
        """Confirm the version with this digest, as one of its sides; with the second it is settled."""
        with self._gate.command("confirm_statement", actor) as step:
            old = _statement(step, name)
            new = stating.confirm(old, step.actor, read)
            deadlines.clear(step, _NOUN, name, step.actor.name)
            self._said(step, old, new, Kind.STATEMENT_CONFIRMED, Topic.STATEMENT_CONFIRMED)
            return new

    @in_steps("dispute_statement", Matter.STATEMENT_CONFIRM, about="name")
    def dispute(self, actor: str | Principal, name: str, said: StatementDispute) -> Issued:
        """Dispute the version that was read, as one of its sides."""
        with self._gate.command("dispute_statement", actor) as step:
            old = _statement(step, name)
            new = stating.dispute(old, said, step.actor, step.now)
            deadlines.clear(step, _NOUN, name)
            about = old.statement.contract
            deadlines.set(step, _NOUN, name, self._setting.operator, due(step.now, TERM), contract=about)
            self._said(step, old, new, Kind.STATEMENT_DISPUTED, Topic.STATEMENT_DISPUTED, reason=said.reason.value)
            return new

    def correct(self, actor: str | Principal, name: str, said: StatementCorrection) -> Issued:
        """Replace a disputed version by the next, counted anew from the log, as the operator."""
        with self._gate.command("correct_statement", actor) as step:
            old = _statement(step, name)
            made = old.statement
            agreed = prices.load(step.connection, made.contract, made.provider)
            if agreed is None:
                raise missing("price", f"of {made.contract}")
            lasting = usage.in_force(step.connection, made.contract)
            period = _period(step, agreed, made.month, lasting)
            limits = _limits(step.connection, agreed, made.month, but=name)
            replaced, new = stating.correct(old, said, agreed, period, limits, step.actor)
            statements.move(step.connection, old, replaced, step.now)
            deadlines.clear(step, _NOUN, name)
            self._issue(step, new)
            return new

    def load(self, actor: str | Principal, name: str, version: int | None = None) -> Issued:
        """A statement's last version, or the one asked for; for its two sides and the operator."""
        with self._gate.query("statement", actor) as step:
            return _statement(step, name, version)

    def page(
        self,
        actor: str | Principal,
        month: str | None,
        state: str | None,
        after: tuple[str, str] | None,
        size: int,
    ) -> list[Issued]:
        """The first statements behind a month and a name, of the actor's own; the operator has all."""
        with self._gate.query("statements", actor) as step:
            return statements.page(step.connection, Wanted(_party(step.actor), month, state), after, size)

    def every(self, actor: str | Principal, month: str) -> list[Issued]:
        """All of the actor's statements of one month, by name."""
        with self._gate.query("statements", actor) as step:
            return statements.page(step.connection, Wanted(_party(step.actor), month), None, None)

    def issue_due(self, step: Transaction) -> int:
        """Issue the statements of every month that is over, month by month, and give their number."""
        issued = 0
        for month in list(_closed_months(step.connection, step.now)):
            start, end = bounds(month)
            for agreed, since, until in list(prices.standing(step.connection, start - _STILL_LOOKED_AT, end)):
                period = _period(step, agreed, month, (since, until))
                if stating.is_due(agreed, period.count):
                    terms = step.terms(agreed.contract)
                    limits = _limits(step.connection, agreed, month)
                    self._issue(step, stating.issue(agreed, terms.consumer, period, limits))
                    issued += 1
            statements.finish_month(step.connection, month, step.now)
        return issued

    def _issue(self, step: Transaction, made: Issued) -> None:
        statement = made.statement
        statements.add(step.connection, made)
        step.record(
            Kind.STATEMENT_ISSUED,
            contract=statement.contract,
            counterparty=statement.provider,
            statement=statement.statement,
            version=statement.version,
            digest=made.digest,
        )
        for side in (statement.consumer, statement.provider):
            deadlines.set(step, _NOUN, statement.statement, side, due(step.now, TERM), contract=statement.contract)
            step.notify(side, Topic.STATEMENT_ISSUED, statement.statement, month=statement.month)

    def _said(self, step: Transaction, old: Issued, new: Issued, kind: Kind, topic: Topic, **detail: str) -> None:
        statement = old.statement
        statements.move(step.connection, old, new, step.now)
        step.record(
            kind,
            contract=statement.contract,
            statement=statement.statement,
            version=statement.version,
            digest=old.digest,
            **detail,
        )
        for side in {statement.consumer, statement.provider} - {step.actor.name}:
            step.notify(side, topic, statement.statement, month=statement.month)


def is_due(connection: Connection, now: int) -> bool:
    """Whether a month is over of which no statements are issued."""
    return next(_closed_months(connection, now), None) is not None


def _closed_months(connection: Connection, now: int) -> Iterator[str]:
    last, closing = statements.last_month(connection), previous(month_of(now))
    if last is None:
        first = prices.first_at(connection)
        if first is None:
            return
        month = month_of(first)
    else:
        month = following(last)
    while month <= closing:
        yield month
        month = following(month)


def _period(
    step: Transaction, agreed: PriceAgreement, month: str, lasting: tuple[int, int | None] | None
) -> Period:
    start, end = bounds(month)
    connection, contract, provider = step.connection, agreed.contract, agreed.provider
    whole = usage.counted(connection, contract, provider, 0, end)
    billed = statements.billed(connection, contract, provider, month)
    since, until = lasting or (end, None)
    in_force = since < end and (until is None or until > start)
    return Period(
        month=month,
        count=Count(max(0, whole - billed), billed, in_force, is_first=start <= since < end),
        unmatched=usage.unmatched(connection, contract, provider, end),
        carried=max(0, billed - whole),
        due=day_of(due(step.now, TERM) - 1).isoformat(),
        now=step.now,
        salt=secrets.token_bytes(_SALT_BYTES),
    )


def _limits(connection: Connection, agreed: PriceAgreement, month: str, but: str | None = None) -> Limits:
    """What bound the fee at the month's end; without what the statement `but` charges."""
    _, end = bounds(month)
    bound = regime(mandates.about(connection, [agreed.provider]), end - 1)
    if bound.mandate is None:
        return Limits(barred=ChargeReason.NO_MANDATE if bound.is_barred else None)
    terms = bound.mandate.terms
    listing = products.load(connection, (agreed.provider, agreed.product, agreed.product_version))
    theme = None if listing is None else listing.product.theme
    name = ProductName(provider=agreed.provider, product=agreed.product)
    spent = statements.charged(connection, terms.mandate, int(month[:4]), but)
    ceiling = bound.ceiling(name, theme, agreed.plan)
    return Limits(
        mandate=terms.mandate,
        ceiling=ceiling,
        barred=ChargeReason.NO_CEILING if ceiling is None else None,
        left_fen=max(0, terms.revenue_cap_fen - spent),
    )


def _party(actor: Actor) -> str | None:
    return None if actor.office is Role.OPERATOR else actor.name


def _statement(step: Transaction, name: str, version: int | None = None) -> Issued:
    found = statements.load(step.connection, name, version)
    if found is None:
        raise missing("statement", name)
    stating.role_in_statement(found.statement, step.actor)
    return found
