"""Leases without processes: when one lapses, and what its late holder may still write."""

import time
from collections.abc import Callable

import pytest
from jobs.conftest import Site
from jobs.crew import BANK, until

from compute.at_rest import AtRestError
from compute.node.jobs.errors import LeaseLostError
from compute.node.jobs.job import Failure, Progress
from compute.node.jobs.leases import Lease, Leases
from compute.node.jobs.states import ENDED, State

SHORT = 0.05  # seconds


def taken(leases: Leases) -> Lease:
    """Take a job, however long its last lease takes to lapse."""
    found: list[Lease] = []

    def take() -> bool:
        lease = leases.take()
        found.extend([lease] if lease else [])
        return lease is not None

    until(take)
    return found[0]


LATE: dict[str, Callable[[Leases, Lease], object]] = {
    "beat": lambda leases, lease: leases.beat(lease),
    "report": lambda leases, lease: leases.report(lease, Progress("step", 9, 9, None)),
    "save": lambda leases, lease: leases.save(lease, "late", b"late"),
    "checkpoints": lambda leases, lease: leases.checkpoints(lease),
    "finish": lambda leases, lease: leases.finish(lease, b"late", 1.0),
    "fail": lambda leases, lease: leases.fail(lease, Failure("late", "late", "late")),
    "release": lambda leases, lease: leases.release(lease),
    "abandon": lambda leases, lease: leases.abandon(lease),
}


@pytest.mark.parametrize("late", LATE)
def test_nothing_that_a_late_holder_does_is_taken(site: Site, late: str) -> None:
    job = site.submit()
    slow, quick = Leases(site.store, SHORT), Leases(site.store, SHORT)
    old = taken(slow)
    new = taken(quick)
    assert (old.job, old.fence + 1) == (new.job, new.fence)
    before = site.store.get(job.id)
    with pytest.raises(LeaseLostError, match=job.id):
        LATE[late](slow, old)
    assert site.store.get(job.id) == before
    assert quick.checkpoints(new) == {}
    quick.finish(new, b"right", 1.0)
    with pytest.raises(LeaseLostError):
        LATE[late](slow, old)
    with pytest.raises(LeaseLostError):
        LATE[late](quick, new)  # it ends once
    assert site.store.result(job.id) == b"right"


def test_a_lease_that_is_renewed_does_not_lapse(site: Site) -> None:
    site.submit()
    holder, other = Leases(site.store, 60), Leases(site.store, 0.2)
    lease, end = taken(holder), time.monotonic() + 0.6
    while time.monotonic() < end:
        holder.beat(lease)
        assert other.take() is None


def test_a_job_that_broke_off_too_often_fails(site: Site) -> None:
    job = site.submit()
    leases = Leases(site.store, SHORT, attempts=2)
    leases.save(taken(leases), "half", b"half")
    assert leases.checkpoints(taken(leases)) == {"half": b"half"}
    until(lambda: leases.take() is None and site.store.get(job.id).state is State.FAILED)
    failed = site.store.get(job.id)
    assert failed.attempts == 2
    assert failed.failure is not None
    assert failed.failure.reason == "the process that ran it died, 2 times"


def test_an_orderly_release_is_no_attempt(site: Site) -> None:
    job, leases = site.submit(), Leases(site.store, 60, attempts=1)
    for _ in range(3):
        leases.release(taken(leases))
    assert (site.store.get(job.id).state, site.store.get(job.id).attempts) == (State.QUEUED, 0)
    started = site.store.get(job.id).started_at
    leases.finish(taken(leases), b"", 1.0)
    assert site.store.get(job.id).started_at == started


def test_a_job_to_be_cancelled_ends_cancelled_when_its_worker_is_gone(site: Site) -> None:
    job, leases = site.submit(), Leases(site.store, SHORT, attempts=1)
    leases.save(taken(leases), "half", b"half")
    assert site.store.cancel(job.id).state is State.CANCELLING
    until(lambda: leases.take() is None and site.store.get(job.id).state is State.CANCELLED)


def test_a_result_that_comes_before_the_wish_was_heard_counts(site: Site) -> None:
    job, leases = site.submit(), Leases(site.store, 60)
    lease = taken(leases)
    site.store.cancel(job.id)
    assert leases.beat(lease) is State.CANCELLING
    leases.finish(lease, b"result", 1.0)
    assert site.store.get(job.id).state is State.DONE


ENDS: dict[str, Callable[[Site, Leases, Lease], object]] = {
    "done": lambda _, leases, lease: leases.finish(lease, b"result", 1.0),
    "failed": lambda _, leases, lease: leases.fail(lease, Failure("E", "reason", "remedy")),
    "cancelled": lambda site, leases, lease: (site.store.cancel(lease.job), leases.release(lease)),
    "cancelled in the queue": lambda site, leases, lease: (leases.release(lease), site.store.cancel(lease.job)),
    "broken off too often": lambda _, leases, lease: leases.abandon(lease),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_a_job_was_given_is_kept_until_it_ends_and_no_longer(site: Site, end: str) -> None:
    job, leases = site.submit(), Leases(site.store, 60, attempts=1)
    lease = taken(leases)
    leases.save(lease, "half", b"half")
    sealed, checkpoints = kept(site)
    assert site.store.at_rest.open(sealed, "jobs", "parameters", job.id) == lease.parameters
    assert checkpoints == 1
    ENDS[end](site, leases, lease)
    assert site.store.get(job.id).state in ENDED
    assert kept(site) == (b"", 0)
    assert site.submit() == site.store.get(job.id)  # it is still known as the same request


def kept(site: Site) -> tuple[bytes, int]:
    """The one job's parameters, and its number of checkpoints."""
    with site.store.engine.begin() as connection:
        (parameters,) = connection.exec_driver_sql("SELECT parameters FROM jobs").scalars()
        checkpoints = connection.exec_driver_sql("SELECT count(*) FROM job_checkpoints").scalar_one()
    return parameters, checkpoints


def test_progress_is_never_told_backwards_within_a_step(site: Site) -> None:
    job, leases = site.submit(), Leases(site.store, 60)
    lease = taken(leases)
    for step, done, told in (("a", 2, 2), ("a", 1, 2), ("a", 3, 3), ("b", 1, 1)):
        leases.report(lease, Progress(step, done, 9, None))
        progress = site.store.get(job.id).progress
        assert progress is not None
        assert (progress.step, progress.done) == (step, told)


def test_what_a_job_is_about_stands_in_no_file_in_clear(site: Site) -> None:
    secret, subject = b"the points of the scorecard", "91350200MA2Y8SEALED"
    leases = Leases(site.store, 60)
    site.store.submit(BANK, "squares", secret + b" asked", "1", 3)
    first = taken(leases)
    assert first.parameters == secret + b" asked"
    leases.save(first, "half", secret + b" half")
    leases.release(first)
    first = taken(leases)
    assert leases.checkpoints(first) == {"half": secret + b" half"}
    files = [path.read_bytes() for path in site.folder.glob("jobs.db*")]
    leases.finish(first, secret + b" result", 1.0)
    site.store.submit(BANK, "squares", b"another " + secret, "2", 3)
    second = taken(leases)
    leases.fail(second, Failure("E", "reason", "remedy", (subject,)))
    assert site.store.result(first.job) == secret + b" result"
    failure = site.store.get(second.job).failure
    assert failure is not None
    assert failure.subjects == (subject,)
    files += [path.read_bytes() for path in site.folder.glob("jobs.db*")]
    assert any(b"remedy" in data for data in files)  # the search would find it
    assert not any(secret in data or subject.encode() in data for data in files)
    assert secret.decode() not in repr(first)


def test_a_job_s_values_cannot_be_swapped(site: Site) -> None:
    leases = Leases(site.store, 60)
    for key in ("1", "2"):
        site.store.submit(BANK, "squares", key.encode(), key, 3)
    first, second = taken(leases), taken(leases)
    for lease in (first, second):
        leases.save(lease, "half", lease.parameters)
    with site.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE job_checkpoints SET value = (SELECT min(value) FROM job_checkpoints)")
    opened = [lease for lease in (first, second) if opens(leases, lease)]
    assert len(opened) == 1
    for lease in (first, second):
        leases.finish(lease, lease.parameters, 1.0)
    with site.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET result = (SELECT min(result) FROM jobs)")
    with pytest.raises(AtRestError, match="jobs result"):
        [site.store.result(lease.job) for lease in (first, second)]


def opens(leases: Leases, lease: Lease) -> bool:
    try:
        return leases.checkpoints(lease) == {"half": lease.parameters}
    except AtRestError:
        return False
