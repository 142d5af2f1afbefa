"""Accounts of the demo's people at the marketplace, so that `veilmart market` is there to be tried.

Each organisation's applicant names an administrator, who invites a handler 经办; both take their accounts as real
people do. Beside an account's configuration lie its session and, as a demo has no other place for it, what it is
logged in with.
"""

import secrets
from pathlib import Path

import pyotp

from compute.client.marketplace import MarketplaceClient
from compute.market.members import MemberRole
from compute.web import secret
from veilmart.demo.data import PROVIDERS
from veilmart.demo.entering import bearer, token_of
from veilmart.demo.sites import BANK, MARKET, NodeSite, Sites
from veilmart.demo.story import Watch

ADMINISTRATOR: MemberRole = "administrator"
HANDLER: MemberRole = "handler"
_NAMES = {ADMINISTRATOR: "周敏", HANDLER: "李华"}
_PASSWORD_BYTES = 18


def open_accounts(sites: Sites, watch: Watch) -> None:
    """Have the bank and the departments have an administrator and a handler, who are logged in."""
    parties = (BANK, *PROVIDERS)
    for number, party in enumerate(parties, start=1):
        site = sites.nodes[party]
        with bearer(sites, token_of(site)) as applicant:
            named = MarketplaceClient(applicant).organisations.claim(party, ADMINISTRATOR, _NAMES[ADMINISTRATOR])
        with bearer(sites, _take(sites, site, ADMINISTRATOR, named.token)) as administrator:
            members = MarketplaceClient(administrator).members
            invited = members.invite(HANDLER, _NAMES[HANDLER], (HANDLER,))
        _take(sites, site, HANDLER, invited.token)
        watch("accounts 账户", number, len(parties), None)


def configuration(site: NodeSite, login: str) -> Path:
    """Where the configuration of an account is."""
    return site.folder / f"{login}.toml"


def _take(sites: Sites, site: NodeSite, login: str, invitation: str) -> str:
    """Take an account, log in, write what `veilmart market` is told, and give the session's token."""
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    with bearer(sites, None) as anybody:
        market = MarketplaceClient(anybody)
        taken = market.members.take(invitation, password)
        found = pyotp.parse_uri(taken.provisioning_uri)
        if not isinstance(found, pyotp.TOTP):
            raise TypeError(f"{login}@{site.name} has no time-based codes")
        session = market.sessions.login(site.name, login, password, found.now())
    secret.put(site.folder / f"{login}.login", f"{password}\n{taken.provisioning_uri}\n".encode())
    secret.put(site.folder / f"{login}.token", session.token.encode() + b"\n")
    configuration(site, login).write_text(
        f"""\
organisation = "{site.name}"
login = "{login}"                           # password and authenticator's address: {login}.login
session = "{login}.token"
authority = "{site.authority.name}"
marketplace = {{ name = "{MARKET}", url = "{sites.market.url}" }}
""",
        "utf-8",
    )
    return session.token
