"""The attack: look for a private value wherever one could have got to, in whatever coding.

What is looked for is everything that a party of a live market has for itself: `private_values.py`. Where: in all
files, logs and write-ahead logs, in exports, in what commands say, in process lists and environments, in all
traffic behind TLS: `places.py`. Each value stands in no place but those allowed here, each with its reason.
"""

import base64
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from attacks.places import Place, everywhere, family, files
from attacks.private_values import Private, private_values
from codings import Search
from processes.live_market import Market
from processes.started_market import TEMPORARY

from veilmart.demo.data import PROVIDERS
from veilmart.demo.story import staff

pytestmark = pytest.mark.long

SOURCES = "|".join(source for _, source in PROVIDERS.values())
DEPARTMENTS = "|".join(PROVIDERS)


@dataclass(frozen=True)
class Allowed:
    """A place where values of a kind may stand: why."""

    kind: str
    place: str
    """A regular expression; `OWNER` in it is the value's owner."""
    why: str

    def covers(self, value: Private, place: str) -> bool:
        pattern = self.place.replace("OWNER", re.escape(value.owner))
        return value.kind == self.kind and re.fullmatch(pattern, place) is not None


ALLOWED = (
    Allowed("unlock secret", r"file OWNER/(paillier-)?unlock\.key", "a demo has no other place for its key files"),
    Allowed("label", r"file OWNER/bank_applicants\.csv", "the bank's own table"),
    Allowed("row", rf"file OWNER/({SOURCES})", "the department's own table"),
    Allowed("stranger", rf"file ({DEPARTMENTS})/({SOURCES})", "a company that both departments know"),
    Allowed("stranger", rf"file ({DEPARTMENTS}|harbour-bank)/register\.csv", "the public register has all"),
    Allowed("score", r"file OWNER/results/[^/]+/scores\.csv", "the scores are what the bank wants"),
    Allowed("score", r"traffic analyst at OWNER: GET /scorings/\w+/scores\.csv answered", "its staff fetch them"),
    Allowed("points", r"traffic analyst at OWNER: POST /models asked", "its staff hand the scorecard in"),
    Allowed(
        "opened points", r"traffic [\w-]+ at OWNER: GET /reviews/\w+ answered", "its examiners read the model"
    ),
    Allowed("seed", rf"traffic OWNER at ({DEPARTMENTS}): POST /messages asked", "shown with a permit, under TLS"),
    Allowed("answer key", r"traffic harbour-bank at OWNER: POST /messages answered", "given out on the receipt"),
    Allowed("salt", rf"traffic clerk at ({DEPARTMENTS}): POST /subjects/uses answered", "shown to its subject"),
)


@pytest.fixture(scope="module")
def values(market: Market) -> Mapping[str, Private]:
    with staff(market.provider()) as clerk:
        assert clerk.uses(market.applicants[0]).uses  # one subject is shown its salt
    found = {value.key: value for value in private_values(market)}
    assert len(found) > 1000
    return found


@pytest.fixture(scope="module")
def search(values: Mapping[str, Private]) -> Search:
    return searching(list(values.values()))


def searching(values: list[Private]) -> Search:
    secrets = {value.key: value.value for value in values if not value.is_text}
    texts = {value.key: value.value.decode() for value in values if value.is_text}
    return Search(secrets, texts)


@pytest.fixture(scope="module")
def places(market: Market, tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    return list(everywhere(market, tmp_path_factory.mktemp("exports")))


@pytest.fixture(scope="module")
def found(places: list[Place], search: Search) -> dict[str, set[str]]:
    """Where each value stands: the places' names, by the value's."""
    seen: dict[str, set[str]] = defaultdict(set)
    for place in places:
        for key in search.find(place.data):
            seen[key].add(place.name)
    return seen


# --- the search finds ------------------------------------------------------------------------------------------


def test_the_search_finds_each_value_in_each_coding(values: Mapping[str, Private], search: Search) -> None:
    for key, value in values.items():
        raw = value.value
        written = [raw, raw.hex().encode(), *(base64.b64encode(b"x" * n + raw + b"yz") for n in range(3))]
        written += [base64.urlsafe_b64encode(b"x" + raw + b"yz")]
        if not value.is_text:
            number = int.from_bytes(raw)
            written += [raw[::-1], str(number).encode(), str(int.from_bytes(raw, "little")).encode()]
            written += [
                repr(raw).encode(),
                f"{number:X}".encode().rjust(2 * len(raw), b"0"),
                str(list(raw)).encode(),
            ]
        for each in written:
            assert key in search.find(b"something before " + each + b" and after it"), key
            assert key not in search.find(b"something before " + each[: min(15, len(each) // 2)]), key


def test_the_search_finds_what_a_page_s_end_cuts(values: Mapping[str, Private], search: Search) -> None:
    for key, value in values.items():
        if not value.is_text and len(value.value) >= 31:
            assert key in search.find(b"page" * 20 + value.value[:31])
            assert key in search.find(value.value[-31:] + b"page" * 20)


def test_the_places_are_all_there(market: Market, places: list[Place]) -> None:
    names = {place.name for place in places}
    for site in market.all_sites:
        assert {f"file {site.name}/tls.key", f"file {site.name}/identity.jwe"} <= names
    for site in market.sites.nodes.values():
        assert f"file {site.name}/node.sqlite" in names
    assert any(name.endswith(".sqlite-wal") for name in names)
    for process in market.processes:
        assert f"process {process.name} cmdline" in names
        assert any(name.endswith(f"/{process.log.name}") for name in names)
    for export in ("copy/checkpoint", "pack.zip", "prov", "openlineage"):
        assert f"export {export}" in names
    assert any(re.match(r"export copy/tile/0/", name) for name in names)
    assert any(re.match(r"export parquet/.*\.parquet read", name) for name in names)
    assert any(name.startswith("export pack.zip ") for name in names)
    assert any(re.match(r"traffic harbour-bank at market: .* asked", name) for name in names)
    assert (market.folder / TEMPORARY).is_dir()


def test_what_a_process_left_behind_is_found(
    market: Market, values: Mapping[str, Private], search: Search
) -> None:
    one_of_each = {value.kind: value for value in values.values()}
    left = market.folder / TEMPORARY / "left-behind"
    left.write_bytes(b" ".join(base64.b64encode(value.value) for value in one_of_each.values()))
    try:
        (place,) = (place for place in files(market) if place.name == "file left-behind")
    finally:
        left.unlink()
    assert {value.key for value in one_of_each.values()} <= search.find(place.data)


# --- and there is nothing --------------------------------------------------------------------------------------


def test_no_private_value_stands_where_it_may_not(
    values: Mapping[str, Private], found: dict[str, set[str]]
) -> None:
    wrong = [
        (key, place)
        for key, names in found.items()
        for place in names
        if not any(allowed.covers(values[key], place) for allowed in ALLOWED)
    ]
    assert wrong == []


def test_each_allowance_is_needed(values: Mapping[str, Private], found: dict[str, set[str]]) -> None:
    for allowed in ALLOWED:
        used = (allowed.covers(values[key], place) for key, names in found.items() for place in names)
        assert any(used), allowed


def test_no_process_may_write_a_core(market: Market) -> None:
    for process in market.processes:
        assert process.running is not None
        members = list(family(process.running.pid))
        assert members
        for member in members:
            limits = (member / "limits").read_text()
            assert re.search(r"Max core file size +0 +0 ", limits), process.name
