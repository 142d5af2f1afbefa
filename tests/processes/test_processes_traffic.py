"""What the parties hear of each other: all bytes between their processes, their logs, errors, and databases."""

import base64
import re
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from http import HTTPStatus

import pytest
from codings import holds_coded, holds_text, long_numbers
from processes.live_market import (
    APPROVED,
    LABEL,
    MARKET_REGULATION,
    REVOLVING,
    SOCIAL_SECURITY,
    STAFFED,
    STATE,
    Market,
    memory,
    rows,
)

from audit.entry import encode as encode_entry
from catalog.description import load_product
from compute.binning import code_columns
from compute.canonical import FormatError, decode
from compute.node.holding import scales
from compute.paillier.ciphertexts import from_bytes
from compute.protocols.base import Pending, Refused
from compute.protocols.closed_answer.messages import Answer, AnswerKey
from compute.protocols.closed_answer.sealed_answer import open_answer
from compute.protocols.risk_score.messages import JobStatement, Query
from compute.protocols.risk_score.scorecard import sum_points
from compute.signing import Signed, digest
from connectors.base import Column, ColumnType
from connectors.files import open_csv
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.data import APPLICANTS_FILE, PROVIDERS
from veilmart.demo.sites import BANK, SUBJECTS

pytestmark = pytest.mark.long

MEMORY_LIMIT = 2**30
"""Bytes that a process may hold at its peak."""

Blobs = dict[str, bytes]


def received(market: Market) -> Blobs:
    """Everything that went from one party to another: all but what passed between a node and its own staff."""
    found: Blobs = {}
    for number, stream in enumerate(list(market.proxy.streams)):
        if not market.is_console(stream):
            found[f"{number} to {stream.server}"] = bytes(stream.asked)
            found[f"{number} from {stream.server}"] = bytes(stream.answered)
    return found


def told(market: Market) -> Blobs:
    """Every problem document that a process gave to another party."""
    return {
        f"{exchange.status} of {exchange.server} at {exchange.path}": exchange.answered
        for stream in list(market.proxy.streams)
        if not market.is_console(stream)
        for exchange in stream.exchanges()
        if exchange.status >= 400
    }


def logs(market: Market) -> Blobs:
    return {str(path): path.read_bytes() for path in market.sites.directory.rglob("*.log")}


def databases(market: Market, owner: str = "") -> Blobs:
    """The SQLite files, with what is not yet written back, of all parties but the owner."""
    return {
        str(path): path.read_bytes()
        for path in market.sites.directory.rglob("*.sqlite*")
        if path.parent.name != owner
    }


def everything(market: Market, owner: str) -> Blobs:
    log = {f"entry {index}": encode_entry(entry) for index, entry in enumerate(market.entries())}
    return received(market) | told(market) | logs(market) | databases(market, owner) | log


def holders(blobs: Blobs, *secrets: str) -> list[tuple[str, str]]:
    """Give where which of the texts stands, as it is or coded."""
    return [(name, secret) for secret in secrets for name, data in blobs.items() if holds_text(data, secret)]


def holders_of_numbers(blobs: Blobs, numbers: set[int]) -> list[tuple[str, set[int]]]:
    """Give where which of the numbers stands by itself."""
    found = ((name, numbers & long_numbers(data)) for name, data in blobs.items())
    return [(name, those) for name, those in found if those]


def holders_of_coded_numbers(blobs: Blobs, numbers: set[int]) -> list[tuple[str, int]]:
    """Give where which of the numbers stands within something coded, as bytes are in JSON."""
    return [(name, each) for name, data in blobs.items() for each in numbers if holds_coded(data, str(each))]


def points(market: Market) -> set[int]:
    """The points of the card in its units, those that are long enough to be known again."""
    features = [*market.card.local, *(each for features in market.card.sources.values() for each in features)]
    return {abs(entry) for feature in features for entry in feature.points if abs(entry) >= 100_000}


# --- what must be there, so that the search is known to find --------------------------------------------------


def test_what_is_legitimately_sent_is_found_by_the_same_search(market: Market) -> None:
    """An applicant and a feature's edges at the providers, names in logs, databases and the audit log."""
    subject, blobs = market.applicants[40], received(market)
    for provider in PROVIDERS:
        assert any(name.endswith(f"to {provider}") for name, _ in holders(blobs, subject))
    edges = '"edges":["2","3","5","9","20"]'
    assert any(name.endswith(f"to {SOCIAL_SECURITY}") for name, _ in holders(blobs, edges))
    assert holders_of_numbers(received(market), {market.outcome.model.reachable_totals * 10**6}) == []
    assert holders_of_numbers(received(market), {market.card.points_bound})
    assert holders(logs(market), "/messages")
    assert holders({"entry": encode_entry(market.entries()[-1])}, market.entries()[-1].node)
    assert holders(databases(market), "harbour-bank")
    for number in points(market):
        assert long_numbers(b'{"points":[1,-%d],"key":"a%d=="}' % (number, number + 1)) == {number}


@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_the_search_finds_a_text_in_every_coding(before: str) -> None:
    whole = f"{before}638.846 and more".encode()
    for coded in (whole, whole.hex().encode(), base64.b64encode(whole), base64.urlsafe_b64encode(whole)):
        assert holds_text(b"..." + coded, "638.846")
        assert not holds_text(b"..." + coded, "648.846")


def test_the_planted_values_are_where_they_belong(market: Market) -> None:
    assert len(points(market)) > 10
    staffed = next(
        row for row in rows(market.examples / "social_security.csv") if row["employees"] == str(STAFFED)
    )
    state = next(row for row in rows(market.examples / "market_regulation.csv") if row["state"] == STATE)
    assert {staffed["uscc"], state["uscc"]} <= set(market.applicants)
    assert holders({"own": (market.bank.folder / APPLICANTS_FILE).read_bytes()}, LABEL)
    console = b"".join(bytes(stream.asked) for stream in market.proxy.streams if market.is_console(stream))
    assert holders({"console": console}, "638.846"), "the bank's staff handed the scorecard to their own node"


def test_every_request_to_every_process_is_among_what_was_recorded(market: Market) -> None:
    """By the processes' own access logs: nobody reaches another but through the proxy."""
    logged: Counter[tuple[str, str, str, int]] = Counter()
    for process in market.processes:
        for line in process.log.read_text("utf-8").splitlines():
            if found := re.match(r'\[[^]]+\] \S+ \S+ "(\w+) (\S+)" (\d+) ', line):
                logged[process.folder.name, found[1], found[2], int(found[3])] += 1
    time.sleep(0.5)  # what was logged last is on its way through the proxy: the log is always being followed
    recorded = Counter(
        (each.server, each.method, each.path.partition("?")[0], each.status) for each in market.exchanges()
    )
    # Bodies above the limit go straight to the processes: test_processes_refusals.
    straight = {each for each in logged if each[3] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    assert {server for server, *_ in logged} == {site.name for site in market.all_sites}
    assert {each: count for each, count in (logged - recorded).items() if each not in straight} == {}


# --- what must not be there -----------------------------------------------------------------------------------


def test_no_row_of_a_provider_leaves_it(market: Market) -> None:
    asked = set(market.applicants)
    for provider, (_, source) in PROVIDERS.items():
        table = rows(market.examples / source)
        others = [row["uscc"] for row in table if row["uscc"] not in asked][:20]
        planted = STATE if provider == MARKET_REGULATION else str(STAFFED)
        blobs = everything(market, provider)
        assert holders(blobs, planted, *others) == []
        assert holders_of_numbers(blobs, {STAFFED}) == []


def test_no_point_label_or_score_leaves_the_bank(market: Market) -> None:
    blobs, decimals = everything(market, BANK), market.card.decimals
    scores = scores_in_the_clear(market.examples, market.card)
    units = {int(score * 10**decimals) for score in scores.values()}
    biased = {each + market.card.points_bound for each in points(market)}
    assert holders_of_numbers(blobs, {APPROVED} | points(market) | biased | units) == []
    assert holders_of_coded_numbers(blobs, {APPROVED} | points(market) | biased) == []
    texts = [f"{Decimal(each).scaleb(-decimals):f}" for each in points(market)]
    assert holders(blobs, LABEL, REVOLVING, str(APPROVED), *texts) == []
    assert not [
        name for name, data in blobs.items() if any(f"{score:f}".encode() in data for score in scores.values())
    ]


def test_logs_and_the_audit_log_name_no_subject(market: Market) -> None:
    text = b"".join([*logs(market).values(), *map(encode_entry, market.entries())])
    assert b"harbour-bank" in text
    assert not [subject for subject in market.applicants if holds_text(text, subject)]


def test_the_marketplace_keeps_no_subject_in_clear(market: Market) -> None:
    """It hears of subjects so that they can be told (ADR 40), and keeps a keyed tag and a sealed number.

    The registry and the outbox are the local identity adapter's: they stand for the state's and a carrier's.
    """
    kept = [path for path in market.sites.market.folder.iterdir() if path.is_file() and path.name != SUBJECTS]
    text = b"".join(path.read_bytes() for path in kept)
    assert holds_text(text, market.outcome.contract)
    assert not [subject for subject in market.applicants if holds_text(text, subject)]


# --- the answers ----------------------------------------------------------------------------------------------


def answered(market: Market) -> Iterator[tuple[str, JobStatement, bytes]]:
    """Every answer that passed, with its job and the provider that gave it, opened by the key that passed too."""
    jobs, answers, keys = {}, {}, {}
    for exchange in market.exchanges():
        if exchange.path == "/messages" and exchange.server in PROVIDERS:
            try:
                query = decode(exchange.asked, Query)
                jobs[digest(query.job.statement)] = query.job.statement
            except FormatError:
                pass  # another message
            try:
                reply = decode(exchange.answered, Signed[Answer] | AnswerKey | Refused | Pending)  # type: ignore[arg-type, var-annotated]
            except FormatError:
                continue
            if isinstance(reply, Signed):
                answers[exchange.server, reply.statement.job] = reply.statement
            if isinstance(reply, AnswerKey):
                keys[exchange.server, reply.job] = reply.key
    for (provider, job), key in keys.items():  # an answer whose receipt is not logged stays closed
        answer = answers[provider, job]
        yield provider, jobs[job], open_answer(answer.content, key, answer.key_digest, provider, answer.bank, job)


def partial_scores(market: Market, provider: str) -> list[int]:
    """The provider's part of every applicant's score, in the units and with the bias of its tables."""
    description, source = PROVIDERS[provider]
    product = load_product(market.examples / description)
    columns = [Column(field.name, ColumnType(field.type), field.scale) for field in product.fields]
    features, subjects = market.card.sources[product.id], market.applicants
    with open_csv(market.examples / source, columns) as table:
        bins = [feature.bins for feature in features]
        frame = table.select(subjects, [each.column for each in bins])
        part = sum_points(features, code_columns(bins, frame, scales(table.columns)), len(subjects))
    return [each + len(features) * market.card.points_bound for each in part]


def slots(market: Market, job: JobStatement, ciphertexts: list[int]) -> list[int]:
    """What the bank's key alone makes of ciphertexts: each slot with its bias."""
    key = market.paillier_key
    found = [v for c in ciphertexts for v in job.layout.unpack(int(key.decrypt(c)), job.slots)]
    return [value + job.slot_bias for value in found[: job.rows]]


def test_one_answer_decrypted_alone_agrees_with_its_partial_scores_no_more_than_chance(market: Market) -> None:
    public = market.paillier_key.public
    seen: dict[bytes, dict[str, list[int]]] = {}
    for provider, job, answer in answered(market):
        if job.rows != len(market.applicants):
            continue
        ciphertexts = [int(c) for c in from_bytes(public, answer, job.outputs)]
        expected = partial_scores(market, provider)
        agreeing = sum(a == b for a, b in zip(slots(market, job, ciphertexts), expected, strict=True))
        # 300 slots of 24 bits: even one that agrees by chance comes once in 50,000 runs, three never.
        assert agreeing < 3
        seen.setdefault(digest(job), {})[provider] = ciphertexts
    assert seen
    for parts in seen.values():
        assert parts.keys() == PROVIDERS.keys()


def test_the_answers_together_decrypt_to_every_total(market: Market) -> None:
    """The same reading of the same traffic finds all of it, once the masks cancel."""
    square = int(market.paillier_key.public.n_squared)
    (job, *_), _ = zip(*((job, answer) for _, job, answer in answered(market)), strict=True)
    answers = [answer for _, each, answer in answered(market) if each == job]
    parts = [from_bytes(market.paillier_key.public, each, job.outputs) for each in answers]
    product = [int(one) * int(other) % square for one, other in zip(*parts, strict=True)]
    expected = zip(*(partial_scores(market, provider) for provider in PROVIDERS), strict=True)
    assert slots(market, job, product) == [sum(both) for both in expected]


def test_no_ciphertext_passes_twice(market: Market) -> None:
    width = market.paillier_key.public.ciphertext_bytes
    blobs = {(provider, digest(job)): answer for provider, job, answer in answered(market)}
    chunks = [data[at : at + width] for data in blobs.values() for at in range(0, len(data), width)]
    assert len(chunks) == len(set(chunks)) > 4


def test_every_process_keeps_below_a_gibibyte(market: Market) -> None:
    for process in market.processes:
        assert process.running is not None
        found = memory(process.running.pid)
        assert found, process.name
        for command, peak in found.items():
            print(f"{process.name}: {peak >> 20} MiB, {command[:80]}")  # noqa: T201 -- shown with -rP
            assert peak < MEMORY_LIMIT
