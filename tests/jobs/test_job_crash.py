"""Workers that are killed or paused at any moment: each job ends once, with its right result."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jobs.conftest import Site, kill
from jobs.crew import until

from compute.node.jobs.job import Job
from compute.node.jobs.states import ENDED, State

pytestmark = pytest.mark.long

LEASE = 0.25  # seconds; where none must lapse, the site's own is long
ROUNDS, JOBS, UNITS, SECONDS = 20, 4, 25, 0.015
RIGHT = str(sum(unit**2 for unit in range(UNITS))).encode()


def test_killed_at_any_moment(site: Site) -> None:
    moments = random.Random(20261123)  # noqa: S311 -- moments, no secrets
    jobs = [site.submit(key=str(number), units=UNITS, seconds=SECONDS) for number in range(JOBS)]
    ends: dict[str, Job] = {}

    def look() -> int:
        """Note how jobs ended, and count the units begun."""
        for job in map(site.store.get, (job.id for job in jobs)):
            if job.state in ENDED:
                assert ends.setdefault(job.id, job) == job, "it ended twice"
        return sum(len(site.begun(job)) for job in jobs)

    for number in range(ROUNDS):
        before = look()
        worker = site.hire(LEASE, attempts=1000)
        if number % 2:  # at work; else wherever it is: starting, watching, taking
            until(lambda before=before: look() > before)
        time.sleep(moments.uniform(0, 0.08))
        kill(worker)
        assert len(ends) < JOBS, "there was nothing left to kill"
    site.hire(LEASE, attempts=1000)
    for job in jobs:
        done = site.store.wait(job.id, 60)
        assert (done.state, site.store.result(job.id)) == (State.DONE, RIGHT)
        begun = site.begun(job)
        assert set(begun) == {str(unit) for unit in range(UNITS)}
        assert len(begun) - UNITS < done.attempts  # each run that broke off repeats at most the one in flight
        site.assert_one_run_at_a_time(job)
    look()


def test_two_workers_share_the_jobs_and_never_one(site: Site) -> None:
    jobs = [site.submit(key=str(number), units=10, seconds=0.01) for number in range(6)]
    for _ in range(2):
        site.hire()
    for job in jobs:
        assert site.store.wait(job.id, 60).attempts == 1
        assert site.begun(job) == [str(unit) for unit in range(10)]
        site.assert_one_run_at_a_time(job)


def test_a_worker_paused_past_its_lease_writes_nothing(site: Site) -> None:
    job = site.submit(units=30, seconds=0.015)
    paused = site.hire(LEASE)
    first = site.await_ticks(job)[-1].pid
    os.kill(paused.pid or 0, signal.SIGSTOP)
    site.hire(LEASE)
    until(lambda: site.diary(job)[-1].pid != first)
    taken = site.store.get(job.id)
    os.kill(paused.pid or 0, signal.SIGCONT)
    done = site.store.wait(job.id, 60)
    assert (done.state, taken.attempts, done.attempts) == (State.DONE, 2, 2)
    assert len(site.begun(job)) <= 31
    site.assert_one_run_at_a_time(job)
    # It found out, and works on.
    following = [site.submit(key=f"next-{number}", units=10, seconds=0.01) for number in range(3)]
    assert all(site.store.wait(job.id, 60).state is State.DONE for job in following)
    assert paused.is_alive()


def test_a_run_that_is_paused_with_its_worker_never_wakes(site: Site) -> None:
    job = site.submit(units=30, seconds=0.015)
    paused = site.hire(LEASE)
    first = site.await_ticks(job)[-1].pid
    for pid in (paused.pid or 0, first):
        os.kill(pid, signal.SIGSTOP)
    site.hire(LEASE)
    until(lambda: site.diary(job)[-1].pid != first)
    for pid in (first, paused.pid or 0):  # the run first: nobody is there yet who would kill it
        os.kill(pid, signal.SIGCONT)
    assert site.store.wait(job.id, 60).attempts == 2
    site.assert_one_run_at_a_time(job)


def test_a_worker_started_by_hand_leaves_no_process_behind(site: Site) -> None:
    job = site.submit("deaf")
    path = Path(__file__).with_name("crew.py")
    search = os.pathsep.join([str(path.parents[1]), str(path.parents[2])])
    command = [sys.executable, "-m", "jobs.crew", str(site.folder / "jobs.db")]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": search}) as worker:  # noqa: S603 -- our own
        pid = site.await_ticks(job)[-1].pid
        worker.kill()
    until(lambda: gone(pid))
    site.hire(0.5)
    site.await_ticks(job)
    site.assert_one_run_at_a_time(job)


def gone(pid: int) -> bool:
    """Whether the process has ended, be it that nobody has reaped it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
