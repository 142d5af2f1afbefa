"""The pages over a marketplace in this process, and a telephone that opens them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import flask
import pytest
from begun import open_begun
from flask.testing import FlaskClient
from market import BANK, NOW, SALTS, Market
from subjects import telephone
from werkzeug.test import TestResponse

from compute.canonical import DAY
from compute.market.consent_requests import ConsentRequestDraft
from compute.records import SubjectType, opening
from marketplace.portal.app import pages

URL = "https://market.example"
COMPANY, RIVAL = "91460100MAQBDL395F", "91330106MA2CFLDG4R"


@dataclass
class Phone:
    """A subject's browser."""

    market: Market
    client: FlaskClient

    def get(self, path: str, **options: object) -> TestResponse:
        return self.client.get(path, base_url=URL, **options)  # type: ignore[arg-type]

    def post(self, path: str, form: dict[str, object], **options: object) -> TestResponse:
        data = {"form_token": self.token()} | form
        return self.client.post(path, base_url=URL, data=data, buffered=True, **options)  # type: ignore[arg-type]

    def token(self) -> str:
        """The token of this browser's forms, as the first page has it."""
        found = re.search('name="form_token" value="([0-9a-f]{64})"', self.get("/me").text)
        assert found
        return found[1]

    def identify(self, subject: str = COMPANY, number: str | None = None, goal: str = "/me") -> TestResponse:
        """Type in code, number, and what comes by message."""
        form: dict[str, object] = {"subject": subject, "telephone": number or telephone(subject), "goal": goal}
        assert self.post("/identify/code", form).status_code == 200
        return self.post("/identify/verify", {"code": self.market.mailbox.code(subject), "goal": goal})


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    with open_begun(tmp_path / "market.db") as found:
        yield found


@pytest.fixture
def app(market: Market) -> flask.Flask:
    made = flask.Flask(__name__)
    made.register_blueprint(pages(market.exchange, market.setting))
    return made


@pytest.fixture
def phone(market: Market, app: flask.Flask) -> Phone:
    return Phone(market, app.test_client())


@pytest.fixture
def other(market: Market, app: flask.Flask) -> Phone:
    """A browser of somebody else's."""
    return Phone(market, app.test_client())


def link(market: Market, contract: str, subject: str = COMPANY, **changes: object) -> str:
    """The path of a new request's link."""
    members = {
        "contract": contract,
        "reference": "ask-1",
        "subject": subject,
        "opening": opening(SALTS.salt(subject)),
        "subject_type": SubjectType.ENTERPRISE,
        "expires": NOW + 20 * DAY,
        "hours": 72,
        "contact": "Harbour Bank, +86 898 0000 0000",
    } | changes
    _, url = market.exchange.consent_requests.ask(BANK, ConsentRequestDraft(**members))  # type: ignore[arg-type]
    return url.removeprefix(URL)
