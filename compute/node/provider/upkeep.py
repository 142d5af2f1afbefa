"""What a provider's worker does beside its jobs, at the lowest priority: pools made before they are needed."""

import logging
import os
import signal
import time

from audit.database import truncate_wal
from compute.node.database import open_database
from compute.node.jobs.store import JobStore
from compute.node.lifetime import end_with_parent
from compute.node.provider.alignments import AlignmentStore
from compute.node.provider.kinds import KINDS
from compute.node.provider.parts import forget_ended_parts
from compute.node.provider.pools import PoolStore
from compute.node.registry import RegistryStore
from compute.node.settings import ProviderSettings
from compute.node.site import clock
from compute.web import keyfile
from compute.web.dumps import forbid_dumps

logger = logging.getLogger(__name__)

_PAUSE = 10.0
"""Seconds between two rounds."""
_LOWEST_PRIORITY = 19


def keep_up(settings: ProviderSettings) -> None:
    """Make the blinding pool of every enrolled key, remove what nobody needs, again and again.

    The target of a process of its own, which ends with the one that started it. SIGTERM ends it too: that is how
    its parent ends it, and waits.
    """
    forbid_dumps()
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, for the parent
    os.nice(_LOWEST_PRIORITY)
    key = keyfile.load_or_make(settings.key, settings.unlock.secret)
    engine, at_rest = open_database(settings.database, key)
    registry, jobs = RegistryStore(engine), JobStore(engine, at_rest, KINDS, clock)
    pools, alignments = PoolStore(settings.computing, key), AlignmentStore(engine, at_rest)
    while True:
        try:
            truncate_wal(engine)  # of what was erased while somebody read, or just before a crash
            alignments.lapse(clock())
            _round(settings, registry, jobs, pools)
        except Exception:
            logger.exception("upkeep goes on")  # a full disk or a locked database; nobody would start it again
        time.sleep(_PAUSE)


def _round(settings: ProviderSettings, registry: RegistryStore, jobs: JobStore, pools: PoolStore) -> None:
    keys = registry.keys()
    for key in keys:
        if pools.find(key) is None:
            pools.make(key)
            logger.info("a blinding pool is ready for the key %s", key.fingerprint[:16])
    pools.keep_only(keys)
    forget_ended_parts(settings.computing, jobs.is_unfinished)
