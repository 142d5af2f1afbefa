"""A market of real processes over a copy of the example data, in which recognisable values are planted."""

import csv
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from locks import load_beside
from processes.recording_proxy import Exchange, Proxy, Stream

from audit.entry import Entry, EntryKind, parse
from compute.canonical import DAY, HOUR, Message, encode
from compute.node.bank.paillier_key import load_or_generate
from compute.node.console.client import NodeClient
from compute.node.console.messages import ApplicationDraft, ConsentRegistration, JobView, Scoring
from compute.node.site import clock
from compute.paillier.private import PrivateKey
from compute.protocols.risk_score.scorecard import Scorecard
from compute.records import ConsentKind
from compute.terms import Grant, Terms
from compute.web.client import PeerClient
from compute.web.unlock import Unlock
from veilmart.demo.data import APPLICANTS_FILE, EXAMPLES, SCORECARD_FILE
from veilmart.demo.processes import Process
from veilmart.demo.sites import BANK, PAILLIER_UNLOCK, REVIEWER, NodeSite, Site, Sites
from veilmart.demo.story import Outcome, operator, staff, today

MARKET_REGULATION, SOCIAL_SECURITY = "market-regulation", "social-security"
BITS = 2048
"""The least that a provider accepts."""
ROWS = 300
"""Applicants."""
UNIT = Decimal("24.571")
"""All points are multiples of it: as many totals as before, and numbers that nothing else here has."""

STATE, STAFFED = "QZ-planted-state-81", 731_552_917
LABEL, REVOLVING, APPROVED = "planted-label-5c1e77", "planted-revolving-0b", 918_273_645
"""Texts and numbers that stand in one row each, but for the state."""
COHORT = 10
"""Rows in which it stands: a cell of fewer companies is not published."""


def ignore(_step: str, _done: int, _total: int, _left: int | None) -> None:
    """Watch nothing."""


@dataclass(frozen=True)
class Market:
    """The running market after the demo's story, and all that passed between its processes."""

    folder: Path
    sites: Sites
    examples: Path
    card: Scorecard
    processes: Sequence[Process]
    proxy: Proxy
    outcome: Outcome

    @property
    def all_sites(self) -> list[Site]:
        return [self.sites.market, *self.sites.nodes.values()]

    @property
    def bank(self) -> NodeSite:
        return self.sites.nodes[BANK]

    def provider(self, name: str = MARKET_REGULATION) -> NodeSite:
        return self.sites.nodes[name]

    @property
    def paillier_key(self) -> PrivateKey:
        unlock = Unlock(key_file=self.bank.folder / PAILLIER_UNLOCK).secret
        return load_or_generate(self.bank.folder / "paillier.jwe", unlock, BITS)

    @property
    def applicants(self) -> list[str]:
        return [row["uscc"] for row in rows(self.examples / APPLICANTS_FILE)]

    # --- who asks ---------------------------------------------------------------------------------------------

    @contextmanager
    def analyst(self) -> Iterator[NodeClient]:
        with staff(self.bank) as analyst:
            yield analyst

    @contextmanager
    def peer(self, party: str, site: Site, key_of: Path | None = None) -> Iterator[PeerClient]:
        """Ask `site` as the party, by the key in its folder or in the file given."""
        key = load_beside(key_of or self.sites.nodes[party].folder / "identity.jwe")
        pins = {site.name: site.public_key}
        with PeerClient(site.url, party, key, site.name, pins, verify=site.authority, timeout=30.0) as peer:
            yield peer

    def send(self, message: Message | bytes, provider: str = MARKET_REGULATION) -> bytes:
        """Send a message with the bank's own key, as a bank would that does not use its node."""
        content = encode(message) if isinstance(message, Message) else message
        with self.peer(BANK, self.sites.nodes[provider]) as peer:
            return peer.request(
                "POST", "/messages", expected=bytes, content=content, content_type="application/json"
            )

    # --- what was seen ----------------------------------------------------------------------------------------

    def exchanges(self) -> Iterator[Exchange]:
        for stream in list(self.proxy.streams):
            yield from stream.exchanges()

    def is_console(self, stream: Stream) -> bool:
        """Whether a party's own staff, and nobody else, spoke with its node."""
        site = self.sites.nodes.get(stream.server)
        asked = {exchange.party for exchange in stream.exchanges()}
        return site is not None and bool(asked) and asked <= set(site.people)

    def entries(self) -> list[Entry]:
        return logged(self.sites)

    def refusals(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.kind is EntryKind.REFUSED]

    # --- what the parties do ----------------------------------------------------------------------------------

    def agree(self, reference: str, max_uses: int = 1000, subjects: Sequence[str] | None = None) -> Terms:
        """Put a further contract over the scorecard's fields in force, with consents of the subjects or of all."""
        return agree(self.sites, self.card, reference, max_uses, subjects)

    def scoring(self, contract: str, subjects: Sequence[str] | None = None, reference: str = "again") -> JobView:
        """Have the analyst score under the contract; give the job as it ended."""
        asked = Scoring(
            reference=reference,
            contract=contract,
            model=self.card.name,
            model_version=self.card.version,
            as_of=today(),
            subjects=None if subjects is None else tuple(subjects),
        )
        with self.analyst() as analyst:
            return analyst.follow(analyst.score(asked), lambda _: None)


def logged(sites: Sites) -> list[Entry]:
    """All entries of the log, with those that no witness has seen yet."""
    uri = f"{(sites.market.folder / 'market.sqlite').resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        return [parse(data) for (data,) in database.execute('SELECT data FROM entries ORDER BY "index"')]


def agree(sites: Sites, card: Scorecard, reference: str, max_uses: int, subjects: Sequence[str] | None) -> Terms:
    with operator(sites) as desk:
        offers = {offer.product: offer for offer in desk.products()}
    grants = [
        Grant(
            provider=offers[product].provider,
            product=product,
            product_version=offers[product].version,
            fields=tuple(feature.bins.column for feature in features),
        )
        for product, features in card.sources.items()
    ]
    draft = ApplicationDraft(
        reference=reference,
        grants=tuple(sorted(grants, key=lambda grant: grant.provider)),
        operation="risk_score",
        purpose="credit_approval",
        model_reviewer=REVIEWER,
        max_uses=max_uses,
        not_before=clock() - HOUR,
        not_after=clock() + DAY,
        subject_types=("enterprise",),
    )
    with staff(sites.nodes[BANK]) as analyst:
        terms = analyst.apply(draft).terms
        for grant in grants:
            with staff(sites.nodes[grant.provider]) as clerk:
                clerk.approve(terms)
        analyst.sign(terms)
        for grant in grants:
            with staff(sites.nodes[grant.provider]) as clerk:
                clerk.sign(terms)
        analyst.present(terms.contract)
        registration = ConsentRegistration(
            batch="letters",
            kind=ConsentKind.ENTERPRISE_LETTER,
            evidence=b"\5" * 32,
            expires=terms.not_after,
            subjects=None if subjects is None else tuple(subjects),
        )
        analyst.register_consents(terms.contract, registration)
    return terms


# --- the data ----------------------------------------------------------------------------------------------------


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, table: Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def plant(folder: Path) -> Path:
    """Copy the examples, few applicants of them; mark rows of each table and every number of points."""
    shutil.copytree(EXAMPLES, folder)
    applicants = rows(folder / APPLICANTS_FILE)[:ROWS]
    applicants[17]["approved_usd"], applicants[18]["revolving"] = str(APPROVED), REVOLVING
    write_rows(folder / APPLICANTS_FILE, applicants)
    asked = {row["uscc"] for row in applicants}
    for name, column, value, count in (
        ("market_regulation.csv", "state", STATE, COHORT),
        ("social_security.csv", "employees", str(STAFFED), 1),
    ):
        table = rows(folder / name)
        for row in [row for row in table if row["uscc"] in asked][:count]:
            row[column] = value
        write_rows(folder / name, table)
    text = (folder / SCORECARD_FILE).read_text("utf-8")
    card = json.loads(text, parse_float=Decimal)
    for feature in [*card["local"], *(each for features in card["sources"].values() for each in features)]:
        _rescale(feature)
    (folder / SCORECARD_FILE).write_text(json.dumps(card, default=float), "utf-8")
    return folder


def _rescale(feature: dict[str, object]) -> None:
    for name, value in feature.items():
        if name == "points":
            assert isinstance(value, list)
            feature[name] = [each * UNIT for each in value]
        elif name.endswith("_points"):
            feature[name] = UNIT * value  # type: ignore[operator]
        elif name == "bins":
            assert isinstance(value, list)
            for group in value:
                group["points"] *= UNIT


def label_applicants(bank: NodeSite) -> None:
    """Add to the bank's own file a column of labels that no scorecard uses."""
    path = bank.folder / APPLICANTS_FILE
    table = [row | {"outcome": "paid"} for row in rows(path)]
    table[0]["outcome"] = LABEL
    write_rows(path, table)
    with bank.config.open("a", encoding="utf-8") as config:
        config.write('columns.outcome = "text"\n')


def limit_bodies(sites: Sites, size: int) -> None:
    """Let all processes take no more than `size` bytes in one request."""
    for site in (sites.market, *sites.nodes.values()):
        text = site.config.read_text("utf-8")
        site.config.write_text(re.sub(r"max_body = \d+", f"max_body = {size}", text), "utf-8")


def memory(session: int) -> dict[str, int]:
    """Give the peak resident bytes of every living process of a session: pid and command line → bytes."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) == session:
                peak = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if peak:
                    found[f"{process.name} {command}"] = 1024 * int(peak[1])
        except (OSError, ProcessLookupError):
            continue  # it has ended meanwhile
    return found
