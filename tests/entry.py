"""How tests have an organisation admitted before its node is enrolled: by the real commands, or over the API."""

import hashlib
from pathlib import Path

from catalog.uscc import ALPHABET, fault
from compute.client.marketplace import MarketplaceClient
from compute.client.session import BearerClient
from compute.market.organisations import Desk, OrganisationProfile
from compute.records import PartyKind
from compute.web.errors import PeerProblemError
from marketplace.errors import NotFoundError
from marketplace.exchange import Exchange

SIGNATORY = "法定代表人"
TEXTS = ("入驻协议:守约。", "Entry agreement: keep to it.")


def code_of(name: str) -> str:
    """A unified social credit code of its own for each name, with both check characters right."""
    digits = str(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))[:8].rjust(8, "0")
    for organisation in "0123456789X":
        for last in ALPHABET:
            code = f"91110000{digits}{organisation}{last}"
            if fault(code) is None:
                return code
    raise ValueError(f"{name} has no code")


def profile_of(name: str, kind: PartyKind, **changes: str) -> OrganisationProfile:
    values = {"title_zh": f"机构{name}", "title_en": f"Organisation {name}", "address": "海口市"} | changes
    desk = Desk(title="数据部", email=f"data@{name}.example.cn", phone="0898-6500 0000")
    return OrganisationProfile(**{"code": code_of(name), **values}, kind=kind, desk=desk)


def admit(exchange: Exchange, name: str, kind: PartyKind, operator: str = "operator") -> None:
    """Have an organisation apply, accept the entry agreement, and be admitted, unless it is."""
    try:
        newest = exchange.agreements.load()
    except NotFoundError:
        newest = exchange.agreements.publish(operator, *TEXTS, 30)
    if any(found.name == name for found, _ in exchange.organisations.page(operator, "", 100)):
        return
    _, token = exchange.organisations.apply(name, profile_of(name, kind))
    exchange.organisations.accept(name, token, newest.version, newest.digest, SIGNATORY)
    exchange.organisations.admit(operator, name, exchange.organisations.load(operator, name)[0].revision)


def admit_over(url: str, authority: Path, operator: MarketplaceClient, name: str, kind: PartyKind) -> None:
    """Do so over the API; an application is entered by the operator's key and admitted by nobody else's."""
    with BearerClient(url, "market", None, verify=authority) as anybody:
        try:
            newest = MarketplaceClient(anybody).agreements.newest()
        except PeerProblemError:
            newest = operator.agreements.publish(*TEXTS, 30)
        if any(each.name == name for each in operator.organisations.all_of()):
            return
        receipt = MarketplaceClient(anybody).organisations.apply(name, profile_of(name, kind))
    with BearerClient(url, "market", receipt.token, verify=authority) as applicant:
        MarketplaceClient(applicant).organisations.accept(name, newest, SIGNATORY)
    operator.organisations.admit(operator.organisations.load(name))
