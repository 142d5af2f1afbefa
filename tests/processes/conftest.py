"""One market for the whole folder: the demo's story is over, every process still runs."""

from collections.abc import Iterator

import pytest
from processes import module_spy
from processes.live_market import BITS, Market, ignore, label_applicants, limit_bodies, plant
from processes.recording_proxy import Proxy
from processes.refusal_checks import seen

from compute.protocols.risk_score.messages import Query
from veilmart.demo.data import load_scorecard
from veilmart.demo.processes import running
from veilmart.demo.sites import BANK, lay_out
from veilmart.demo.story import walk

MAX_BODY = 1_000_000


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    folder = tmp_path_factory.mktemp("market")
    examples = plant(folder / "data")
    sites = lay_out(folder / "sites", examples, BITS, fronted=True, lease=2, retention_days=0)
    label_applicants(sites.nodes[BANK])
    limit_bodies(sites, MAX_BODY)
    card = load_scorecard(examples)
    with Proxy([sites.market, *sites.nodes.values()]) as proxy, pytest.MonkeyPatch.context() as patch:
        for name, value in module_spy.install(folder).items():
            patch.setenv(name, value)
        with running(sites) as processes:
            outcome = walk(sites, examples, card, ignore)
            yield Market(folder, sites, examples, card, processes, proxy, outcome)


@pytest.fixture(scope="session")
def query(market: Market) -> Query:
    """The first query that the bank's node sent."""
    found = next(seen(market, Query))
    assert isinstance(found, Query)
    return found
