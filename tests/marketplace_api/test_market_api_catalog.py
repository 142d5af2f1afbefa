import json
import ssl
from collections.abc import Iterator

import httpx
import pytest
from market import BANK, LABOUR, TAX, VERSIONS
from marketplace_api.process import Server
from rdflib import Graph, URIRef

from catalog.dcat.namespaces import DCAT, HYDRA
from compute.client.catalog import Form

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

TYPES: dict[Form, str] = {"turtle": "text/turtle", "jsonld": "application/ld+json"}


@pytest.fixture(scope="module")
def harvester(server: Server) -> Iterator[httpx.Client]:
    """Another portal, without a key."""
    trust = ssl.create_default_context(cafile=str(server.folder / "ca.pem"))
    with httpx.Client(base_url=server.url, verify=trust, trust_env=False) as client:
        yield client


def datasets(server: Server, *pages: bytes, form: Form) -> set[str]:
    whole = Graph()
    for page in pages:
        whole.parse(data=page, format=TYPES[form])
    return {str(found) for found in whole.objects(URIRef(f"{server.url}/catalog"), DCAT.dataset)}


@pytest.mark.parametrize("form", TYPES)
def test_a_portal_follows_the_links_to_the_end(server: Server, harvester: httpx.Client, form: Form) -> None:
    address = f"/catalog.{'ttl' if form == 'turtle' else 'jsonld'}?limit=1"
    pages = []
    while address:
        answer = harvester.get(address)
        assert answer.headers["Content-Type"].partition(";")[0] == TYPES[form]
        pages.append(answer.content)
        read = Graph().parse(data=answer.content, format=TYPES[form])
        address = answer.links.get("next", {}).get("url", "")
        assert [str(each) for each in read.objects(None, HYDRA.next)] == ([address] if address else [])
    expected = {f"{server.url}/products/{'/'.join(VERSIONS[name])}" for name in (TAX, LABOUR)}
    assert datasets(server, *pages, form=form) >= expected
    with server.client(BANK) as bank:
        assert list(bank.catalog.harvest(form, limit=1)) == pages
        assert datasets(server, *bank.catalog.harvest(form), form=form) == datasets(server, *pages, form=form)


@pytest.mark.parametrize(
    ("accept", "path"),
    [
        ("text/turtle", "/catalog.ttl"),
        ("application/ld+json", "/catalog.jsonld"),
        ("*/*", "/catalog.jsonld"),
        ("text/html, text/turtle;q=0.9, application/ld+json;q=0.1", "/catalog.ttl"),
    ],
)
def test_the_catalog_comes_in_the_form_that_is_preferred(harvester: httpx.Client, accept: str, path: str) -> None:
    answer = harvester.get("/catalog?limit=1", headers={"Accept": accept})
    assert answer.status_code == 303
    assert answer.headers["Vary"] == "Accept"
    location = httpx.URL(answer.headers["Location"])
    assert (location.path, location.params["limit"]) == (path, "1")
    assert harvester.get(location).status_code == 200


def test_a_form_that_there_is_not_is_refused(harvester: httpx.Client) -> None:
    answer = harvester.get("/catalog", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["type"]) == (406, "urn:veilmart:problem:not-acceptable")
    assert "application/ld+json or text/turtle" in answer.json()["remedy"]


def test_a_page_is_given_again_only_once_the_catalog_has_changed(harvester: httpx.Client) -> None:
    first = harvester.get("/catalog.ttl")
    again = harvester.get("/catalog.ttl", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert harvester.get("/catalog.ttl").content == first.content  # whichever worker answers


def test_a_cursor_that_was_not_given_out_is_refused(harvester: httpx.Client) -> None:
    answer = harvester.get("/catalog.ttl", params={"cursor": "x"})
    assert answer.status_code == 422
    assert [each["field"] for each in json.loads(answer.content)["errors"]] == ["cursor"]
