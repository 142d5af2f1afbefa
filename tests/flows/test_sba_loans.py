"""The whole story on the real loan data at 3,072 bits, against a scorecard computed here in the clear."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from compute.canonical import decode
from compute.paillier.ciphertexts import from_bytes
from compute.paillier.public import DEFAULT_BITS
from compute.protocols.base import no_progress
from compute.protocols.risk_score.messages import Answer, Query
from compute.signing import Signed
from veilmart.demo.data import EXAMPLES, load_scorecard
from veilmart.demo.parties import Parties, assemble
from veilmart.demo.story import Outcome, score_applicants, write_scores

pytestmark = pytest.mark.long

CARD = json.loads((EXAMPLES / "scorecard.json").read_bytes())


def rows(name: str) -> dict[str, dict[str, str]]:
    with (EXAMPLES / name).open(encoding="utf-8", newline="") as file:
        return {row["uscc"]: row for row in csv.DictReader(file)}


def points(feature: dict, value: str) -> int:  # type: ignore[type-arg]
    """The scorecard's own words, row by row; a company without a row has an empty value."""
    if feature["kind"] == "category":
        if value:
            prefix = value[: feature.get("prefix")]
            for group in feature["bins"]:
                if prefix in group["values"]:
                    return int(group["points"])
        return int(feature["other_or_missing_points"])
    if not value:
        return int(feature["missing_points"])
    return int(feature["points"][sum(int(value) >= edge for edge in feature["edges"])])


def total(features: list[dict], row: dict[str, str]) -> int:  # type: ignore[type-arg]
    return sum(points(feature, row.get(feature["column"], "")) for feature in features)


@pytest.fixture(scope="module")
def applicants() -> dict[str, dict[str, str]]:
    return rows("bank_applicants.csv")


@pytest.fixture(scope="module")
def partial(applicants: dict[str, dict[str, str]]) -> dict[str, list[int]]:
    register, insurance = rows("market_regulation.csv"), rows("social_security.csv")
    sources = CARD["sources"]
    return {
        "market-regulation": [total(sources["market-registration"], register.get(s, {})) for s in applicants],
        "social-security": [total(sources["social-insurance"], insurance.get(s, {})) for s in applicants],
    }


Traffic = list[tuple[str, bytes, bytes]]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Parties, Outcome, Traffic]]:
    traffic: Traffic = []
    directory = tmp_path_factory.mktemp("market")
    with assemble(directory, EXAMPLES, DEFAULT_BITS, no_progress) as parties:
        for name, handler in list(parties.transport.handlers.items()):

            def tap(data: bytes, name: str = name, handler=handler) -> bytes:  # noqa: ANN001 -- bound per party
                reply: bytes = handler(data)
                traffic.append((name, data, reply))
                return reply

            parties.transport.handlers[name] = tap
        yield parties, score_applicants(parties, load_scorecard(EXAMPLES)), traffic


def test_every_score_is_that_of_the_clear(
    market: tuple[Parties, Outcome, Traffic],
    applicants: dict[str, dict[str, str]],
    partial: dict[str, list[int]],
    tmp_path: Path,
) -> None:
    _, outcome, _ = market
    expected = {
        subject: CARD["base_points"] + total(CARD["local"], row) + sum(parts)
        for (subject, row), parts in zip(applicants.items(), zip(*partial.values(), strict=True), strict=True)
    }
    write_scores(tmp_path / "scores.csv", outcome.scores)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        written = {row["uscc"]: int(row["score"]) for row in csv.DictReader(file)}
    assert len(written) == 6656
    assert written == expected


def test_companies_missing_at_a_department_are_among_them(applicants: dict[str, dict[str, str]]) -> None:
    missing = applicants.keys() - rows("social_security.csv").keys()
    assert 300 < len(missing) < 500


def answers(traffic: Traffic) -> list[tuple[str, Query, Signed[Answer]]]:
    return [
        (party, decode(data, Query), decode(reply, Signed[Answer]))
        for party, data, reply in traffic
        if b'"type":"query"' in data
    ]


def test_a_single_answer_agrees_with_its_partial_scores_no_more_than_chance(
    market: tuple[Parties, Outcome, Traffic], partial: dict[str, list[int]]
) -> None:
    parties, _, traffic = market
    key = parties.bank._key
    features = {"market-regulation": 5, "social-security": 3}
    for party, query, answer in answers(traffic)[:2]:
        job = query.job.statement
        ciphertexts = from_bytes(key.public, answer.statement.ciphertexts, job.outputs)
        seen = [v + job.slot_bias for c in ciphertexts for v in job.layout.unpack(int(key.decrypt(c)), job.slots)]
        bias = 1000 * features[party]
        agreeing = sum(a == b + bias for a, b in zip(seen[: job.rows], partial[party], strict=True))
        # Slots of 14 bits: 6,656/2^14 = 0.4 are expected; ten by chance happen less than once in 10^10 runs.
        assert agreeing < 10


def test_two_runs_share_no_ciphertext(market: tuple[Parties, Outcome, Traffic]) -> None:
    """Same subjects, keys and scorecard; 31 ciphertexts from each provider in each run."""
    parties, outcome, traffic = market
    assert score_applicants(parties, load_scorecard(EXAMPLES)).scores == outcome.scores
    size = parties.bank._key.public.ciphertext_bytes
    chunks = [
        answer.statement.ciphertexts[i : i + size]
        for _, _, answer in answers(traffic)
        for i in range(0, len(answer.statement.ciphertexts), size)
    ]
    assert len(chunks) == len(set(chunks)) == 2 * 2 * 31
