"""Disputes: opened, reopened, closed by subjects; answered and corrected by organisations, within a clock."""

from collections.abc import Mapping
from dataclasses import dataclass

from audit.entry import EntryKind as Kind
from audit.entry import Value
from compute.records import DisputeMatter
from compute.terms import Terms
from marketplace.commands import deadlines
from marketplace.errors import ConflictError, missing
from marketplace.flow import dispute as disputing
from marketplace.flow.actor import Principal
from marketplace.flow.consent_request import new_code
from marketplace.flow.consent_states import DISPUTE, DisputeState
from marketplace.flow.dispute import Dispute
from marketplace.flow.event import MOVED, event
from marketplace.flow.notice import Topic
from marketplace.flow.states import Move, Role
from marketplace.flow.subject import Acting
from marketplace.gate import Gate, Setting
from marketplace.store import disputes
from marketplace.subjects import SubjectSetting
from marketplace.transaction import Transaction


@dataclass(frozen=True)
class Said:
    """What somebody wrote in a dispute; without an author it is the subject."""

    author: str | None
    at: int
    text: str


class Disputes:
    """The commands about disputes, behind the exchange's gate."""

    def __init__(self, gate: Gate, setting: Setting) -> None:
        self._gate, self._setting = gate, setting

    def page(
        self, actor: str | Principal, after: tuple[int, str] | None, limit: int
    ) -> tuple[list[Dispute], tuple[int, str] | None]:
        """So many disputes behind `(time, number)` that the actor has to answer; the operator sees all."""
        with self._gate.query("disputes", actor) as step:
            whose = None if step.actor.office is Role.OPERATOR else step.actor.name
            found = disputes.page(step.connection, whose, after, limit)
            return found, (found[-1].at, found[-1].number) if found else after

    def load(self, actor: str | Principal, number: str) -> tuple[Dispute, list[Said]]:
        """A dispute and what was written in it, for its respondent and the operator."""
        with self._gate.query("dispute", actor) as step:
            found = self._found(step, number)
            disputing.role_of(found, step.actor)
            return found, self._words(step, number)

    def answer(self, actor: str | Principal, number: str, words: str) -> Dispute:
        """Answer the subject; it decides whether that is enough."""
        with self._gate.command("answer_dispute", actor, suspended_too=True) as step:
            old = self._found(step, number)
            new = disputing.answer(old, step.actor, step.now)
            return self._move(step, old, new, Move.ANSWER, words)

    def correct(self, actor: str | Principal, number: str, snapshot_date: str, words: str) -> Dispute:
        """State that the data were corrected at the source, in the table of this day, and answer the subject."""
        with self._gate.command("correct_dispute", actor, suspended_too=True) as step:
            old = self._found(step, number)
            new = disputing.correct(old, step.actor, snapshot_date, step.now)
            return self._move(step, old, new, Move.CORRECT, words, {"snapshot_date": snapshot_date})

    # --- for subjects -----------------------------------------------------------------------------------------

    def open(
        self,
        step: Transaction,
        acting: Acting,
        terms: Terms,
        commitment: bytes,
        matter: DisputeMatter,
        respondent: str | None,
        words: str | None,
    ) -> Dispute:
        """Open a dispute of the subject within a transaction, and have its respondent told."""
        made = disputing.open_dispute(terms, matter, respondent, (acting.tag, commitment), new_code(), step.now)
        disputes.add(step.connection, made)
        self._say(step, made.number, None, words)
        self._record(step, Kind.DISPUTE_OPENED, made, {"matter": matter.value})
        self._wait(step, made)
        step.notify(made.respondent, Topic.DISPUTE_OPENED, about=made.number, matter=matter.value, due=made.due)
        return made

    def require_room(self, step: Transaction, acting: Acting) -> None:
        """Return unless the subject has too many disputes open, within a transaction; raise `ConflictError`."""
        disputing.require_room(disputes.count_open(step.connection, acting.tag))

    def of_subject(self, step: Transaction, acting: Acting) -> list[Dispute]:
        """Give the subject's disputes, the newest first, within a transaction."""
        return disputes.of_tag(step.connection, acting.tag)

    def own(self, acting: Acting, number: str) -> tuple[Dispute, list[Said]]:
        """One of the subject's disputes, and what was written in it."""
        with self._gate.glance() as step:
            return self._own(step, acting, number), self._words(step, number)

    def reopen(self, acting: Acting, number: str, words: str) -> Dispute:
        """Say that the answer is not enough; the clock starts anew."""
        with self._gate.by_subject("reopen_dispute", acting) as step:
            old = self._own(step, acting, number)
            new = disputing.reopen(old, step.now)
            moved = self._move(step, old, new, Move.REOPEN, words)
            step.notify(new.respondent, Topic.DISPUTE_OPENED, about=number, matter=new.matter.value, due=new.due)
            return moved

    def close(self, acting: Acting, number: str) -> Dispute:
        """Say that it is enough."""
        with self._gate.by_subject("close_dispute", acting) as step:
            old = self._own(step, acting, number)
            return self._close(step, old, Role.SUBJECT)

    def due(self, step: Transaction) -> int:
        """Close what was answered long ago, and give how many there were."""
        silent = disputes.silent(step.connection, step.now)
        for number in silent:
            self._close(step, self._found(step, number), Role.MARKET)
        return len(silent)

    def _close(self, step: Transaction, old: Dispute, role: Role) -> Dispute:
        moved = self._move(step, old, disputing.close(old, role), Move.CLOSE, None)
        step.notify(old.respondent, Topic.DISPUTE_CLOSED, about=old.number)
        return moved

    def _move(
        self,
        step: Transaction,
        old: Dispute,
        new: Dispute,
        move: Move,
        words: str | None,
        detail: Mapping[str, str] | None = None,
    ) -> Dispute:
        disputes.move(step.connection, old, new)
        author = None if step.actor.office in {Role.SUBJECT, Role.MARKET} else step.actor.name
        self._say(step, new.number, author, words)
        self._record(step, MOVED[DISPUTE.noun, move], new, detail)
        self._wait(step, new)
        return new

    def _wait(self, step: Transaction, dispute: Dispute) -> None:
        """Have its respondent answer in time; once it has, only the subject or silence moves it."""
        noun, number = DISPUTE.noun, dispute.number
        if dispute.state is DisputeState.OPENED:
            deadlines.set(step, noun, number, dispute.respondent, dispute.due, contract=dispute.contract)
        else:
            deadlines.clear(step, noun, number)

    def _record(
        self, step: Transaction, kind: Kind, dispute: Dispute, detail: Mapping[str, str | int] | None = None
    ) -> None:
        members: dict[str, Value] = {"dispute": dispute.number, **(detail or {})}
        step.report(event(kind, step.market, dispute.respondent, step.now, members, contract=dispute.contract))

    def _say(self, step: Transaction, number: str, author: str | None, words: str | None) -> None:
        if words is not None:
            sealed = self._subjects.seal_words(number, words)
            disputes.add_words(step.connection, number, author, step.now, sealed)

    def _words(self, step: Transaction, number: str) -> list[Said]:
        sealed = disputes.words(step.connection, number)
        return [Said(each.author, each.at, self._subjects.words(number, each.text)) for each in sealed]

    def _found(self, step: Transaction, number: str) -> Dispute:
        found = disputes.load(step.connection, number)
        if found is None:
            raise missing("dispute", number)
        return found

    def _own(self, step: Transaction, acting: Acting, number: str) -> Dispute:
        found = self._found(step, number)
        if found.tag != acting.tag:
            raise missing("dispute", number)
        return found

    @property
    def _subjects(self) -> SubjectSetting:
        if self._setting.subjects is None:
            raise ConflictError("there are no subjects here", "have the operator configure [identity]")
        return self._setting.subjects
