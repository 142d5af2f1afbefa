"""How the demo's organisations come in: they apply, accept the entry agreement, are reviewed and enrolled.

Organisation and operator act by the interfaces that real ones have. Names, addresses and codes are made up; the
check characters of the codes are right.
"""

from compute.client.marketplace import MarketplaceClient
from compute.client.session import BearerClient
from compute.market.organisations import Agreement, Desk, OrganisationProfile
from compute.records import PartyKind, PartyRecord
from compute.signing import Signed, sign
from compute.web import secret
from veilmart.demo.data import DemoError
from veilmart.demo.sites import BANK, MARKET, OPERATOR, REVIEWER, SUPERVISOR, NodeSite, Sites

GRACE_DAYS = 30
TOKEN = "application.token"  # noqa: S105 -- the name of a file
SIGNATORY = "法定代表人 legal representative"
AGREEMENT_ZH = """入驻协议(演示文本)

一、数据可用不可见:各方只在用数合约与许可证范围内使用数据,不试图还原原始数据。
二、主体授权:以授权为依据的用数,须先取得主体授权,并告知主体。
三、存证:每次用数均写入审计日志,任何一方不得否认。
四、违约:运营机构可暂停违约机构,其用数许可证即时停用。
"""
AGREEMENT_EN = """Entry agreement (of the demo)

1. Data is used and not seen: within contracts and permits only; nobody tries to find out what stays hidden.
2. Consent: what rests on a subject's consent begins with that consent, of which the subject is told.
3. Record: every use is in the audit log, and nobody denies it.
4. Breach: the operator can suspend who breaks this; that one's permits stand no more.
"""
_ORGANISATIONS = {
    BANK: ("海港银行", "Harbour Bank", "911100007307584389"),
    REVIEWER: ("模型审查办公室", "Model Review Office", "9111000025743850XC"),
    SUPERVISOR: ("数据监管局", "Data Supervisor", "91110000591311678Q"),
    "market-regulation": ("市场监督管理局", "Market Regulation Bureau", "91110000131802361K"),
    "social-security": ("社会保障局", "Social Security Bureau", "911100008706005444"),
}
"""Name → titles in Chinese and English, unified social credit code."""


def publish_agreement(desk: MarketplaceClient) -> Agreement:
    """Publish the entry agreement, as the operator."""
    return desk.agreements.publish(AGREEMENT_ZH, AGREEMENT_EN, GRACE_DAYS)


def enter(sites: Sites, desk: MarketplaceClient, agreement: Agreement, application: Signed[PartyRecord]) -> None:
    """Have an organisation apply and accept, and the operator review and admit it, and enrol its node."""
    record, organisations = application.statement, desk.organisations
    with bearer(sites, None) as anybody:
        receipt = MarketplaceClient(anybody).organisations.apply(record.name, profile(record.name, record.kind))
    secret.put(sites.nodes[record.name].folder / TOKEN, receipt.token.encode() + b"\n")
    with bearer(sites, receipt.token) as applicant:
        read = MarketplaceClient(applicant).agreements.newest()
        if read != agreement:
            raise DemoError("another entry agreement is published than the operator's")
        MarketplaceClient(applicant).organisations.accept(record.name, read, SIGNATORY)
    applied = organisations.load(record.name)
    if (applied.state, applied.accepted, applied.profile.kind) != ("applied", agreement.version, record.kind):
        raise DemoError(f"{record.name} has not applied as it was met")
    organisations.admit(applied)
    desk.enrol(application, sign(record, OPERATOR, sites.operator_key))


def profile(name: str, kind: PartyKind) -> OrganisationProfile:
    """Give what an organisation of the demo says of itself; raise :class:`DemoError` for another."""
    if name not in _ORGANISATIONS:
        raise DemoError(f"{name} is no organisation of the demo; it has {', '.join(_ORGANISATIONS)}")
    title_zh, title_en, code = _ORGANISATIONS[name]
    return OrganisationProfile(
        title_zh=title_zh,
        title_en=title_en,
        code=code,
        kind=kind,
        desk=Desk(title="数据管理部", email=f"data@{name}.example", phone="0898-6500 0000"),
        address="海南省海口市",
    )


def token_of(site: NodeSite) -> str:
    """Give the token of an organisation's application, as `enter` kept it."""
    return secret.load(site.folder / TOKEN).decode("ascii").strip()


def bearer(sites: Sites, token: str | None) -> BearerClient:
    """Open the marketplace for who has this token, or for anybody."""
    return BearerClient(sites.market.url, MARKET, token, verify=sites.market.authority)
