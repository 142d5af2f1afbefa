"""Answers and the uses that they are: each counted once, none beyond the permit, in whichever process."""

from node.conftest import Engines
from node.statements import OTHER_PERMIT, PERMIT, answer, at_once, job
from world import NOW

from compute.node.answers import AnswerStore
from compute.signing import digest


def stores(engines: Engines) -> tuple[AnswerStore, AnswerStore]:
    return AnswerStore(engines[0]), AnswerStore(engines[1])


def test_an_answer_is_found_by_its_nonce_and_its_job(engines: Engines) -> None:
    one, other = stores(engines)
    asked = job(1)
    assert one.put(asked, answer(asked), 10) == answer(asked)
    assert other.by_nonce("bank", asked.nonce) == answer(asked)
    assert other.by_job(digest(asked)) == answer(asked)
    assert other.by_nonce("rival", asked.nonce) is None
    assert other.by_nonce("bank", bytes(32)) is None
    assert other.by_job(bytes(32)) is None


def test_each_row_of_a_stored_answer_is_one_use_of_its_permit(engines: Engines) -> None:
    one, other = stores(engines)
    for number, rows, permit in ((1, 3, PERMIT), (2, 0, PERMIT), (3, 4, PERMIT), (4, 5, OTHER_PERMIT)):
        asked = job(number, rows, permit)
        assert one.put(asked, answer(asked), 10) is not None
    assert (other.used(PERMIT), other.used(OTHER_PERMIT), other.used("permit-3")) == (7, 5, 0)


def test_what_the_permit_has_no_uses_for_is_not_stored(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    first, exact, beyond, empty = job(1, 3), job(2, 7), job(3, 8), job(4, 0)
    assert store.put(first, answer(first), 10) is not None
    assert store.put(beyond, answer(beyond), 10) is None
    assert store.by_nonce("bank", beyond.nonce) is None
    assert store.used(PERMIT) == 3
    assert store.put(exact, answer(exact), 10) is not None
    assert store.put(beyond, answer(beyond), 10) is None
    assert store.put(empty, answer(empty), 10) is not None
    assert store.used(PERMIT) == 10


def test_a_retry_gives_the_stored_bytes_and_counts_nothing(engines: Engines) -> None:
    one, other = stores(engines)
    asked = job(1, rows=10)
    one.put(asked, answer(asked), 10)
    # The permit is used up by this very answer, and the second run masked and blinded it otherwise.
    assert other.put(asked, answer(asked, b"second"), 10) == answer(asked)
    assert other.used(PERMIT) == 10


def test_a_nonce_is_a_bank_s_own(engines: Engines) -> None:
    one, other = stores(engines)
    asked, rival = job(1), job(1, bank="rival")
    assert one.put(asked, answer(asked), 10) == answer(asked)
    assert other.put(rival, answer(rival), 10) == answer(rival)
    assert one.by_nonce("bank", asked.nonce) == answer(asked)


def test_answers_at_once_are_no_more_than_the_uses_left(engines: Engines) -> None:
    both = stores(engines)
    jobs = [job(number, rows=3) for number in range(8)]
    put = at_once([lambda i=i: both[i % 2].put(jobs[i], answer(jobs[i]), 10) for i in range(8)])  # type: ignore[misc]
    assert sum(stored is not None for stored in put) == 3
    assert both[0].used(PERMIT) == 9


def test_answers_to_one_job_at_once_are_one_answer_and_count_once(engines: Engines) -> None:
    both, asked = stores(engines), job(1, rows=3)
    made = [answer(asked, bytes([number])) for number in range(8)]
    put = at_once([lambda i=i: both[i % 2].put(asked, made[i], 3) for i in range(8)])  # type: ignore[misc]
    assert all(stored == put[0] for stored in put)
    assert put[0] in made
    assert both[1].used(PERMIT) == 3


def test_a_receipt_counts_from_when_it_came_first(engines: Engines) -> None:
    one, other = stores(engines)
    asked = job(1)
    one.put(asked, answer(asked), 10)
    assert one.acknowledge(digest(asked), NOW) == NOW
    assert other.acknowledge(digest(asked), NOW + 1) == NOW
