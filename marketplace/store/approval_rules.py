"""Organisations' steps by matter."""

import hashlib
from typing import Any

import msgspec
import rfc8785
from sqlalchemy import Connection, Row, delete, select

from audit.database import put as write
from marketplace.flow.office import Matter, Rule, StepRule
from marketplace.store.office_tables import approval_rules


def put(connection: Connection, organisation: str, rule: Rule) -> None:
    """Store an organisation's rule in place of the one it had; a rule without steps is none."""
    if not rule.steps:
        key = approval_rules.c
        gone = delete(approval_rules).where(key.organisation == organisation, key.matter == rule.matter)
        connection.execute(gone)
        return
    row = {
        "organisation": organisation,
        "matter": rule.matter.value,
        "node": int(rule.node),
        "steps": encode_steps(rule.steps),
    }
    connection.execute(write(connection, approval_rules).values(row))


def load(connection: Connection, organisation: str, matter: Matter) -> Rule | None:
    """Give an organisation's rule for a matter, if it has steps."""
    key = approval_rules.c
    found = select(approval_rules).where(key.organisation == organisation, key.matter == matter.value)
    row = connection.execute(found).one_or_none()
    return None if row is None else _rule(row)


def all_of(connection: Connection, organisation: str) -> list[Rule]:
    """Give all rules of an organisation, by matter."""
    columns = approval_rules.c
    found = select(approval_rules).where(columns.organisation == organisation).order_by(columns.matter)
    return [_rule(row) for row in connection.execute(found)]


def encode_steps(steps: tuple[StepRule, ...]) -> bytes:
    """Give the steps as canonical JSON."""
    return rfc8785.dumps(msgspec.to_builtins(steps))


def decode_steps(data: bytes) -> tuple[StepRule, ...]:
    """Give the steps that `encode_steps` wrote."""
    return msgspec.json.decode(data, type=tuple[StepRule, ...])


def revision(rule: Rule) -> str:
    """Give what names this very rule: SHA-256 of its content, in hex."""
    return hashlib.sha256(rfc8785.dumps(msgspec.to_builtins(rule))).hexdigest()


def _rule(row: Row[Any]) -> Rule:
    return Rule(Matter(row.matter), decode_steps(row.steps), node=bool(row.node))
