"""Durations: the declared cost, what measured runs say of it, the pace of a run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs.conftest import Site

from compute.node.jobs.estimate import RUNS, Cost, Estimate, Pace, Run, estimate
from compute.node.jobs.job import Progress
from compute.node.jobs.leases import Leases

SCORING = Cost(1.5, 0.001)


def test_the_declared_cost_stands_until_something_was_measured() -> None:
    assert estimate(Cost(1.0, 0.5), [], 10) == Estimate(6.0, runs=0)
    assert estimate(Cost(1.0, 0.5), [Run(10, 3.0), Run(10, 90.0), Run(10, 4.5)], 10) == Estimate(4.5, runs=3)


@pytest.mark.parametrize("runs", [1, 2, RUNS])
def test_small_jobs_that_waited_say_little_of_large_ones(runs: int) -> None:
    """A missing worker once made a scoring of one company take 21 s, and the next of 6,656 look like 39 hours."""
    assert estimate(SCORING, [Run(1, 21.3)] * runs, 6656).seconds == SCORING.seconds(6656)


def test_one_stall_makes_no_estimate_long() -> None:
    assert estimate(SCORING, [Run(1, 21.3)], 1).seconds == SCORING.seconds(1)
    assert estimate(SCORING, [Run(6656, 300.0)], 6656).seconds == SCORING.seconds(6656)


def test_a_small_job_has_the_fixed_part_after_a_large_one() -> None:
    assert estimate(SCORING, [Run(6656, 7.0)] * 3, 1).seconds >= 1.0


@given(
    st.floats(0.1, 10),
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0.1, 1e4)), max_size=RUNS),
    st.integers(0, 10**6),
)
def test_no_estimate_lies_beyond_what_was_declared_and_measured(
    fixed: float, measured: list[tuple[int, float]], size: int
) -> None:
    declared = Cost(fixed, 0.01)
    factors = [1.0, *(seconds / declared.seconds(units) for units, seconds in measured)]
    found = estimate(declared, [Run(*run) for run in measured], size).seconds / declared.seconds(size)
    assert min(factors) * 0.999 <= found <= max(factors) * 1.001


@given(st.floats(0.05, 20), st.integers(1, 10**5))
def test_a_machine_that_is_slower_or_faster_is_learnt(factor: float, size: int) -> None:
    runs = [Run(size, factor * SCORING.seconds(size))] * 2
    assert estimate(SCORING, runs, size).seconds == pytest.approx(factor * SCORING.seconds(size))


@given(st.floats(1e-6, 10), st.lists(st.integers(1, 1000), min_size=1, max_size=20), st.integers(0, 10**6))
def test_a_steady_run_has_its_own_pace_from_wherever_it_starts(
    seconds: float, units: list[int], start: int
) -> None:
    pace, done = Pace(), start
    assert pace.observe("step", done, 100 + done * seconds) is None
    for more in units:
        done += more
        assert pace.observe("step", done, 100 + done * seconds) == pytest.approx(seconds, rel=1e-3)
    assert pace.observe("next", 1, 1e9) is None


def test_the_eta_is_what_is_left_at_the_pace() -> None:
    assert Progress("step", 3, 10, 2.0).eta == 14.0
    assert Progress("step", 10, 10, 2.0).eta == 0.0
    assert Progress("step", 11, 10, 2.0).eta == 0.0  # a handler that miscounted
    assert Progress("step", 3, 10, None).eta is None


def test_estimates_follow_the_last_runs_and_leave_resumed_ones_out(site: Site) -> None:
    leases = Leases(site.store, seconds=60)
    assert site.store.estimate("squares", 2) == Estimate(2.0, runs=0)

    def run(key: str, seconds: float, *, resumed: bool = False) -> None:
        site.submit(key=key, units=2)
        lease = leases.take()
        assert lease
        if resumed:
            leases.release(lease)
            lease = leases.take()
            assert lease
        leases.finish(lease, b"", seconds)

    run("a", 0.2)
    run("b", 100.0, resumed=True)
    assert site.store.estimate("squares", 2) == Estimate(pytest.approx(0.2), runs=1)
    for number in range(RUNS + 3):
        run(str(number), 6.0)
    assert site.store.estimate("squares", 2) == Estimate(pytest.approx(6.0), runs=RUNS)
    assert site.store.estimate("deaf", 2).runs == 0


def test_a_job_keeps_the_estimate_that_it_was_submitted_with(site: Site) -> None:
    job, leases = site.submit(units=2), Leases(site.store, seconds=60)
    assert job.estimated == 2.0
    lease = leases.take()
    assert lease
    leases.finish(lease, b"", 0.2)
    assert site.store.get(job.id).estimated == 2.0
    assert site.submit(key="next", units=2).estimated == pytest.approx(0.2)
