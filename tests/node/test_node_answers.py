"""Answers and the uses that they are: each counted once, none beyond the permit, in whichever process."""

from collections.abc import Callable

import pytest
from node.conftest import Engines
from node.statements import NOBODY, OTHER_PERMIT, PERMIT, answer, at_once, job, tombstone
from world import NOW

from compute.node.answers import AnswerStore
from compute.protocols.base import RefusalError
from compute.protocols.risk_score.charge import Charge
from compute.protocols.risk_score.messages import JobStatement
from compute.signing import digest


def stores(engines: Engines) -> tuple[AnswerStore, AnswerStore]:
    return AnswerStore(engines[0]), AnswerStore(engines[1])


def test_an_answer_is_found_by_its_nonce_and_its_job(engines: Engines) -> None:
    one, other = stores(engines)
    asked = job(1)
    assert one.put(asked, answer(asked), 10, NOBODY) == answer(asked)
    assert other.by_nonce("bank", asked.nonce) == answer(asked)
    assert other.by_job(digest(asked)) == answer(asked)
    assert other.by_nonce("rival", asked.nonce) is None
    assert other.by_nonce("bank", bytes(32)) is None
    assert other.by_job(bytes(32)) is None


def test_each_row_of_a_stored_answer_is_one_use_of_its_permit(engines: Engines) -> None:
    one, other = stores(engines)
    for number, rows, permit in ((1, 3, PERMIT), (2, 0, PERMIT), (3, 4, PERMIT), (4, 5, OTHER_PERMIT)):
        asked = job(number, rows, permit)
        assert one.put(asked, answer(asked), 10, NOBODY) is not None
    assert (other.used(PERMIT), other.used(OTHER_PERMIT), other.used("permit-3")) == (7, 5, 0)


def test_what_the_permit_has_no_uses_for_is_not_stored(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    first, exact, beyond, empty = job(1, 3), job(2, 7), job(3, 8), job(4, 0)
    assert store.put(first, answer(first), 10, NOBODY) is not None
    with pytest.raises(RefusalError, match="check 9: the count of the permit is used up"):
        store.put(beyond, answer(beyond), 10, NOBODY)
    assert store.by_nonce("bank", beyond.nonce) is None
    assert store.used(PERMIT) == 3
    assert store.put(exact, answer(exact), 10, NOBODY) is not None
    with pytest.raises(RefusalError, match="check 9: the count of the permit is used up"):
        store.put(beyond, answer(beyond), 10, NOBODY)
    assert store.put(empty, answer(empty), 10, NOBODY) is not None
    assert store.used(PERMIT) == 10


def test_a_retry_gives_the_stored_bytes_and_counts_nothing(engines: Engines) -> None:
    one, other = stores(engines)
    asked = job(1, rows=10)
    one.put(asked, answer(asked), 10, NOBODY)
    # The permit is used up by this very answer, and the second run masked and blinded it otherwise.
    assert other.put(asked, answer(asked, b"second"), 10, NOBODY) == answer(asked)
    assert other.used(PERMIT) == 10


def test_a_nonce_is_a_bank_s_own(engines: Engines) -> None:
    one, other = stores(engines)
    asked, rival = job(1), job(1, bank="rival")
    assert one.put(asked, answer(asked), 10, NOBODY) == answer(asked)
    assert other.put(rival, answer(rival), 10, NOBODY) == answer(rival)
    assert one.by_nonce("bank", asked.nonce) == answer(asked)


def test_answers_at_once_are_no_more_than_the_uses_left(engines: Engines) -> None:
    both = stores(engines)
    jobs = [job(number, rows=3) for number in range(8)]
    put = at_once([lambda i=i: was_put(both[i % 2], jobs[i]) for i in range(8)])  # type: ignore[misc]
    assert sum(put) == 3
    assert both[0].used(PERMIT) == 9


def was_put(store: AnswerStore, asked: JobStatement, charge: Charge = NOBODY) -> bool:
    """Whether there was room for the answer."""
    try:
        store.put(asked, answer(asked), 10, charge)
    except RefusalError:
        return False
    return True


def test_answers_to_one_job_at_once_are_one_answer_and_count_once(engines: Engines) -> None:
    both, asked = stores(engines), job(1, rows=3)
    made = [answer(asked, bytes([number])) for number in range(8)]
    put = at_once([lambda i=i: both[i % 2].put(asked, made[i], 3, NOBODY) for i in range(8)])  # type: ignore[misc]
    assert all(stored == put[0] for stored in put)
    assert put[0] in made
    assert both[1].used(PERMIT) == 3


def test_a_receipt_counts_from_when_it_came_first(engines: Engines) -> None:
    one, other = stores(engines)
    asked = job(1)
    one.put(asked, answer(asked), 10, NOBODY)
    assert one.acknowledge(digest(asked), NOW) == NOW
    assert other.acknowledge(digest(asked), NOW + 1) == NOW


# --- tombstones ----------------------------------------------------------------------------------------------


def test_a_buried_job_gives_its_uses_back_and_is_answered_never_again(engines: Engines) -> None:
    one, other = stores(engines)
    asked = job(1, rows=10)
    one.put(asked, answer(asked), 10, NOBODY)
    assert one.bury(tombstone(asked), NOW) == other.bury(tombstone(asked), NOW + 1) == NOW
    assert other.used(PERMIT) == 0
    for decline in (
        lambda: other.put(asked, answer(asked), 10, NOBODY),
        lambda: other.acknowledge(digest(asked), NOW),
        lambda: other.require_standing("bank", digest(asked)),
    ):
        with pytest.raises(RefusalError, match="check 2: the job was abandoned"):
            decline()


def test_an_acknowledged_job_is_not_buried_and_one_bank_buries_not_another_s(engines: Engines) -> None:
    store, asked = AnswerStore(engines[0]), job(1)
    store.put(asked, answer(asked), 10, NOBODY)
    store.bury(tombstone(asked, "rival"), NOW)
    assert store.used(PERMIT) == 3
    store.acknowledge(digest(asked), NOW)
    with pytest.raises(RefusalError, match="check 2: the key of the answer was given out"):
        store.bury(tombstone(asked), NOW)


@pytest.mark.parametrize("_round", range(4))
def test_of_a_receipt_and_a_tombstone_at_once_one_counts(engines: Engines, _round: int) -> None:
    one, other = stores(engines)
    asked = job(1)
    one.put(asked, answer(asked), 10, NOBODY)

    def succeeds(end: Callable[[], int]) -> bool:
        try:
            end()
        except RefusalError:
            return False
        return True

    ends = at_once(
        [
            lambda: succeeds(lambda: one.acknowledge(digest(asked), NOW)),
            lambda: succeeds(lambda: other.bury(tombstone(asked), NOW)),
        ]
    )
    assert sorted(ends) == [False, True]
    assert one.used(PERMIT) == (3 if ends[0] else 0)
