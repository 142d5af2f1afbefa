"""Auditors' cases: opened by a supervisor, approved by another, read under, closed, and with that unsealed."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from audit.entry import EntryKind as Kind
from audit.entry import Value
from audit.tracing.seals import SALT_BYTES, Read, seal
from marketplace.errors import ForbiddenError
from marketplace.flow import case as casework
from marketplace.flow.actor import Principal
from marketplace.flow.case import AuditCase
from marketplace.flow.event import MOVED, event
from marketplace.flow.states import CASE, Move
from marketplace.gate import Gate
from marketplace.store import cases
from marketplace.transaction import Transaction


class Cases:
    """The commands about cases, behind the exchange's gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def open(self, actor: str | Principal, number: str, until: int) -> AuditCase:
        """Open a case under the supervisor's own number, which stays here."""
        with self._gate.command("open_case", actor) as step:
            case = casework.open_case(number, until, step.actor, secrets.token_bytes(SALT_BYTES), step.now)
            cases.add(step.connection, case)
            step.record(Kind.CASE_OPENED, case=case.id)
            return case

    def approve(self, actor: str | Principal, name: str) -> AuditCase:
        """Approve a case that another has opened; with that it can be read under."""
        with self._gate.command("approve_case", actor) as step:
            old = step.case(name)
            new = casework.approve(old, step.actor, step.now)
            cases.move(step.connection, old, new)
            step.record(MOVED[CASE.noun, Move.APPROVE], case=name)
            return new

    def close(self, actor: str | Principal, name: str) -> AuditCase:
        """Close a case: from now on everybody can see what was read under it."""
        with self._gate.command("close_case", actor) as step:
            return self._close(step, step.case(name))

    def close_due(self, step: Transaction) -> int:
        """Close every case whose time is over, and give their number."""
        due = cases.due(step.connection, step.now)
        for name in due:
            self._close(step, step.case(name))
        return len(due)

    def all_of(self, actor: str | Principal) -> list[tuple[AuditCase, int]]:
        """All cases with the number of reads under each, for supervisors and the operator."""
        with self._gate.query("cases", actor) as step:
            if step.actor.office is None:
                raise ForbiddenError(f"{step.actor.name} is no supervisor", "ask one")
            return [(case, cases.count_reads(step.connection, case.id)) for case in cases.all_of(step.connection)]

    def load(self, actor: str | Principal, name: str) -> tuple[AuditCase, int]:
        """One case with the number of reads under it, for supervisors and the operator."""
        with self._gate.query("case", actor) as step:
            return step.case(name), cases.count_reads(step.connection, name)

    @contextmanager
    def reading(
        self, command: str, actor: str | Principal, contract: str, case: str | None
    ) -> Iterator[Transaction]:
        """Open a transaction in which the actor reads what is about a contract; `command` says what.

        Under a case the read is in the log, sealed, before anything of it is handed out; if it fails, nothing is.
        """
        if case is None:
            with self._gate.query(command, actor) as step:
                casework.require_case(step.actor)
                yield step
            return
        with self._gate.command(command, actor) as step:
            admitted = casework.admit(step.case(case), step.actor, step.now)
            yield replace(step, actor=admitted)
            read, salt = Read(case, contract, admitted.name, command), secrets.token_bytes(SALT_BYTES)
            # Without a counterparty: who reads would tell something, too.
            index = step.report(event(Kind.CASE_READ, step.market, None, step.now, {"sealed": seal(salt, read)}))
            cases.add_read(step.connection, index, read, salt)

    def _close(self, step: Transaction, old: AuditCase) -> AuditCase:
        new = casework.close(old, step.actor)
        cases.move(step.connection, old, new)
        step.record(MOVED[CASE.noun, Move.CLOSE], case=old.id)
        for index, read, salt in cases.reads(step.connection, old.id):
            opened: dict[str, Value] = {"case": read.case, "index": index, "read": read.what, "salt": salt.hex()}
            step.report(
                event(Kind.CASE_UNSEALED, step.market, read.reader, step.now, opened, contract=read.contract)
            )
        return new
