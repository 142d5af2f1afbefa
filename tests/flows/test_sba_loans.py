"""The whole story on the real loan data at 3,072 bits, against a scorecard computed here in the clear."""

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from gmpy2 import mpz
from world import EXAMPLES, SNAPSHOT_DATE, Parties, assemble

from audit.entry import EntryKind
from catalog.description import load_product
from compute.binning import code_columns
from compute.canonical import decode
from compute.node.grids import published_grids
from compute.node.holding import scales
from compute.paillier.private import PrivateKey
from compute.paillier.public import DEFAULT_BITS
from compute.protocols.closed_answer.messages import Answer, AnswerKey, ReleasedAnswer
from compute.protocols.holding import Holding
from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.messages import JobStatement, ModelApproval, Query
from compute.protocols.risk_score.scorecard import Scorecard, parse_scorecard, sum_points
from compute.signing import Signed
from connectors.base import Column, ColumnType, Table
from connectors.files import open_csv

pytestmark = pytest.mark.long

CARD = json.loads((EXAMPLES / "scorecard.json").read_bytes())
SOURCES = {
    "market-regulation": ("market-registration.toml", "market_regulation.csv"),
    "social-security": ("social-insurance.toml", "social_security.csv"),
}
APPLICANTS = (
    Column("uscc", ColumnType.KEY),
    *(Column(name, ColumnType.INTEGER) for name in ("approval_year", "term_months")),
    *(Column(f"{name}_usd", ColumnType.INTEGER) for name in ("disbursed", "approved", "guaranteed")),
    *(Column(name, ColumnType.TEXT) for name in ("revolving", "low_doc")),
)


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


@dataclass
class Market:
    """The parties over the real files, the bank's table, its card as the providers know it, and all traffic."""

    parties: Parties
    table: Table
    card: Scorecard
    approval: ModelApproval
    traffic: list[tuple[str, bytes, bytes]] = field(default_factory=list)

    def totals(self) -> list[int]:
        return self.parties.score(self.approval, self.table.keys())

    def scores(self, totals: list[int]) -> dict[str, int]:
        """What the bank makes of the totals: its own points and the card's base are added at home."""
        bins = [feature.bins for feature in self.card.local]
        subjects = self.table.keys()
        frame = self.table.select(subjects, [feature.column for feature in bins])
        local = sum_points(self.card.local, code_columns(bins, frame, scales(self.table.columns)), len(subjects))
        units = [self.card.base_points + a + b for a, b in zip(totals, local, strict=True)]
        return dict(zip(subjects, units, strict=True))

    def answers(self) -> list[tuple[str, JobStatement, list[mpz]]]:
        """Each answer with its ciphertexts, opened by the key that came after it."""
        keys = {
            (party, key.job): key.key
            for party, data, reply in self.traffic
            if b'"type":"acknowledge"' in data
            for key in [decode(reply, AnswerKey)]
        }
        found = []
        for party, data, reply in self.traffic:
            if b'"type":"query"' in data:
                answer, job = decode(reply, Signed[Answer]), decode(data, Query).job.statement
                released = ReleasedAnswer(answer=answer, key=keys[party, answer.statement.job])
                found.append((party, job, self.parties.bank.open(job, released)))
        return found

    def tap(self, party: str) -> None:
        handler = self.parties.transport.handlers[party]

        def record(data: bytes) -> bytes:
            reply = handler(data)
            self.traffic.append((party, data, reply))
            return reply

        self.parties.transport.handlers[party] = record


def real_holding(description: str, source: str, stack: ExitStack) -> Holding:
    product = load_product(EXAMPLES / description)
    columns = [Column(each.name, ColumnType(each.type), each.scale) for each in product.fields]
    table = stack.enter_context(open_csv(EXAMPLES / source, columns))
    return Holding(
        product.id,
        product.version,
        table.snapshot,
        SNAPSHOT_DATE,
        scales(table.columns),
        table.keys(),
        table.select,
        published_grids(product),
    )


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    folder = tmp_path_factory.mktemp("market")
    with ExitStack() as stack:
        table = stack.enter_context(open_csv(EXAMPLES / "bank_applicants.csv", APPLICANTS))
        holdings = {name: real_holding(*files, stack) for name, files in SOURCES.items()}
        parties = assemble(PrivateKey.generate(DEFAULT_BITS), folder, holdings, table.keys(), stack, Limits())
        card = parse_scorecard((EXAMPLES / "scorecard.json").read_bytes())
        made = Market(parties, table, card, parties.model(card))
        for name in holdings:
            made.tap(name)
        yield made


@pytest.fixture(scope="module")
def first(market: Market) -> list[int]:
    """The totals of a first run."""
    return market.totals()


def test_every_score_is_that_of_the_clear(
    market: Market,
    first: list[int],
    applicants: dict[str, dict[str, str]],
    partial: dict[str, list[int]],
) -> None:
    expected = {
        subject: CARD["base_points"] + total(CARD["local"], row) + sum(parts)
        for (subject, row), parts in zip(applicants.items(), zip(*partial.values(), strict=True), strict=True)
    }
    assert len(expected) == 6656
    assert market.scores(first) == expected


def test_companies_missing_at_a_department_are_among_them(applicants: dict[str, dict[str, str]]) -> None:
    missing = applicants.keys() - rows("social_security.csv").keys()
    assert 300 < len(missing) < 500


@pytest.mark.usefixtures("first")
def test_a_single_answer_agrees_with_its_partial_scores_no_more_than_chance(
    market: Market, partial: dict[str, list[int]]
) -> None:
    key = market.parties.key
    features = {"market-regulation": 5, "social-security": 3}
    seen_parties = set()
    for party, job, ciphertexts in market.answers()[:2]:
        seen = [v + job.slot_bias for c in ciphertexts for v in job.layout.unpack(int(key.decrypt(c)), job.slots)]
        bias = 1000 * features[party]
        agreeing = sum(a == b + bias for a, b in zip(seen[: job.rows], partial[party], strict=True))
        # Slots of 14 bits: 6,656/2^14 = 0.4 are expected; ten by chance happen less than once in 10^10 runs.
        assert agreeing < 10
        seen_parties.add(party)
    assert seen_parties == features.keys()


def test_two_runs_share_no_ciphertext(market: Market, first: list[int]) -> None:
    """Same subjects, keys and scorecard; 31 ciphertexts from each provider in each run."""
    assert market.totals() == first
    chunks = [c for _, _, ciphertexts in market.answers() for c in ciphertexts]
    assert len(chunks) == len(set(chunks)) == 2 * 2 * 31


@pytest.mark.usefixtures("first")
def test_the_log_holds_every_use_and_no_applicant(market: Market, applicants: dict[str, dict[str, str]]) -> None:
    log, answers = market.parties.log, market.answers()
    market.parties.check_log()
    released = [event for event in log.entries() if event.kind is EntryKind.ANSWER_SENT]
    assert [(event.node, event.permit_id, event.detail["rows"]) for event in released] == [
        (party, market.parties.permits[party], len(applicants)) for party, _, _ in answers
    ]
    text = "".join(map(str, log.entries()))
    assert not any(subject in text for subject in applicants)


def test_the_example_s_columns_are_those_of_the_files() -> None:
    for name, (description, source) in SOURCES.items():
        product = load_product(EXAMPLES / description)
        assert product.provider == name
        assert header(EXAMPLES / source) == [each.name for each in product.fields]
    assert header(EXAMPLES / "bank_applicants.csv") == [column.name for column in APPLICANTS]


def header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))
