"""A node's front door: short messages at once, long ones as jobs that their sender alone collects or cancels."""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from node.conftest import AT_REST, Engines
from world import BANK, SUBJECTS, Clock, LogJournal, World

from audit.entry import EntryKind
from compute.canonical import Message, encode
from compute.node import events, intake
from compute.node.dispatch import Dispatcher
from compute.node.events import NoFacts
from compute.node.intake import Intake, LongMessage
from compute.node.jobs.job import Failure, Progress
from compute.node.jobs.leases import Leases
from compute.node.jobs.store import JobStore
from compute.node.provider import desk as provider_node
from compute.node.provider.kinds import ANSWER, KINDS
from compute.node.provider.serve import REPLIES
from compute.node.release import Release
from compute.protocols.base import (
    BUSY,
    CANCELLED,
    FAULT,
    UNAVAILABLE,
    Accepted,
    Cancel,
    Collect,
    Pending,
    RefusalError,
    Refused,
)
from compute.protocols.closed_answer.messages import Answer
from compute.protocols.risk_score.messages import AskProviderTerms, Query
from compute.signing import Signed
from compute.web.errors import PeerUnreachableError


class Door:
    """The tax office's front door, and the worker behind it, which works when a test says so."""

    def __init__(self, world: World, store: JobStore, short: int = 0, release: Release | None = None) -> None:
        role, journal = world.providers["tax"], LogJournal(world.log, world.identities["tax"])
        taken = provider_node.handlers(role, world.enrollers["tax"])
        self.world, self.store = world, store
        self.dispatcher = Dispatcher("tax", taken, journal, world.clock, release=release)
        self.worker = Dispatcher("tax", taken, journal, world.clock)
        received = LongMessage(
            ANSWER,
            role.check,
            lambda query: len(query.subjects),
            Signed[Answer],
            lambda query: events.received("tax", query, world.clock(), NoFacts()),
            short,
        )
        self.intake = Intake(self.dispatcher, store, {Query: received}, REPLIES)
        self.leases = Leases(store, 60)

    def send(self, message: Message, sender: str = BANK) -> Message:
        return self.intake.handle(sender, encode(message))

    def submit(self, query: Query) -> str:
        pending = self.send(query)
        assert isinstance(pending, Pending)
        return pending.ticket

    def work(self) -> None:
        """Run the one job that waits, as the worker does."""
        lease = self.leases.take()
        assert lease
        self.leases.finish(lease, self.worker.handle_bytes(lease.parameters), 0.0)

    def idle(self) -> bool:
        return self.leases.take() is None

    def kinds(self) -> list[EntryKind]:
        return [event.kind for event in self.world.events()]


@pytest.fixture
def door(world: World, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(intake, "HOLD", 0.02)  # as many seconds as a question is held
    return Door(world, JobStore(engines[0], AT_REST, KINDS, Clock()))


@pytest.fixture
def query(world: World) -> Query:
    return world.query(world.model(), SUBJECTS[:4])


def refusal(reply: Message, check: int, reason: str) -> Refused:
    assert isinstance(reply, Refused)
    assert (reply.check, reply.party) == (check, "tax")
    assert reason in reply.reason
    return reply


def test_a_short_message_is_answered_at_once(door: Door) -> None:
    reply = door.send(AskProviderTerms(bank=BANK))
    assert isinstance(reply, Signed)
    assert reply.signer == "tax"
    assert door.idle()


def test_a_long_message_becomes_a_job_whose_answer_is_collected(door: Door, query: Query) -> None:
    pending = door.send(query)
    assert isinstance(pending, Pending)
    assert (pending.party, pending.state, pending.step, pending.done, pending.total) == (
        "tax",
        "queued",
        None,
        0,
        4,
    )
    assert pending.milliseconds_left is None
    assert door.send(Collect(ticket=pending.ticket)) == pending
    door.work()
    answer = door.send(Collect(ticket=pending.ticket))
    assert isinstance(answer, Signed)
    assert door.world.providers["tax"].answer(query) == answer
    assert door.send(Collect(ticket=pending.ticket)) == answer


def test_pending_tells_how_far_the_work_is(door: Door, query: Query) -> None:
    ticket = door.submit(query)
    lease = door.leases.take()
    assert lease
    door.leases.report(lease, Progress("compute 计算", 500, 2000, 0.01))
    told = door.send(Collect(ticket=ticket))
    assert isinstance(told, Pending)
    assert (told.state, told.step, told.done, told.total) == ("running", "compute 计算", 500, 2000)
    assert told.milliseconds_left == 15_000


def test_a_long_message_that_comes_again_is_the_same_job(door: Door, query: Query) -> None:
    assert door.submit(query) == door.submit(query)
    assert door.kinds().count(EntryKind.QUERY_RECEIVED) == 1
    door.work()
    assert door.idle()
    assert isinstance(door.send(query), Signed)  # done: the stored reply, at once
    assert door.idle()
    assert door.kinds().count(EntryKind.ANSWER_SENT) == 1


def test_the_event_of_a_job_names_bank_and_permit_and_no_subject(door: Door, query: Query) -> None:
    door.submit(query)
    event = door.world.events()[-1]
    assert (event.kind, event.counterparty, event.permit_id) == (EntryKind.QUERY_RECEIVED, BANK, "permit-tax")
    assert event.detail == {"rows": 4}
    assert not any(subject in str(event) for subject in SUBJECTS)


def test_once_a_job_has_ended_its_subjects_are_not_kept(door: Door, query: Query) -> None:
    door.submit(query)
    door.work()
    with door.store.engine.begin() as connection:
        rows = connection.exec_driver_sql("SELECT parameters, result FROM jobs").all()
    assert [row.parameters for row in rows] == [b""]
    assert not any(subject.encode() in row.result for subject in SUBJECTS for row in rows)


def test_a_question_is_held_until_the_work_ends(door: Door, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "HOLD", 20.0)
    ticket = door.submit(query)
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(door.send, Collect(ticket=ticket))
        door.work()
        assert isinstance(asking.result(10), Signed)
    assert time.monotonic() - began < 10


# --- whose work it is ----------------------------------------------------------------------------------------


def test_another_party_s_ticket_is_none(door: Door, query: Query) -> None:
    ticket = door.submit(query)
    strange = [door.send(message, "rival") for message in (Collect(ticket=ticket), Cancel(ticket=ticket))]
    unknown = door.send(Collect(ticket="0" * 32), "rival")
    for reply in (*strange, unknown):
        refusal(reply, 1, "rival has no work")
    # It cannot tell whether there is such work at all.
    assert [reply.reason.replace(ticket, "0" * 32) for reply in strange] == [unknown.reason] * 2  # type: ignore[union-attr, attr-defined]
    door.work()
    refusal(door.send(Collect(ticket=ticket), "rival"), 1, "rival has no work")


def test_nobody_sends_what_another_has_signed(door: Door, query: Query) -> None:
    """A rival that got hold of a query would get the answer, and would know of the subjects that they consent."""
    for message in (query, AskProviderTerms(bank=BANK)):
        refusal(door.send(message, "rival"), 1, "the message is of bank, but rival sent it")
    assert door.idle()


def test_what_is_no_message_is_refused(door: Door) -> None:
    for data in (b"", b"{}", b'{"type":"collect"}', b'{"ticket":"../etc","type":"collect"}'):
        refusal(door.intake.handle(BANK, data), 0, "message")


def test_what_would_be_refused_anyway_becomes_no_job(door: Door, query: Query) -> None:
    refusal(door.send(door.world.resigned(query, as_of="2020-01-01")), 6, "observation date")
    assert door.idle()
    assert EntryKind.QUERY_RECEIVED not in door.kinds()


# --- work that comes to nothing ------------------------------------------------------------------------------


def test_cancelled_work_is_told_and_starts_anew(door: Door, query: Query) -> None:
    ticket = door.submit(query)
    assert isinstance(door.send(Cancel(ticket=ticket)), Accepted)
    assert isinstance(door.send(Cancel(ticket=ticket)), Accepted)
    assert door.idle()
    refusal(door.send(Collect(ticket=ticket)), CANCELLED, "cancelled")
    again = door.submit(query)
    assert again != ticket
    door.work()
    assert isinstance(door.send(Collect(ticket=again)), Signed)


def test_work_that_is_over_is_not_cancelled(door: Door, query: Query) -> None:
    ticket = door.submit(query)
    door.work()
    refusal(door.send(Cancel(ticket=ticket)), 1, "over already")
    assert isinstance(door.send(Collect(ticket=ticket)), Signed)


def test_work_that_failed_is_told_without_its_cause_and_tried_anew(door: Door, query: Query) -> None:
    ticket = door.submit(query)
    lease = door.leases.take()
    assert lease
    door.leases.fail(lease, Failure("ValueError", "this node failed", "submit it under a new key"))
    refusal(door.send(Collect(ticket=ticket)), FAULT, "this node failed")
    again = door.submit(query)
    assert again != ticket
    assert door.submit(query) == again
    door.work()
    assert isinstance(door.send(query), Signed)


def test_work_that_ended_in_a_refusal_is_told_and_tried_anew(door: Door, query: Query) -> None:
    """A consent is withdrawn between the front door and the work, and given again afterwards."""
    role = door.world.providers["tax"]
    given: Any = role._admission
    ticket = door.submit(query)
    role._admission = dataclasses.replace(given, consents=given.consents - {SUBJECTS[1]})
    door.work()
    refused = refusal(door.send(Collect(ticket=ticket)), 9, "1 subjects gave no consent")
    assert refused.subjects == (SUBJECTS[1],)
    refusal(door.send(query), 9, "1 subjects gave no consent")  # at the door already
    role._admission = given
    again = door.submit(query)
    assert again != ticket
    door.work()
    assert isinstance(door.send(Collect(ticket=again)), Signed)
    assert door.send(Collect(ticket=ticket)) == refused
    text = "".join(map(str, door.world.events()))
    assert not any(subject in text for subject in SUBJECTS)


@pytest.fixture
def other_door(world: World, engines: Engines) -> Door:
    """Another server process of the node: on the same files, with nothing in common in memory."""
    world.providers["tax"] = world.restarted("tax")
    return Door(world, JobStore(engines[1], AT_REST, KINDS, Clock()))


def test_any_process_of_the_node_takes_up_the_work(door: Door, query: Query, other_door: Door) -> None:
    ticket = door.submit(query)
    assert other_door.submit(query) == ticket
    other_door.work()
    answer = door.send(Collect(ticket=ticket))
    assert isinstance(answer, Signed)
    assert other_door.send(query) == answer


def test_a_sender_with_much_unfinished_work_waits_until_some_is_over(door: Door) -> None:
    model = door.world.model()
    queries = [door.world.query(model, SUBJECTS[:count]) for count in range(1, 6)]
    tickets = [door.submit(query) for query in queries[:4]]
    refusal(door.send(queries[4]), BUSY, "too much unfinished")
    assert door.submit(queries[0]) == tickets[0]  # what is there already may be asked for
    door.work()
    door.submit(queries[4])


def test_a_message_is_not_tried_for_ever(door: Door, query: Query) -> None:
    for _ in range(intake.MAX_ATTEMPTS):
        door.send(Cancel(ticket=door.submit(query)))
    refusal(door.send(query), BUSY, "too much unfinished or failed work")


def test_questions_that_are_held_leave_threads_for_others(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    query = door.world.query(door.world.model(), SUBJECTS[:2])
    ticket = door.submit(query)
    monkeypatch.setattr(intake, "HOLD", 5.0)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(door.send, Collect(ticket=ticket))
        while not door.intake._holds._owners:
            time.sleep(0.01)
        began = time.monotonic()
        assert isinstance(door.send(Collect(ticket=ticket)), Pending)  # its second question is answered at once
        assert time.monotonic() - began < 2
        door.work()
        assert isinstance(held.result(10), Signed)


# --- what is short -------------------------------------------------------------------------------------------


@pytest.fixture
def quick_door(world: World, engines: Engines) -> Door:
    """A door that answers queries of up to four rows at once."""
    return Door(world, JobStore(engines[0], AT_REST, KINDS, Clock()), short=4)


def test_a_query_of_few_rows_is_answered_within_its_request(quick_door: Door, query: Query) -> None:
    answer = quick_door.send(query)
    assert isinstance(answer, Signed)
    assert quick_door.idle()
    assert quick_door.kinds()[-2:] == [EntryKind.QUERY_RECEIVED, EntryKind.ANSWER_SENT]
    events_before = len(quick_door.kinds())
    assert quick_door.send(query) == answer  # the stored bytes, no further use and no further event
    assert len(quick_door.kinds()) == events_before


def test_a_query_of_more_rows_is_a_job(quick_door: Door) -> None:
    query = quick_door.world.query(quick_door.world.model(), SUBJECTS[:5])
    assert isinstance(quick_door.send(query), Pending)


def test_what_was_made_a_job_stays_one(quick_door: Door, query: Query) -> None:
    with quick_door.intake._answers.place(BANK):  # the bank's place is taken: it has another query answered
        ticket = quick_door.submit(query)
    assert quick_door.submit(query) == ticket
    quick_door.work()
    assert isinstance(quick_door.send(query), Signed)
    assert quick_door.kinds().count(EntryKind.ANSWER_SENT) == 1


def test_when_all_places_are_taken_a_short_query_waits_as_a_job(quick_door: Door, query: Query) -> None:
    places = quick_door.intake._answers
    with places.place("first") as first, places.place("second") as second:
        assert first
        assert second
        assert isinstance(quick_door.send(query), Pending)


def test_a_short_query_is_checked_like_a_long_one(quick_door: Door, query: Query) -> None:
    refusal(quick_door.send(quick_door.world.resigned(query, as_of="2020-01-01")), 6, "observation date")
    role = quick_door.world.providers["tax"]
    given: Any = role._admission
    role._admission = dataclasses.replace(given, consents=given.consents - {SUBJECTS[1]})
    refusal(quick_door.send(query), 9, "1 subjects gave no consent")
    assert quick_door.kinds()[-2:] == [EntryKind.REFUSED, EntryKind.REFUSED]
    role._admission = given
    assert isinstance(quick_door.send(query), Signed)
    assert quick_door.idle()


class Witnesses:
    """A rule that a test sets: whether a quorum stands behind the log."""

    def __init__(self) -> None:
        self.are_there = True
        self.asked: list[str] = []

    def require(self, event_id: str) -> None:
        self.asked.append(event_id)
        if not self.are_there:
            raise RefusalError(UNAVAILABLE, "no quorum of witnesses", "send it again")


@pytest.mark.parametrize("short", [0, 4])
def test_an_answer_leaves_only_by_the_rule_the_first_time_and_each_later_one(
    world: World, engines: Engines, query: Query, short: int
) -> None:
    rule = Witnesses()
    door = Door(world, JobStore(engines[0], AT_REST, KINDS, Clock()), short, rule)
    rule.are_there = False
    if short:
        refusal(door.send(query), UNAVAILABLE, "no quorum of witnesses")
    else:
        ticket = door.submit(query)
        door.work()  # what it answers stays in the node
        refusal(door.send(Collect(ticket=ticket)), UNAVAILABLE, "no quorum of witnesses")
    for _ in range(intake.MAX_ATTEMPTS + 1):  # the bank asks on and on, and nothing is computed again
        refusal(door.send(query), UNAVAILABLE, "no quorum of witnesses")
    rule.are_there = True
    answer = door.send(query)
    assert isinstance(answer, Signed)
    assert door.idle()
    assert door.kinds().count(EntryKind.ANSWER_SENT) == 1
    rule.are_there = False
    refusal(door.send(query), UNAVAILABLE, "no quorum of witnesses")
    sent = next(event for event in world.events() if event.kind is EntryKind.ANSWER_SENT)
    assert set(rule.asked) == {sent.id}


def test_what_is_no_answer_waits_for_no_witness(world: World, engines: Engines) -> None:
    rule = Witnesses()
    rule.are_there = False
    door = Door(world, JobStore(engines[0], AT_REST, KINDS, Clock()), 4, rule)
    assert isinstance(door.send(AskProviderTerms(bank=BANK)), Signed)
    assert rule.asked == []


def test_a_short_query_whose_event_is_not_durable_is_not_answered(
    quick_door: Door, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No audit, no answer; the answer is stored by then, and a retry releases it as one use."""

    def unreachable(*_events: object) -> None:
        raise PeerUnreachableError("no marketplace")

    with monkeypatch.context() as patch:
        patch.setattr(LogJournal, "append", unreachable)
        refusal(quick_door.send(query), UNAVAILABLE, "the marketplace does not answer")
    stored = quick_door.world.providers["tax"].answer(query)
    assert quick_door.send(query) == stored
    assert quick_door.kinds().count(EntryKind.ANSWER_SENT) == 1
