"""Waiting until what was deleted from a node's database is overwritten in all of its files."""

import time

from sqlalchemy import Engine

from audit.database import truncate_wal

WIPE = 2.0
"""Seconds that a deletion waits for others to let the write-ahead log be emptied; upkeep does it otherwise."""
_PAUSE = 0.05


def wipe(engine: Engine) -> bool:
    """Empty the write-ahead log, and give whether no file has the old bytes any more; they go soon otherwise."""
    deadline = time.monotonic() + WIPE
    while not truncate_wal(engine):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True
