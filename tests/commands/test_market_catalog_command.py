import json
from pathlib import Path

import pytest
from commands.conftest import Desk, run
from entry import profile_of
from market import BANK, KINDS, LABOUR, TAX, VERSIONS
from rdflib import Graph, URIRef

from catalog.dcat.namespaces import DCAT
from compute.client.catalog import Catalog

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")


def catalog(desk: Desk, command: str, *arguments: str) -> str:
    result = run("market", "catalog", command, "--config", str(desk.person(BANK)), *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_products_are_shown_with_what_they_can_be_narrowed_down_by(desk: Desk) -> None:
    shown = catalog(desk, "search", "市场主体", "--kind", "dataset", "--kind", "api")
    assert "market-registration 1.0.0" in shown
    assert "小企业市场主体登记信息" in shown
    assert "形态 Kind: 数据集 dataset 1, 数据API api 0" in shown
    assert f"{profile_of(TAX, KINDS[TAX]).title_zh} Organisation {TAX} {TAX} 1" in shown
    assert "1 products 个产品" in shown
    assert "--cursor" not in shown


def test_a_page_leads_to_the_next(desk: Desk) -> None:
    first = catalog(desk, "search", "--limit", "1", "--sort", "title")
    cursor = next(line for line in first.splitlines() if line.startswith("--cursor ")).split()[1]
    second = json.loads(catalog(desk, "search", "--limit", "1", "--sort", "title", "--cursor", cursor, "--json"))
    assert second["next"] is None
    assert second["total"] == 2
    assert second["items"][0]["product"] not in first


def test_a_query_that_is_refused_says_why(desk: Desk) -> None:
    result = run("market", "catalog", "search", "--config", str(desk.person(BANK)), "!!!")
    assert result.exit_code == 1
    assert "no letter" in result.stderr


@pytest.mark.parametrize(("form", "media_type"), [("turtle", "text/turtle"), ("jsonld", "application/ld+json")])
def test_the_whole_catalog_is_one_document(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, media_type: str
) -> None:
    whole = Catalog.harvest
    monkeypatch.setattr(Catalog, "harvest", lambda self, wanted: whole(self, wanted, limit=1))
    out = tmp_path / "catalog.rdf"
    assert "2 pages" in catalog(desk, "export", "--format", form, "--out", str(out))
    read = Graph().parse(out, format=media_type)
    found = set(read.objects(URIRef(f"{desk.server.url}/catalog"), DCAT.dataset))
    expected = {f"{desk.server.url}/products/{'/'.join(VERSIONS[name])}" for name in (TAX, LABOUR)}
    assert {str(each) for each in found} == expected
    assert not list(tmp_path.glob("*.part"))


def test_what_cannot_be_written_leaves_the_old_file(desk: Desk, tmp_path: Path) -> None:
    old = tmp_path / "catalog.ttl"
    old.write_text("old")
    person = desk.person(BANK, url="https://127.0.0.1:1")
    result = run("market", "catalog", "export", "--config", str(person), "--out", str(old))
    assert result.exit_code == 1
    assert old.read_text() == "old"
    assert not list(tmp_path.glob("*.part"))
    result = run("market", "catalog", "export", "--config", str(person), "--out", str(tmp_path / "no" / "file"))
    assert "choose another place" in result.stderr


def test_the_index_is_made_anew_while_the_marketplace_serves(desk: Desk) -> None:
    before = json.loads(catalog(desk, "search", "信息", "--json"))
    result = run("marketplace", "reindex", "--config", str(desk.server.folder / "marketplace.toml"))
    assert result.exit_code == 0, result.output
    assert "2 versions of products" in result.output
    after = json.loads(catalog(desk, "search", "信息", "--json"))
    assert after["revision"] != before["revision"]
    assert {**after, "revision": ""} == {**before, "revision": ""}
