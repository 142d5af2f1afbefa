"""A statement 对账单: issued for a month, confirmed by both sides, or disputed and issued again."""

import hashlib
from dataclasses import dataclass, replace

from compute.market.prices import PriceAgreement
from compute.market.statements import (
    DisputeReason,
    Statement,
    StatementCorrection,
    StatementDispute,
    StatementLine,
)
from compute.signing import digest
from marketplace.errors import ConflictError, InvalidError, missing
from marketplace.flow.actor import Actor
from marketplace.flow.market_states import STATEMENT, StatementState
from marketplace.flow.pricing import Count, Limits, charge, waived
from marketplace.flow.states import Move, Role, advance
from marketplace.flow.working_days import day_of

_NAME_DIGITS = 24


@dataclass(frozen=True)
class Dispute:
    """Who says what is wrong."""

    party: str
    reason: DisputeReason
    text: str


@dataclass(frozen=True)
class Issued:
    """A version of a statement, and what both sides have said to it."""

    statement: Statement
    state: StatementState
    confirmed: tuple[str, ...] = ()
    """The parties that have confirmed it."""
    dispute: Dispute | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the statement, in hex."""
        return digest(self.statement).hex()


@dataclass(frozen=True)
class Period:
    """Which month of which contract, and what the log has of it."""

    month: str
    count: Count
    unmatched: int
    carried: int
    due: str
    """The last day to confirm or dispute."""
    now: int
    salt: bytes


def statement_name(contract: str, provider: str, month: str) -> str:
    """Give the name of the statement about a contract's month at a provider."""
    about = "\n".join((contract, provider, month)).encode()
    return f"statement-{hashlib.sha256(about).hexdigest()[:_NAME_DIGITS]}"


def issue(agreed: PriceAgreement, consumer: str, period: Period, limits: Limits) -> Issued:
    """Give the first version of a statement."""
    return _issued(agreed, consumer, period, charge(agreed, period.count, limits), limits, 1, None)


def is_due(agreed: PriceAgreement, count: Count) -> bool:
    """Whether there is anything to state: something was used, or a month or a term is charged."""
    is_charged = agreed.free is None and (
        (agreed.plan.value == "subscription" and count.in_force)
        or (agreed.plan.value == "negotiated" and count.is_first)
    )
    return bool(count.uses) or is_charged


def role_in_statement(statement: Statement, actor: Actor) -> Role:
    """Give the actor's role: a side of the statement, or the operator. Raises `NotFoundError` for all others."""
    if actor.name == statement.consumer:
        return Role.CONSUMER
    if actor.name == statement.provider:
        return Role.PROVIDER
    if actor.office is Role.OPERATOR:
        return Role.OPERATOR
    raise missing("statement", statement.statement)


def confirm(old: Issued, actor: Actor, read: str) -> Issued:
    """Give the statement with a side's confirmation, at any time; `read` is the digest of the version it read.

    Each side confirms once: raises `ConflictError` for a second time, or if another version was read.
    """
    statement = old.statement
    role = role_in_statement(statement, actor)
    state = advance(STATEMENT, statement.statement, old.state, Move.CONFIRM, role)
    _require_read(old, read)
    if actor.name in old.confirmed:
        raise ConflictError(f"{actor.name} has confirmed {statement.statement} already", "wait for the other side")
    return replace(old, state=state, confirmed=(*old.confirmed, actor.name))


def dispute(old: Issued, asked: StatementDispute, actor: Actor, now: int) -> Issued:
    """Give the statement as a side disputes it, until its last day and unless it has confirmed it itself."""
    statement = old.statement
    role = role_in_statement(statement, actor)
    state = advance(STATEMENT, statement.statement, old.state, Move.DISPUTE, role)
    _require_read(old, asked.digest)
    if actor.name in old.confirmed:
        raise ConflictError(f"{actor.name} has confirmed {statement.statement}", "settle it with the other side")
    if day_of(now).isoformat() > statement.due:
        raise InvalidError(
            f"{statement.statement} could be disputed until {statement.due}", "confirm it, or ask the operator"
        )
    return replace(old, state=state, dispute=Dispute(actor.name, asked.reason, asked.text))


def correct(
    old: Issued, asked: StatementCorrection, agreed: PriceAgreement, period: Period, limits: Limits, actor: Actor
) -> tuple[Issued, Issued]:
    """Give the disputed version as it is replaced, and the next one: counted anew, with what is given up."""
    statement = old.statement
    role = role_in_statement(statement, actor)
    state = advance(STATEMENT, statement.statement, old.state, Move.CORRECT, role)
    _require_read(old, asked.digest)
    lines = waived(charge(agreed, period.count, limits), asked.waived_uses, is_all=asked.waives_all)
    new = _issued(agreed, statement.consumer, period, lines, limits, statement.version + 1, asked.note)
    return replace(old, state=state), new


def _issued(
    agreed: PriceAgreement,
    consumer: str,
    period: Period,
    lines: tuple[StatementLine, ...],
    limits: Limits,
    version: int,
    note: str | None,
) -> Issued:
    made = Statement(
        statement=statement_name(agreed.contract, agreed.provider, period.month),
        version=version,
        contract=agreed.contract,
        consumer=consumer,
        provider=agreed.provider,
        product=agreed.product,
        product_version=agreed.product_version,
        month=period.month,
        mandate=limits.mandate,
        uses=period.count.uses,
        unmatched=period.unmatched,
        carried=period.carried,
        lines=lines,
        total_fen=sum(line.amount_fen for line in lines),
        issued_at=period.now,
        due=period.due,
        note=note,
        salt=period.salt,
    )
    return Issued(made, StatementState.ISSUED)


def _require_read(old: Issued, read: str) -> None:
    if read != old.digest:
        raise ConflictError(f"{old.statement.statement} is another version than you read", "read it again")
