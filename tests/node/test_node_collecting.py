"""Collecting answers: all of them or none; what is given up is given up at everybody who may have answered."""

from collections.abc import Callable
from threading import Event as Signal
from typing import Any

import pytest
from bank_desk import Notes, Providers, desk_over
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from node.conftest import Engines
from world import NOW

from audit.entry import EntryKind, Event, new_id
from compute.canonical import Message, encode
from compute.node.bank.collecting import Collector
from compute.node.bank.meter import Meter
from compute.node.jobs.context import Cancelled, JobContext
from compute.paillier.private import PrivateKey
from compute.protocols.base import AnswerError, Progress, RefusalError, Refused, RefusedByPeerError
from compute.protocols.closed_answer.messages import Abandon, Abandoned, Acknowledge, Answer, AnswerKey
from compute.signing import Signed, digest, sign
from compute.web.errors import PeerUnreachableError

JOB = bytes(range(32))
NAMES = ["insurance", "land", "tax"]
KEY = Ed25519PrivateKey.from_private_bytes(b"p" * 32)


def answer(provider: str) -> Signed[Answer]:
    content = Answer(
        provider=provider, bank="bank", job=JOB, content=b"closed", key_digest=bytes(32), answered_at=NOW
    )
    return sign(content, provider, KEY)


def refused(provider: str) -> RefusedByPeerError:
    return RefusedByPeerError(provider, Refused(party=provider, check=9, reason="no", remedy="ask another"))


class Collecting:
    """One job's collector, and who was told to bury the job."""

    def __init__(self, engines: Engines, key: PrivateKey, kept: dict[str, bytes] | None = None) -> None:
        self.buried: list[str] = []
        self.deaf: set[str] = set()
        plays = {name: self._play(name) for name in NAMES}
        self.providers, self.notes = Providers(plays, Abandon | Acknowledge), Notes(saved=dict(kept or {}))
        context = JobContext(b"", self.notes.saved, self.notes)
        self.desk = desk_over(engines[0], key, self.providers)
        meter = Meter(context, NAMES)
        self.collector = Collector(self.desk, JOB, meter, context.checkpoints(), _event)

    def _play(self, name: str) -> Callable[[Message], Message]:
        def play(message: Message) -> Message:
            if isinstance(message, Abandon):
                if name in self.deaf:
                    raise PeerUnreachableError(f"{name} did not answer")
                self.buried.append(name)
                return Abandoned(provider=name, job=JOB, at=NOW)
            return AnswerKey(provider=name, job=JOB, key=bytes(32), at=NOW)

        return play


def _event(given: Answer) -> Event:
    return Event(id=new_id("bank", digest(given)), kind=EntryKind.ANSWER_RECEIVED, time=NOW, node="bank")


def test_answers_come_in_the_order_asked_and_are_kept(engines: Engines, key: PrivateKey) -> None:
    found = Collecting(engines, key)
    answers = found.collector.all_closed(NAMES, lambda name, _: answer(name))
    assert [each.statement.provider for each in answers] == NAMES
    assert found.notes.saved == {f"answer:{name}": encode(answer(name)) for name in NAMES}
    released = found.collector.all_released(answers)
    assert [each.answer for each in released] == answers
    assert len(found.desk.site.journal.events) == len(NAMES)  # type: ignore[attr-defined]
    assert not found.buried


def test_what_an_earlier_run_kept_is_not_asked_again(engines: Engines, key: PrivateKey) -> None:
    found, asked = Collecting(engines, key, {"answer:tax": encode(answer("tax"))}), []

    def ask(name: str, _: Progress) -> Signed[Answer]:
        asked.append(name)
        return answer(name)

    assert len(found.collector.all_closed(NAMES, ask)) == 3
    assert sorted(asked) == ["insurance", "land"]


def test_a_refusal_gives_the_job_up_at_all_others(engines: Engines, key: PrivateKey) -> None:
    found = Collecting(engines, key)
    with pytest.raises(RefusedByPeerError, match="land"):
        found.collector.all_closed(NAMES, _fails("land", refused("land")))
    assert sorted(found.buried) == ["insurance", "tax"]


@pytest.mark.parametrize("error", [PeerUnreachableError("no answer"), AnswerError("malformed"), ValueError("?")])
def test_one_that_cannot_be_reached_may_have_answered_and_is_told_last(
    engines: Engines, key: PrivateKey, error: Exception
) -> None:
    found = Collecting(engines, key)
    with pytest.raises(type(error)):
        found.collector.all_closed(NAMES, _fails("insurance", error))
    assert found.buried == ["land", "tax", "insurance"]


def test_one_that_stays_out_of_reach_does_not_hide_why(engines: Engines, key: PrivateKey) -> None:
    found = Collecting(engines, key)
    found.deaf = {"tax"}
    with pytest.raises(PeerUnreachableError, match="down"):
        found.collector.all_closed(NAMES, _fails("tax", PeerUnreachableError("tax is down")))
    assert found.buried == ["insurance", "land"]


def test_the_first_error_counts_and_not_what_others_say_of_a_buried_job(engines: Engines, key: PrivateKey) -> None:
    found = Collecting(engines, key)
    told = Signal()

    def ask(name: str, _: Progress) -> Signed[Answer]:
        if name == "tax":
            raise refused("tax")
        told.wait(5)
        raise refused(name)  # the job is buried here

    def bury(_message: Message) -> Message:
        told.set()
        return Abandoned(provider="insurance", job=JOB, at=NOW)

    plays: Any = found.providers.plays
    plays["insurance"] = bury
    with pytest.raises(RefusedByPeerError, match="tax"):
        found.collector.all_closed(NAMES, ask)


def test_a_run_that_is_stopped_gives_nothing_up(engines: Engines, key: PrivateKey) -> None:
    found = Collecting(engines, key)

    def ask(_name: str, progress: Progress) -> Signed[Answer]:
        found.notes.stop = True
        progress("step", 1, 2)
        raise RefusalError(1, "never", "reached")

    with pytest.raises(Cancelled):
        found.collector.all_closed(NAMES, ask)
    assert not found.buried


def _fails(at: str, error: Exception) -> Callable[[str, Progress], Signed[Answer]]:
    def ask(name: str, _: Progress) -> Signed[Answer]:
        if name == at:
            raise error
        return answer(name)

    return ask
