"""Finding among 100,000 products, over HTTPS, with facets, on SQLite and PostgreSQL: percentiles by class.

What matches a demand is found in the same way, then compared field by field; it is measured beside the queries.

The server is `veilmart marketplace serve` with two workers; it and the reader share the machine. Queries of all
classes take turns, each with words that differ from the last time's, so no database answers from what it has just
read. What the server answers with 304 is not measured. ``python benchmarks/search.py [PRODUCTS]``.
"""

import json
import os
import ssl
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measure import resident

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))  # its market, its server process, its PostgreSQL

import postgres  # noqa: E402
from entry import admit_over  # noqa: E402
from market import KEYS  # noqa: E402
from marketplace_api.process import Server, free_port, prepare, start  # noqa: E402
from products import products, providers, registration  # noqa: E402
from sqlalchemy import Connection, insert, select  # noqa: E402

from audit.database import open_engine  # noqa: E402
from catalog.product import Product  # noqa: E402
from catalog.search.builder import Builder  # noqa: E402
from catalog.search.described import terms_of  # noqa: E402
from compute.market.demands import DemandRequest, WantedField  # noqa: E402
from compute.records import PartyKind, PartyRecord  # noqa: E402
from compute.signing import sign  # noqa: E402
from marketplace.flow.product import Listing  # noqa: E402
from marketplace.flow.states import ProductState  # noqa: E402
from marketplace.store import product_reindex, tables  # noqa: E402
from marketplace.store.organisation_tables import organisations  # noqa: E402
from marketplace.store.product_reindex import Prepared  # noqa: E402
from marketplace.store.product_search import row_of  # noqa: E402

PRODUCTS, ROUNDS = 100_000, 60
MAX_MS = 100.0
"""Required of the 95th percentile of each class."""

Query = dict[str, Any]

PLACES = ("海口", "三亚", "琼海", "文昌", "万宁", "儋州", "临高", "澄迈")
SUBJECTS = ("社会保险", "纳税信用", "酒店入住", "报关", "用电量", "专利", "免税", "行政处罚")
ENGLISH = ("hotel", "tax credit", "customs decl", "employment rec", "court judg", "duty-free", "electr", "paten")
THEMES = ("tourism", "industry", "population", "social_credit", "legal_entity")
WANTED = (("参保人数",), ("上年开票金额", "tax paid last year", "用电量", "信用等级"))
"""What demands want."""
LONG = (
    "来源于已登记的公共数据资源 数据可用不可见 不提供原始数据 企业的统一社会信用代码 "
    "comes from a registered public data reso"
)


def classes(count: int) -> dict[str, Callable[[int], Query]]:
    """Give the classes of queries, each as a function of the round."""
    return {
        "no words": lambda _: {},
        "no words, a hundred by price": lambda _: {"sort": "price", "limit": 100},
        "a word that all have": lambda at: {"text": ("数据", "data", "企业", "数", "the", "公共数据资源")[at % 6]},
        "a word that all have, by title": lambda at: {"text": ("数据", "data")[at % 2], "sort": "title"},
        "one letter": lambda at: {"text": "abcdefghijklmnop"[at % 16]},
        "a subject": lambda at: {"text": SUBJECTS[at % 8]},
        "a place and a subject": lambda at: {"text": f"{PLACES[at % 8]} {SUBJECTS[at // 3 % 8]}"},
        "English words, the last unfinished": lambda at: {"text": ENGLISH[at % 8]},
        "a number that one has": lambda at: {"text": registration(at * 7919 % count)},
        "what none has": lambda at: {"text": f"渔船{at}"},
        "three facets": lambda at: {
            "theme": [THEMES[at % 5], THEMES[at // 5 % 5]], "price": "free", "grade": "general_2"
        },
        "a subject and three facets": lambda at: {
            "text": SUBJECTS[at % 8], "kind": ["dataset", "api"], "refresh": ["daily", "monthly"],
            "delivery": "encrypted",
        },
        "sentences that all have": lambda at: {"text": LONG[at % 5 :]},
    }  # fmt: skip


def prepared(count: int) -> tuple[Prepared, list[dict[str, Any]]]:
    """Give the index of so many products, and their rows."""
    made, builder, rows = Prepared(), Builder(), []
    for number, product in enumerate(products(count), 1):
        listing = Listing(product, "", ProductState.LISTED)
        key = dict(zip(("provider", "id", "version"), listing.key, strict=True))
        rows.append(key | {"state": "listed", "digest": listing.digest, "description": described(product)})
        made.documents.append(row_of(listing, number, 1))
        made.read[listing.key] = ProductState.LISTED
        made.postings.extend(builder.add(number, terms_of(product)))
    made.postings.extend(builder.finished())
    product_reindex.finish(made)
    return made, rows


def described(product: Product) -> str:
    """Give of a product's description what a demand is compared with."""
    lines = [
        f'id = "{product.id}"',
        f'provider = "{product.provider}"',
        f'version = "{product.version}"',
        f'kind = "{product.kind}"',
        f'grade = "{product.grade}"',
        f"delivery = {[str(each) for each in product.delivery]}",
        f'title = {{ zh = "{product.title.zh}", en = "{product.title.en}" }}',
    ]
    for field in product.fields:
        lines += ["[[fields]]", f'name = "{field.name}"', f'type = "{field.type}"', f'grade = "{field.grade}"']
        lines.append(f'meaning = {{ zh = "{field.meaning.zh}", en = "{field.meaning.en}" }}')
    return "\n".join(lines)


def enrol(server: Server) -> Ed25519PrivateKey:
    """Admit and enrol the first department, and give its key."""
    name, key = providers()[0], Ed25519PrivateKey.generate()
    record = PartyRecord(
        name=name,
        kind=PartyKind.PROVIDER,
        public_key=key.public_key().public_bytes_raw(),
        base_url=f"https://{name}.example",
    )
    with server.client("operator") as operator:
        admit_over(server.url, server.folder / "ca.pem", operator, name, record.kind)
        operator.enrol(sign(record, name, key), sign(record, "operator", KEYS["operator"]))
    return key


def spread(connection: Connection) -> None:
    """Have all departments stand where the first one does: so many applications at once are refused."""
    first, *others = providers()
    for table in (organisations, tables.parties):
        row = dict(connection.execute(select(table).where(table.c.name == first)).one()._mapping)  # noqa: SLF001
        own = [{"name": name} | ({"public_key": name.encode()} if "public_key" in row else {}) for name in others]
        connection.execute(insert(table), [row | changes for changes in own])


def fill(connection: Connection, made: Prepared, rows: Sequence[dict[str, Any]]) -> None:
    """Store the products as if they had been listed."""
    spread(connection)
    for at in range(0, len(rows), 2000):
        connection.execute(insert(tables.products), rows[at : at + 2000])
    product_reindex.write(connection, made)


@contextmanager
def served(
    folder: Path, store: str, made: tuple[Prepared, list[dict[str, Any]]]
) -> Iterator[tuple[Server, Ed25519PrivateKey, float]]:
    """A server over these products, the key of a department, and the seconds that it took to write them."""
    port = free_port()
    config = prepare(folder, port, database=store)
    if "://" in store:
        config.write_text(config.read_text("utf-8").replace("\ndatabase = ", "\npostgresql = "), "utf-8")
    empty = start(folder, port)  # makes the tables
    try:
        key = enrol(empty)
    finally:
        empty.stop()
    engine = open_engine(store)
    begun = time.perf_counter()
    with engine.begin() as connection:
        fill(connection, *made)
    wrote = time.perf_counter() - begun
    if engine.dialect.name == "postgresql":  # what its autovacuum does soon after, and at a time of its own
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()
    server = start(folder, port)
    try:
        yield server, key, wrote
    finally:
        server.stop()


def ask(server: Server, count: int, rounds: int) -> dict[str, list[float]]:
    """Give the seconds of each query, by class; the first round of each is not counted."""
    took: dict[str, list[float]] = {name: [] for name in classes(count)}
    trust = ssl.create_default_context(cafile=str(server.folder / "ca.pem"))
    with httpx.Client(base_url=server.url, verify=trust, trust_env=False, timeout=60) as client:
        for at in range(-2, rounds):  # both workers have answered something by then
            for name, query in classes(count).items():
                begun = time.perf_counter()
                answer = client.get("/products", params=query(at % 1000))
                seconds = time.perf_counter() - begun
                answer.raise_for_status()
                if at >= 0:
                    took[name].append(seconds)
    return took


def ask_matches(server: Server, key: Ed25519PrivateKey, rounds: int) -> dict[str, list[float]]:
    """Give the seconds to find what matches a demand, by how many fields it wants."""
    took: dict[str, list[float]] = {}
    with server.client(providers()[0], key) as department:
        for wanted in WANTED:
            demand = department.demands.write(_demand(wanted)).demand
            seconds = []
            for at in range(-2, rounds):
                begun = time.perf_counter()
                found = department.demands.matches(demand)
                if at >= 0:
                    seconds.append(time.perf_counter() - begun)
            if not found.items:
                raise AssertionError(f"nothing matches a demand for {', '.join(wanted)}")
            took[f"what matches a demand for {len(wanted)} fields"] = seconds
    return took


def _demand(words: Sequence[str]) -> DemandRequest:
    return DemandRequest(
        title="数据需求",
        description="贷款审批所需的企业数据",
        fields=tuple(WantedField(each) for each in words),
        purpose="credit_approval",
        until=f"{date.today() + timedelta(days=30)}",  # noqa: DTZ011 -- a day ahead anywhere
    )


def measure(count: int = PRODUCTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Everything, in milliseconds, MiB and seconds, by database."""
    begun = time.perf_counter()
    made = prepared(count)
    figures: dict[str, Any] = {
        "products": count,
        "postings": len(made[0].postings),
        "terms_seconds": time.perf_counter() - begun,
        "at_most_ms": MAX_MS,
        "databases": {},
    }
    with TemporaryDirectory() as name:
        folder = Path(name)
        with served(folder, str(folder / "market.db"), made) as (server, key, wrote):
            figures["databases"]["SQLite"] = _asked(server, key, count, rounds, wrote)
            figures["databases"]["SQLite"]["file_mib"] = (folder / "market.db").stat().st_size / 2**20
    with (
        TemporaryDirectory() as name,
        postgres.server() as url,
        postgres.database(url) as store,
        served(Path(name), store, made) as (server, key, wrote),
    ):
        figures["databases"]["PostgreSQL"] = _asked(server, key, count, rounds, wrote)
    return figures


def _asked(server: Server, key: Ed25519PrivateKey, count: int, rounds: int, wrote: float) -> dict[str, Any]:
    took, matches = ask(server, count, rounds), ask_matches(server, key, rounds)
    return {
        "written_seconds": wrote,
        "worker_mib": max(map(resident, server.workers)) / 2**20,
        "load": os.getloadavg()[0],
        "ms": {name: _percentiles(seconds) for name, seconds in took.items()},
        "matches_ms": {name: _percentiles(seconds) for name, seconds in matches.items()},
    }


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=20)
    return {"p50": 1000 * statistics.median(seconds), "p95": 1000 * cuts[-1], "max": 1000 * max(seconds)}


def main() -> None:
    """Print the figures."""
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PRODUCTS), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
