"""A job as the bank's staff see it."""

from node.conftest import AT_REST, Engines

from compute.node.bank.kinds import KINDS, SCORE
from compute.node.console.jobs import AGAIN, WAITING, view
from compute.node.jobs.states import State
from compute.node.jobs.store import JobStore


def test_a_job_that_waits_says_for_what_and_a_cancelled_one_what_is_left_to_do(engines: Engines) -> None:
    store = JobStore(engines[0], AT_REST, KINDS, lambda: 1)
    job = store.submit("bank", SCORE, b"{}", "by-hand", 6656)
    waiting = view(job)
    assert (waiting.reference, waiting.state, waiting.step) == ("by-hand", State.QUEUED, WAITING)
    assert waiting.estimated_milliseconds == round(1000 * KINDS[SCORE].seconds(6656))
    cancelled = view(store.cancel(job.id))
    assert (cancelled.state, cancelled.remedy, cancelled.milliseconds_left) == (State.CANCELLED, AGAIN, None)
