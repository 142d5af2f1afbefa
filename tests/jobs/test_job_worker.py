"""A worker process and its child: results, progress, ETA, cancel, failures, shutdown."""

import os
import signal
import time

import pytest
from jobs.conftest import Site
from jobs.crew import until
from jobs.handlers import CANARY, HANDLERS

from compute.node.jobs.errors import WrongStateError
from compute.node.jobs.job import Failure, Job
from compute.node.jobs.states import ENDED, State
from compute.node.jobs.worker import Worker

LONG = 20.0  # seconds, after which a test fails


def test_progress_only_grows_and_the_eta_is_sane(site: Site) -> None:
    units, seconds = 45, 0.03
    job, seen = site.submit(units=units, seconds=seconds), []
    site.hire()

    def ended() -> bool:
        seen.append(site.store.get(job.id))
        return seen[-1].state in ENDED

    until(ended, LONG)
    done = seen[-1]
    assert (done.state, done.attempts, done.failure) == (State.DONE, 1, None)
    assert site.store.result(job.id) == str(sum(unit**2 for unit in range(units))).encode()
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.created_at <= done.started_at <= done.finished_at
    told = [view.progress for view in seen if view.progress]
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert len({p.done for p in told}) >= 4
    assert (told[-1].done, told[-1].total) == (units, units)
    etas = [(p.eta, p.total - p.done) for p in told if p.eta is not None]
    assert etas
    # No unit is shorter than its sleep; a busy machine may make it longer.
    assert all(seconds * left <= eta < 20 * seconds * units for eta, left in etas)
    estimated = site.store.estimate("squares", units)
    assert estimated.runs == 1
    assert seconds * units <= estimated.seconds < LONG


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("refuse", Failure("RefusalError", "the count is used up", "apply for more")),
        ("err", Failure("ValueError", "this node failed", "call its operator")),
        ("text", Failure("TypeError", "this node failed", "call its operator")),
    ],
)
def test_a_handler_that_fails_fails_its_job_and_tells_no_data(site: Site, kind: str, failure: Failure) -> None:
    job = site.submit(kind)
    site.hire()
    failed = site.store.wait(job.id, LONG)
    assert (failed.state, failed.attempts, failed.failure) == (State.FAILED, 1, failure)
    assert CANARY not in repr(failed)
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in site.folder.iterdir())


def test_a_refusal_s_subjects_reach_the_owner_and_no_text(site: Site) -> None:
    job = site.submit("turn_away")
    site.hire()
    failure = site.store.wait(job.id, LONG).failure
    assert failure == Failure("RefusalError", "1 subjects gave no consent", "leave them out", (CANARY,))


def test_a_handler_that_dies_is_tried_again_then_fails_and_its_worker_lives(site: Site) -> None:
    job, after = site.submit("die"), site.submit(key="after")
    worker = site.hire(attempts=2)
    failed = site.store.wait(job.id, LONG)
    assert (failed.state, failed.attempts) == (State.FAILED, 2)
    assert site.begun(job) == ["die", "die"]
    assert site.store.wait(after.id, LONG).state is State.DONE
    assert worker.is_alive()


def is_silent(site: Site, job: Job) -> bool:
    """Whether the process that ran the job is gone."""
    return not os.path.exists(f"/proc/{site.diary(job)[-1].pid}")  # noqa: PTH110 -- no path of ours


def test_a_running_job_stops_at_its_next_report(site: Site) -> None:
    job = site.submit(units=10_000, seconds=0.01)
    site.hire()
    site.await_ticks(job)
    assert site.store.cancel(job.id).state is State.CANCELLING
    cancelled = site.store.wait(job.id, LONG)
    assert (cancelled.state, cancelled.failure) == (State.CANCELLED, None)
    until(lambda: is_silent(site, job))
    with pytest.raises(WrongStateError, match="is cancelled and has no result"):
        site.store.result(job.id)


def test_a_running_job_that_does_not_listen_is_killed(site: Site) -> None:
    job = site.submit("deaf")
    site.hire(grace=0.1)
    site.await_ticks(job)
    site.store.cancel(job.id)
    assert site.store.wait(job.id, LONG).state is State.CANCELLED
    assert is_silent(site, job)


def test_a_job_longer_than_its_lease_keeps_it(site: Site) -> None:
    job = site.submit(units=1, seconds=1.0)
    for _ in range(2):
        site.hire(lease=0.6)
    assert site.store.wait(job.id, LONG).attempts == 1
    assert site.begun(job) == ["0"]


@pytest.mark.parametrize("kind", ["squares", "deaf"])
def test_a_worker_that_is_told_to_end_hands_its_job_on(site: Site, kind: str) -> None:
    job = site.submit(kind, units=40, seconds=0.01)
    worker = site.hire(grace=0.1)
    site.await_ticks(job, 5)
    worker.terminate()
    worker.join(LONG)
    assert worker.exitcode == 0
    released = site.store.get(job.id)
    assert (released.state, released.attempts) == (State.QUEUED, 0)
    until(lambda: is_silent(site, job))
    site.hire()
    if kind == "squares":
        assert site.store.wait(job.id, LONG).attempts == 1
        again = site.begun(job)
        assert len(again) <= 41  # at most the one in flight
    else:
        site.await_ticks(job)
    site.assert_one_run_at_a_time(job)


def test_an_idle_worker_ends_at_once(site: Site) -> None:
    job = site.submit()
    worker = site.hire()
    site.store.wait(job.id, LONG)
    os.kill(worker.pid or 0, signal.SIGINT)
    worker.join(LONG)
    assert worker.exitcode == 0


def test_handlers_and_kinds_are_the_same(site: Site) -> None:
    with pytest.raises(ValueError, match="declare both alike"):
        Worker(site.store, {"squares": HANDLERS["squares"]})


def test_a_short_job_leaves_its_process_to_the_next_and_a_failed_one_does_not(site: Site) -> None:
    site.hire()
    pids = []
    for key in ("1", "2"):
        job = site.submit(key=key)
        site.store.wait(job.id, LONG)
        pids.append({entry.pid for entry in site.diary(job)})
    assert len(pids[0]) == 1
    assert pids[0] == pids[1]
    assert site.store.wait(site.submit("refuse").id, LONG).state is State.FAILED
    after = site.submit(key="3")
    site.store.wait(after.id, LONG)
    assert {entry.pid for entry in site.diary(after)} != pids[0]


def test_between_two_jobs_no_lease_runs_out(site: Site) -> None:
    site.hire(lease=0.3)
    first, second = site.submit(key="1"), site.submit(key="2")
    pids = []
    for job in (first, second):
        site.store.wait(job.id, LONG)
        pids.append(site.diary(job)[0].pid)
        time.sleep(0.6)  # twice the lease, in which the process has nothing to do
    assert pids[0] == pids[1]
    third = site.submit(key="3")
    assert site.store.wait(third.id, LONG).attempts == 1
    assert site.diary(third)[0].pid == pids[0]


def test_a_process_that_died_between_two_jobs_costs_no_attempt(site: Site) -> None:
    site.hire()
    first = site.submit(key="1")
    site.store.wait(first.id, LONG)
    os.kill(site.diary(first)[0].pid, signal.SIGKILL)
    until(lambda: is_silent(site, first))
    second = site.submit(key="2")
    done = site.store.wait(second.id, LONG)
    assert (done.state, done.attempts) == (State.DONE, 1)


def test_the_process_of_a_job_leaves_no_dump(site: Site) -> None:
    """It is executed and not forked from the worker, so it has to forbid that itself."""
    job = site.submit("private")
    site.hire()
    assert site.store.wait(job.id, LONG).state is State.DONE
    assert site.store.result(job.id) == b"False (0, 0)"
