"""Durations: the prior, the median of measured runs, the pace of a run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs.conftest import Site

from compute.node.jobs.estimate import RUNS, Estimate, Pace, estimate
from compute.node.jobs.job import Progress
from compute.node.jobs.leases import Leases


def test_the_prior_stands_until_something_was_measured() -> None:
    assert estimate(0.5, [], 10) == Estimate(5.0, runs=0)
    assert estimate(0.5, [0.1, 9.0, 0.2], 10) == Estimate(2.0, runs=3)


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
    assert site.store.estimate("squares", 4) == Estimate(2.0, runs=0)

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
    assert site.store.estimate("squares", 4) == Estimate(pytest.approx(0.4), runs=1)
    for number in range(RUNS + 3):
        run(str(number), 6.0)
    assert site.store.estimate("squares", 4) == Estimate(pytest.approx(12.0), runs=RUNS)
    assert site.store.estimate("deaf", 4).runs == 0
