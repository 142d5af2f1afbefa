"""Every private value of every party of a live market, as its owner finds it with its own keys."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from math import lcm
from pathlib import Path

import gmpy2
from codings import HEAD
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from processes.live_market import APPROVED, LABEL, REVOLVING, STAFFED, STATE, Market, rows
from processes.refusal_checks import seen
from sqlalchemy import Engine

from audit.database import open_engine
from audit.salts import FANOUT, child_key, path_of
from compute.at_rest import AT_REST, AtRest
from compute.canonical import FormatError, decode
from compute.node.epochs import EpochStore
from compute.node.reviewer.points import load_or_make as points_secret
from compute.node.salts import SaltStore
from compute.node.site import clock
from compute.protocols.closed_answer.sealed_answer import one_time_key
from compute.protocols.risk_score.messages import Opening, Query, SubmitModel
from compute.protocols.risk_score.provider import LEDGER
from compute.protocols.risk_score.sealing import SealError, opening_info, unseal
from compute.signing import LOG_KEY, WITNESS_KEY, derived_secret, digest
from compute.web.tls_key import KeyPair, load_key, password_of
from compute.web.unlock import Unlock
from veilmart.demo.data import PROVIDERS
from veilmart.demo.sites import BANK, OPERATOR, PAILLIER_UNLOCK, REVIEWER, UNLOCK, NodeSite, Site

ROOT = Path(__file__).parents[2]
ANSWER = "veilmart/answer/v1"
PURPOSE = re.compile(r'"(veilmart/[a-z/-]+v[0-9]+)"')
"""For what secrets are derived from identities, as the sources write it."""
LONG = 6
"""Characters of points that no other number has by chance."""
STRANGERS = 20
"""Companies in a table, of whom the bank knows nothing, that are looked for."""
SHOWN = 3
"""Applicants whose salts are looked for: those that a test has shown."""


@dataclass(frozen=True)
class Private:
    """A value that only its owner has; `kind` tells where it may be."""

    owner: str
    kind: str
    name: str
    value: bytes
    is_text: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name} of {self.owner}"


def private_values(market: Market) -> list[Private]:
    """Give them all; raises AssertionError where a kind has none."""
    found = [
        *(value for site in market.all_sites for value in _of_site(site)),
        *_of_operator(market),
        *(value for site in market.sites.nodes.values() for value in _of_node(market, site)),
        *_paillier(market),
        *_opening(market),
        *_answer_keys(market),
        Private(REVIEWER, "points secret", "", points_secret(*_points_place(market))),
        *_of_bank(market),
        *_of_providers(market),
    ]
    assert {value.kind for value in found} == set(KINDS)
    return found


KINDS = (
    "identity",
    "staff key",
    "unlock secret",
    "TLS key",
    "epoch key",
    "seed",
    "salt",
    "Paillier key",
    "opened points",
    "randomness",
    "answer key",
    "points secret",
    "points",
    "label",
    "score",
    "row",
    "stranger",
)


# --- keys --------------------------------------------------------------------------------------------------------


def _of_site(site: Site) -> Iterator[Private]:
    yield from _identity(site.name, "identity", site.identity)
    for purpose in purposes():
        yield Private(site.name, "identity", purpose, derived_secret(site.identity, purpose))
    if isinstance(site, NodeSite):
        for person in site.people:
            yield from _identity(site.name, "staff key", site.key_of(person), f"{person}'s ")
    yield Private(site.name, "unlock secret", UNLOCK, password_of(site.unlock()))
    yield Private(site.name, "unlock secret", f"{UNLOCK} raw", site.unlock().value)
    yield from _tls(site.name, KeyPair(site.folder / "tls.pem", site.folder / "tls.key", site.unlock))


def purposes() -> set[str]:
    """Give for what a secret could be derived of an identity: all that the sources name, and some that sign."""
    packages = ("audit", "compute", "marketplace", "veilmart")
    sources = (path.read_text("utf-8") for package in packages for path in (ROOT / package).rglob("*.py"))
    found = {purpose for text in sources for purpose in PURPOSE.findall(text)}
    assert {AT_REST, LEDGER, LOG_KEY, WITNESS_KEY} <= found
    return found


def _of_operator(market: Market) -> Iterator[Private]:
    yield from _identity(OPERATOR, "staff key", market.sites.operator_key)
    for name in (OPERATOR, "authority"):
        unlock = Unlock(key_file=market.sites.directory / name / UNLOCK).secret
        yield Private(name, "unlock secret", UNLOCK, password_of(unlock()))
    folder = market.sites.directory / "authority"
    yield from _tls("authority", KeyPair(folder / "ca.pem", folder / "ca.key", unlock))


def _identity(owner: str, kind: str, key: Ed25519PrivateKey, whose: str = "") -> Iterator[Private]:
    seed = key.private_bytes_raw()
    yield Private(owner, kind, f"{whose}seed", seed)
    yield Private(owner, kind, f"{whose}scalar", hashlib.sha512(seed).digest()[:32])  # RFC 8032, section 5.1.5
    yield Private(owner, kind, f"{whose}prefix", hashlib.sha512(seed).digest()[32:])


def _tls(owner: str, pair: KeyPair) -> Iterator[Private]:
    yield Private(owner, "TLS key", "scalar", load_key(pair).private_numbers().private_value.to_bytes(32))


def _paillier(market: Market) -> Iterator[Private]:
    p, q = (int(factor) for factor in market.paillier_key.factors)
    n = p * q
    carmichael, totient = lcm(p - 1, q - 1), (p - 1) * (q - 1)
    numbers = {
        "p": p,
        "q": q,
        "p²": p * p,
        "q²": q * q,
        "λ": carmichael,
        "φ, lower half": totient % (1 << n.bit_length() // 2),  # the upper one is that of n
        "λ⁻¹": int(gmpy2.invert(carmichael, n)),
        "φ⁻¹": int(gmpy2.invert(totient, n)),
        "p⁻¹": int(gmpy2.invert(p, q)),
        "q⁻¹": int(gmpy2.invert(q, p)),
    }
    for name, number in numbers.items():
        yield Private(BANK, "Paillier key", name, number.to_bytes((number.bit_length() + 7) // 8))
    unlock = Unlock(key_file=market.bank.folder / PAILLIER_UNLOCK).secret
    yield Private(BANK, "unlock secret", PAILLIER_UNLOCK, password_of(unlock()))


def _points_place(market: Market) -> tuple[object, object]:
    site = market.sites.nodes[REVIEWER]
    return site.folder / "points.jwe", site.unlock


# --- databases ---------------------------------------------------------------------------------------------------


@contextmanager
def _opened(site: NodeSite) -> Iterator[tuple[Engine, AtRest]]:
    engine = open_engine(site.folder / "node.sqlite")
    try:
        yield engine, AtRest.of(site.identity)
    finally:
        engine.dispose()


def _of_node(market: Market, site: NodeSite) -> Iterator[Private]:
    with _opened(site) as (engine, at_rest):
        if site.role in {"provider", "reviewer"}:
            for epoch in EpochStore(engine, at_rest, clock).alive():
                yield Private(site.name, "epoch key", str(epoch.expires), epoch.key.private_bytes_raw())
        if site.role == "bank":  # its providers have the same
            tree = SaltStore(engine, at_rest).find(market.outcome.contract)
            assert tree is not None
            yield Private(site.name, "seed", "root", tree.seed)
            for branch in range(FANOUT):
                yield Private(site.name, "seed", f"branch {branch}", child_key(tree.seed, branch))
            for subject in market.applicants[:SHOWN]:
                key = tree.seed
                for branch in path_of(subject):
                    key = child_key(key, branch)
                yield Private(site.name, "seed", f"path of {subject}", key)
                yield Private(site.name, "salt", subject, tree.salt(subject))


def _opening(market: Market) -> Iterator[Private]:
    """What the reviewer opened, of what passed to it."""
    size = market.paillier_key.public.modulus_bytes
    for number, opening in enumerate(openings(market)):
        for place, table in enumerate(opening.tables):
            for at in range(0, len(table.randomness), size):
                name = f"{number} {place} {at // size}"
                yield Private(REVIEWER, "randomness", name, table.randomness[at : at + size])
            for run in zip(table.points, table.points[1:], table.points[2:], strict=False):
                if min(map(abs, run)) >= 10**LONG // 10:
                    yield _text(REVIEWER, "opened points", ",".join(map(str, run)))


def openings(market: Market) -> Iterator[Opening]:
    """Give the openings that passed sealed, opened by the reviewer's keys."""
    with _opened(market.sites.nodes[REVIEWER]) as (engine, at_rest):
        keys = [epoch.key for epoch in EpochStore(engine, at_rest, clock).alive()]
    for exchange in market.exchanges():
        if (exchange.server, exchange.path) == (REVIEWER, "/messages"):
            try:
                submission = decode(exchange.asked, SubmitModel).submission.statement
            except FormatError:
                continue  # another message
            for key in keys:
                try:
                    yield unseal(submission.sealed_opening, key, opening_info(submission.tables), Opening)
                except SealError:
                    continue  # of another epoch


def _answer_keys(market: Market) -> Iterator[Private]:
    """What opens the providers' answers, one each."""
    for query in seen(market, Query):
        assert isinstance(query, Query)
        job = digest(query.job.statement)
        for provider in PROVIDERS:
            secret = derived_secret(market.provider(provider).identity, ANSWER)
            yield Private(provider, "answer key", job.hex(), one_time_key(secret, job))


# --- rows --------------------------------------------------------------------------------------------------------


def _of_bank(market: Market) -> Iterator[Private]:
    card = market.card
    features = [*card.local, *(each for features in card.sources.values() for each in features)]
    points = {f"{Decimal(entry).scaleb(-card.decimals):f}" for each in features for entry in each.points}
    for text in sorted(text for text in points if len(text) >= LONG):
        before = ('": ', '":', ", ", ",", "[")  # as it stands in a scorecard, which may itself stand in a string
        yield from (_text(BANK, "points", f"{each}{text}") for each in before if len(each + text) >= HEAD)
    for name, value in (("outcome", LABEL), ("revolving", REVOLVING), ("approved_usd", str(APPROVED))):
        yield _text(BANK, "label", value, name)
    _, *scores = csv.reader(io.StringIO(market.outcome.scores.decode()))
    for row in scores:
        yield _text(BANK, "score", ",".join(row))


def _of_providers(market: Market) -> Iterator[Private]:
    asked, planted = set(market.applicants), {STATE, str(STAFFED)}
    for provider, (_, source) in PROVIDERS.items():
        table = rows(market.examples / source)
        for row in table:
            for value in planted & set(row.values()):
                yield _text(provider, "row", value)
            if row["uscc"] in asked:
                yield _text(provider, "row", ",".join(row.values()))
        for row in [row for row in table if row["uscc"] not in asked][:STRANGERS]:
            yield _text(provider, "stranger", row["uscc"])


def _text(owner: str, kind: str, value: str, name: str = "") -> Private:
    return Private(owner, kind, name or value, value.encode(), is_text=True)
