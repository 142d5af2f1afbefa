"""Jobs under a contract that does not stand any more are stopped, waiting or running.

What a job does is checked again before its answer leaves, so nothing rests on this. But a job that waits, or that
computes for an hour, would cost time and tell nobody why: it ends within one round of the end of its contract.
"""

import logging
from collections.abc import Callable

from compute.node.jobs.errors import WrongStateError
from compute.node.jobs.store import JobStore
from compute.web.errors import PeerUnreachableError

logger = logging.getLogger(__name__)

PAUSE = 2.0
"""Seconds between two rounds; with a run's time to stop, `Worker`'s `grace`, jobs end some seconds later."""


def stop_jobs(jobs: JobStore, named: Callable[[str, bytes], str | None], stands: Callable[[str], bool]) -> int:
    """Cancel every job whose contract, or permit, does not stand, and give how many were.

    `named` gives what a job of this kind with these parameters rests on, None if on nothing; `stands` asks about
    it, once a round. While the marketplace is out of reach nothing is stopped: the release of answers is.
    """
    stopped, known = 0, dict[str, bool]()
    for job, parameters in jobs.waiting():
        name = named(job.kind, parameters)
        if name is None:
            continue
        if name not in known:
            try:
                known[name] = stands(name)
            except PeerUnreachableError:
                return stopped
        if not known[name]:
            stopped += _cancel(jobs, job.id, name)
    return stopped


def _cancel(jobs: JobStore, job: str, name: str) -> bool:
    try:
        jobs.cancel(job)
    except WrongStateError:  # it ended by itself just now
        return False
    logger.warning("job %s is stopped: %s does not stand any more", job, name)
    return True
