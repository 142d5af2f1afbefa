"""How the operator opens its office, and organisations and their members come in, all by the API."""

from pathlib import Path

import pytest
from entry import code_of
from flows.own_market import OwnMarket

from compute.client.marketplace import MarketplaceClient
from compute.market.approvals import ApprovalStep
from compute.signing import sign
from compute.web.errors import PeerProblemError
from veilmart.demo import story
from veilmart.demo.entering import AGREEMENT_EN, AGREEMENT_ZH, GRACE_DAYS, SIGNATORY, enter, profile
from veilmart.demo.sites import BANK, OPERATOR, NodeSite

DEPARTMENT, OTHER_DEPARTMENT = "market-regulation", "social-security"


def the_operator_opens_its_office(market: OwnMarket, folder: Path) -> MarketplaceClient:
    """The operator's administrator publishes the entry agreement and invites who reviews."""
    own = folder / "operator.toml"
    own.write_text(
        f'title_zh = "数据产品超市运营有限公司"\ntitle_en = "Market Operator"\ncode = "{code_of(OPERATOR)}"\n'
        'kind = "operator"\naddress = "海南省海口市"\n'
        '[desk]\ntitle = "运营部"\nemail = "desk@operator.example"\nphone = "0898-6500 0001"\n',
        "utf-8",
    )
    administrator = market.found_operator(own)
    administrator.agreements.publish(AGREEMENT_ZH, AGREEMENT_EN, GRACE_DAYS)
    invited = administrator.members.invite("reviewer", "吴静", ["operator_reviewer"])
    return market.take(OPERATOR, "reviewer", invited.token)


def comes_in(market: OwnMarket, reviewer: MarketplaceClient, site: NodeSite) -> MarketplaceClient:
    """An organisation applies, is sent back once, accepts the agreement, is admitted and enrolled."""
    with story.staff(site) as person:
        identity = person.identity()
    described = profile(site.name, identity.statement.kind)
    receipt = market.open().organisations.apply(site.name, described)
    applicant = market.open(receipt.token)
    reviewer.organisations.return_for_correction(site.name, "incomplete", "请补充地址门牌号。")
    assert applicant.organisations.follow(site.name).state == "returned"
    applicant.organisations.correct(applicant.organisations.follow(site.name), described)
    with pytest.raises(PeerProblemError):  # it has not accepted the entry agreement
        reviewer.organisations.admit(reviewer.organisations.load(site.name))
    applicant.organisations.accept(site.name, applicant.agreements.newest(), SIGNATORY)
    read = reviewer.organisations.load(site.name)
    assert reviewer.organisations.admit(read).state == "admitted"
    with story.operator(market.sites) as desk:
        desk.enrol(identity, sign(identity.statement, OPERATOR, market.sites.operator_key))
    claimed = applicant.organisations.claim(site.name, "administrator", "陈立")
    return market.take(site.name, "administrator", claimed.token)


def the_department_comes_in(
    market: OwnMarket, reviewer: MarketplaceClient
) -> tuple[MarketplaceClient, MarketplaceClient]:
    """Its administrator invites a handler and a section chief, and sets up that both decide on applications.

    The operator confirms whose accounts they are: nobody alone makes the two whom a decision takes.
    """
    administrator = comes_in(market, reviewer, market.sites.nodes[DEPARTMENT])
    people = []
    for login, name, role in (("handler", "李娜", "handler"), ("chief", "赵刚", "section_chief")):
        invited = administrator.members.invite(login, name, [role])  # type: ignore[list-item]
        people.append(market.take(DEPARTMENT, login, invited.token))
        reviewer.members.confirm(invited.member, DEPARTMENT)  # there is no second administrator
    office = administrator.approvals
    steps = [ApprovalStep(working_days=2, role="handler"), ApprovalStep(working_days=3, role="section_chief")]
    office.put_rule("application_approve", steps, office.rule("application_approve").revision)
    handler, chief = people
    return handler, chief


def the_bank_comes_in(market: OwnMarket, reviewer: MarketplaceClient) -> MarketplaceClient:
    """Its administrator invites a data manager."""
    administrator = comes_in(market, reviewer, market.sites.nodes[BANK])
    return market.take(BANK, "buyer", administrator.members.invite("buyer", "林晓", ["handler"]).token)


def the_others_come_in(market: OwnMarket) -> None:
    """Those whom the story is not about."""
    with story.operator(market.sites) as desk:
        for name in market.sites.nodes.keys() - {DEPARTMENT, BANK}:
            with story.staff(market.sites.nodes[name]) as person:
                enter(market.sites, desk, desk.agreements.newest(), person.identity())
