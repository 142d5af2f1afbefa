"""What owners do: submit once however often, look, wait, cancel."""

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from jobs.conftest import PROCESSES, Site
from jobs.crew import AT_REST, BANK, open_store

from compute.node.jobs.errors import UnknownJobError, UnknownKindError, WrongStateError
from compute.node.jobs.job import Failure
from compute.node.jobs.leases import Leases
from compute.node.jobs.states import State
from compute.node.jobs.store import fingerprint


def test_a_job_is_stored_as_it_was_submitted(site: Site) -> None:
    job = site.store.submit(BANK, "squares", b"{}", "key", 7)
    assert len(bytes.fromhex(job.id)) == 16
    assert (job.owner, job.kind, job.key, job.size) == (BANK, "squares", "key", 7)
    assert job.digest == fingerprint(AT_REST, b"{}") != hashlib.sha256(b"{}").digest()
    assert (job.state, job.attempts, job.progress, job.failure) == (State.QUEUED, 0, None, None)
    assert site.store.get(job.id) == job
    assert abs(job.created_at - time.time() * 1000) < 60_000


def test_the_same_request_is_the_same_job_and_any_other_is_another(site: Site) -> None:
    job = site.store.submit(BANK, "squares", b"{}", "key", 7)
    assert site.store.submit(BANK, "squares", b"{}", "key", 7) == job
    others = {
        site.store.submit(*request, 7).id
        for request in (
            ("other", "squares", b"{}", "key"),  # nobody comes upon another party's job
            (BANK, "deaf", b"{}", "key"),
            (BANK, "squares", b"[]", "key"),
            (BANK, "squares", b"{}", "yek"),
        )
    }
    assert len(others | {job.id}) == 5
    site.store.cancel(job.id)
    assert site.store.submit(BANK, "squares", b"{}", "key", 7).state is State.CANCELLED


def submit_at_once(path: Path, start: threading.Barrier, ids: "PROCESSES.SimpleQueue[str]") -> None:  # type: ignore[name-defined]
    with open_store(path) as store:
        start.wait()
        ids.put(store.submit(BANK, "squares", b"{}", "key", 7).id)


def test_threads_that_submit_at_once_get_one_job(site: Site) -> None:
    start = threading.Barrier(8)

    def submit(_: int) -> str:
        start.wait()
        return site.store.submit(BANK, "squares", b"{}", "key", 7).id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(submit, range(8)))) == 1


def test_processes_that_submit_at_once_get_one_job(tmp_path: Path) -> None:
    start, ids = PROCESSES.Barrier(4), PROCESSES.SimpleQueue()
    arguments = (tmp_path / "new.db", start, ids)  # they make the file together, too
    children = [PROCESSES.Process(target=submit_at_once, args=arguments) for _ in range(4)]
    for child in children:
        child.start()
    found = {ids.get() for _ in children}
    for child in children:
        child.join()
        child.close()
    ids.close()
    assert len(found) == 1


def test_what_cannot_be_is_refused_with_the_next_step(site: Site) -> None:
    with pytest.raises(UnknownKindError, match="kind nonsense; known: deaf, die"):
        site.store.submit(BANK, "nonsense", b"", "key", 1)
    with pytest.raises(UnknownKindError):
        site.store.estimate("nonsense", 1)
    with pytest.raises(ValueError, match="-1 units"):
        site.submit(units=-1)
    for method in (site.store.get, site.store.cancel, site.store.result):
        with pytest.raises(UnknownJobError, match="no job 00"):
            method("00")
    with pytest.raises(WrongStateError, match="is queued and has no result"):
        site.store.result(site.submit().id)


def test_a_queued_job_is_cancelled_at_once_and_never_taken(site: Site) -> None:
    job = site.submit()
    cancelled = site.store.cancel(job.id)
    assert cancelled.state is State.CANCELLED
    assert cancelled.finished_at is not None
    assert site.store.cancel(job.id) == cancelled
    assert Leases(site.store, 60).take() is None


def test_what_has_ended_otherwise_cannot_be_cancelled(site: Site) -> None:
    leases = Leases(site.store, 60)
    done, failed = site.submit(key="1"), site.submit(key="2")
    for job in (done, failed):
        lease = leases.take()
        assert lease
        assert lease.job == job.id  # the oldest first
        if job is done:
            leases.finish(lease, b"result", 1.0)
        else:
            leases.fail(lease, Failure("E", "reason", "remedy"))
        with pytest.raises(WrongStateError, match="nobody can cancel it"):
            site.store.cancel(job.id)
    assert site.store.result(done.id) == b"result"
    assert site.store.get(failed.id).failure == Failure("E", "reason", "remedy")


def test_a_wait_ends_with_the_job_or_the_time(site: Site) -> None:
    job = site.submit()
    assert site.store.wait(job.id, 0.05) == job
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.store.wait, job.id, 30.0)
        site.store.cancel(job.id)
        assert waiting.result(5).state is State.CANCELLED
