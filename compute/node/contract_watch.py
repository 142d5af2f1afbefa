"""What a worker does beside its jobs as contracts end: jobs stop within seconds, and what is left goes."""

import time
from collections.abc import Callable, Mapping

from compute.canonical import DAY
from compute.market.contracts import Kept
from compute.node import stopping
from compute.node.destruction import PAUSE, Destruction, DestructionStore
from compute.node.jobs.estimate import Cost
from compute.node.jobs.store import JobStore
from compute.node.legal_holds import HoldStore
from compute.node.salts import SaltStore
from compute.node.settings import BankSettings, ProviderSettings
from compute.node.site import Site, clock


def rounds(
    site: Site[BankSettings] | Site[ProviderSettings],
    kinds: Mapping[str, Cost],
    kept: Mapping[Kept, Callable[[str], int]],
    named: Callable[[str, bytes], str | None],
    stands: Callable[[str], bool],
) -> Callable[[], None]:
    """Give what does one round, due every `stopping.PAUSE` seconds; it destroys every `destruction.PAUSE` only.

    `kinds` are the node's jobs, `kept` what it has of a contract (`Destruction.kept`); `named` and `stands` are
    those of `stopping.stop_jobs`.
    """
    settings = site.settings
    jobs = JobStore(site.engine, site.at_rest, kinds, clock)
    destruction = Destruction(
        settings.name,
        site.key,
        site.market,
        DestructionStore(site.engine),
        SaltStore(site.engine, site.at_rest),
        HoldStore(site.engine),
        kept,
        settings.retention_days * DAY,
        clock,
    )
    looked = 0.0

    def round_() -> None:
        nonlocal looked
        stopping.stop_jobs(jobs, named, stands)
        if time.monotonic() - looked >= PAUSE:
            looked = time.monotonic()
            destruction.round()

    return round_
