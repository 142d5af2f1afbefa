"""A department whose people are logged in to a marketplace's app in this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from apiflask import APIFlask
from market import TAX, Market
from marketplace_api.principals import URL, context_of, enter, made_app
from werkzeug.test import TestResponse

from compute.client.approvals import Approvals
from compute.client.marketplace import MarketplaceClient
from compute.client.notices import Notices
from compute.web.errors import PeerProblemError
from marketplace import matrix
from marketplace.flow.actor import Principal
from marketplace.flow.permission import AccessRole

ROLES = {"li": "handler", "zhao": "section_chief", "sun": "leader", "wu": "administrator"}


@dataclass
class AppPeer:
    """The app as a client's peer, under one person's bearer token."""

    app: APIFlask
    token: str
    last: TestResponse | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        expected: type[bytes],
        query: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        assert expected is bytes
        self.last = self.app.test_client().open(
            path,
            base_url=URL,
            method=method,
            query_string=dict(query or {}),
            data=content,
            content_type=None if content is None else content_type,
            headers={"Authorization": f"Bearer {self.token}", **(headers or {})},
        )
        if self.last.status_code >= 400:
            raise PeerProblemError("market", self.last.status_code, self.last.get_json())
        return self.last.get_data()


@dataclass
class Office:
    """A department's people, each with a client; `ids` by their logins."""

    app: APIFlask
    people: dict[str, AppPeer]
    ids: dict[str, str]

    def market(self, login: str) -> MarketplaceClient:
        return MarketplaceClient(self.people[login])

    def approvals(self, login: str) -> Approvals:
        return self.market(login).approvals

    def notices(self, login: str) -> Notices:
        return self.market(login).notices


def opened_office(folder: Path) -> Office:
    """A marketplace of its own, with a department of four people."""
    app = made_app(folder)
    exchange = context_of(app).exchange
    first = Principal(TAX, "member-0", permissions=matrix.load().permissions([AccessRole.ADMINISTRATOR]))
    people, ids = {}, {}
    for login, role in ROLES.items():
        invited = exchange.members.invite(first, login, login, [role], None)
        sender = enter(app, invited)
        exchange.members.confirm("operator", invited.member.id, TAX)
        assert sender.token is not None
        people[login], ids[login] = AppPeer(app, sender.token), invited.member.id
    return Office(app, people, ids)


def outside(office: Office, folder: Path) -> Market:
    """The exchange behind the app, with what others than the office do there; both products are listed."""
    context = context_of(office.app)
    made = Market(context.exchange, folder, context.setting)
    made.publish()
    return made
