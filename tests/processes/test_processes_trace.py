"""What real processes have recorded of a scoring leads from its answers back to the departments' data."""

import pytest
from processes.live_market import Market

from audit.tracing import lineage, prov
from audit.tracing.chain import LinkName, chains
from audit.tracing.rules import Rules, find
from audit.tracing.trace import Criteria, select, select_uses
from audit.tracing.uses import Indexed
from veilmart.demo.data import PROVIDERS

pytestmark = pytest.mark.long


def story(market: Market) -> list[Indexed]:
    """The log, whatever other tests have added to it."""
    return list(enumerate(market.entries()))


def test_a_score_leads_back_to_its_source(market: Market) -> None:
    entries = story(market)
    use, *_ = select_uses(entries, Criteria(contract=market.outcome.contract))
    found = chains(entries, job=use.job)
    assert {chain.use.provider for chain in found} == set(PROVIDERS)
    for chain in found:
        assert chain.is_complete, [(link.name, link.missing) for link in chain.links]
        assert chain.use.is_matched
        assert chain.use.rows == market.outcome.scored.rows
        model = next(link for link in chain.links if link.name is LinkName.MODEL)
        assert model.subject == market.outcome.model.approval
        taken = {feature.bins.column for feature in market.card.sources[str(chain.use.text("product"))]}
        assert set(chain.use.fields) == taken
        assert chains(entries, result=chain.use.text("answer")) == [chain]


def test_the_story_is_no_risk_and_can_be_exported(market: Market) -> None:
    entries = story(market)
    own = select(entries, Criteria(contract=market.outcome.contract))
    use, *_ = select_uses(own, Criteria())
    always = Rules(opens=0, closes=24, days=(1, 2, 3, 4, 5, 6, 7), expiring_days=0)
    about = [each for each in find(entries, always, entries[-1][1].time) if set(use.indices) & set(each.indices)]
    assert about == []
    events = [event for event in lineage.export([use]) if event["eventType"] == "COMPLETE"]
    assert len(events) == 1
    answers = {f"answer:{use.text('answer')}"}
    assert answers <= prov.export(entries, [use])["entity"].keys()
