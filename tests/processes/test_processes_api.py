"""Every process describes itself to all who ask, and its pages load nothing from elsewhere."""

import json
import re
import ssl
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from processes.live_market import MARKET_REGULATION, SOCIAL_SECURITY, Market

from veilmart.demo.sites import BANK, MARKET, REVIEWER, Site

pytestmark = pytest.mark.long

NAMES = [MARKET, BANK, REVIEWER, MARKET_REGULATION, SOCIAL_SECURITY]
FILLED = {
    **dict.fromkeys(("index", "number", "version"), "1"),
    "code": "0000-0000-0000-0000",
    "file": "scores.csv",
    "language": "zh",
    "year": "2026",
}
"""Parts of paths that take no text at will."""
METHODS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture(params=NAMES)
def site(market: Market, request: pytest.FixtureRequest) -> Site:
    return next(site for site in market.all_sites if site.name == request.param)


def fetch(site: Site, path: str) -> httpx.Response:
    """Ask as any browser would: without a signature."""
    context = ssl.create_default_context(cafile=site.authority)
    with httpx.Client(base_url=site.url, verify=context, trust_env=False) as client:
        return client.get(path)


def document(site: Site) -> dict[str, Any]:
    response = fetch(site, "/openapi.json")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/json")
    found: dict[str, Any] = response.json()
    return found


class Loaded(HTMLParser):
    """What a page makes a browser load, and whether it holds code of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.inline: list[str] = []
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.references += [value for name, value in attrs if name in {"src", "href", "action", "data"} and value]
        self.inline += [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        if self._tag in {"script", "style"} and data.strip():
            self.inline.append(data)


def test_the_pages_load_only_what_the_process_itself_serves(site: Site) -> None:
    page = fetch(site, "/docs")
    assert page.status_code == 200
    loaded = Loaded()
    loaded.feed(page.text)
    assert loaded.inline == []
    assert len(loaded.references) >= 4
    for reference in loaded.references:
        address = urlsplit(reference)
        assert (address.scheme, address.netloc) == ("", ""), reference
        asset = fetch(site, reference)
        assert asset.status_code == 200
        if reference.endswith(".css"):
            styles = re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", asset.text)
            assert all(url.strip("'\"").startswith("data:") for url, imported in styles if not imported)
            assert not [imported for _, imported in styles if imported]
    start = fetch(site, "/docs/start.js").text
    urls = re.findall(r'[uU]rl: ("[^"]*"|null)', start)
    assert urls == ['"/openapi.json"', "null"]
    assert "://" not in start


def test_the_pages_policy_lets_a_browser_load_nothing_else(site: Site) -> None:
    policy = fetch(site, "/docs").headers["Content-Security-Policy"]
    directives = dict(each.strip().partition(" ")[::2] for each in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert {source for each in directives.values() for source in each.split()} <= {"'none'", "'self'", "data:"}


def test_the_document_is_one_of_openapi(site: Site) -> None:
    found = document(site)
    assert re.fullmatch(r"3\.[01]\.\d+", found["openapi"])
    assert found["info"]["title"]
    assert found["info"]["version"]
    assert found["servers"] == [{"url": site.url}]
    operations = set()
    for path, methods in found["paths"].items():
        assert path.startswith("/")
        assert methods.keys() <= METHODS
        for method, operation in methods.items():
            _check_operation(path, operation)
            operations.add((method, path))
    assert ("get", "/health") in operations
    assert (("post", "/messages") in operations) is (site.name not in {MARKET, BANK})


def _check_operation(path: str, operation: dict[str, Any]) -> None:
    placed = {part["name"] for part in operation.get("parameters", ()) if part["in"] == "path"}
    assert placed == set(re.findall(r"\{(\w+)\}", path)), path
    assert all(part["required"] for part in operation.get("parameters", ()) if part["in"] == "path")
    responses = operation["responses"]
    assert all(re.fullmatch(r"[1-5]\d\d|default", status) for status in responses)
    assert any(status.startswith(("2", "303")) for status in responses), path
    assert responses["default"] == {"$ref": "#/components/responses/Problem"}
    if body := operation.get("requestBody"):
        assert all("schema" in content for content in body["content"].values())


def test_every_reference_in_the_document_leads_somewhere(site: Site) -> None:
    found = document(site)
    references = set(re.findall(r'"\$ref":\s*"([^"]+)"', json.dumps(found)))
    assert len(references) > 5
    for reference in references:
        assert reference.startswith("#/"), reference
        place: Any = found
        for step in reference[2:].split("/"):
            assert step in place, reference
            place = place[step]
        assert isinstance(place, dict)


def test_problems_are_described_with_their_members(site: Site) -> None:
    problem = document(site)["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == {"type", "title", "status", "detail", "remedy"}


def test_nothing_else_is_told_to_who_does_not_sign(site: Site) -> None:
    for path, methods in document(site)["paths"].items():
        operation = methods.get("get")
        if operation is not None and operation.get("security") != []:
            response = fetch(site, re.sub(r"\{(\w+)\}", lambda part: FILLED.get(part[1], "x"), path))
            assert response.status_code == 401, path
            assert response.json()["type"] == "urn:veilmart:problem:signature-missing"
