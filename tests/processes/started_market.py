"""Starts the market of real processes: the demo's story is over, and every process still runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import module_spy
from processes.live_market import BITS, Market, ignore, label_applicants, limit_bodies, plant
from processes.recording_proxy import Proxy

from veilmart.demo.data import load_scorecard
from veilmart.demo.processes import running
from veilmart.demo.sites import BANK, lay_out
from veilmart.demo.story import walk

MAX_BODY = 16_000_000
TEMPORARY = "temporary"
"""The folder in which the processes put their temporary files."""


@contextmanager
def started(folder: Path) -> Iterator[Market]:
    examples = plant(folder / "data")
    sites = lay_out(folder / "sites", examples, BITS, fronted=True, lease=6, retention_days=0)
    label_applicants(sites.nodes[BANK])
    limit_bodies(sites, MAX_BODY)
    card = load_scorecard(examples)
    (folder / TEMPORARY).mkdir()
    with Proxy([sites.market, *sites.nodes.values()]) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / TEMPORARY))
        for name, value in module_spy.install(folder).items():
            patch.setenv(name, value)
        with running(sites) as processes:
            outcome = walk(sites, examples, card, ignore)
            yield Market(folder, sites, examples, card, processes, proxy, outcome)
