"""Fifty users at once, over all that they do, for a minute: percentiles by endpoint, and every error.

The server is `veilmart marketplace serve` with two workers under gunicorn, over PostgreSQL; it, the database and
the users share the machine. A user is a thread with a connection of its own, which signs each request and proves
each answer. Users are people: between an answer and the next request they pause, a second on average. Then all ask
again without a pause, fifty requests always under way, which is what the machine can do. Which act comes next is
drawn from `ACTS` by weight; to approve or to sign takes two requests, which count as one. Applications that some
submit are approved and signed by others, who find them in a queue. ``python benchmarks/users.py [SECONDS]``.
"""

import json
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))  # its market, its server process, its PostgreSQL

import postgres  # noqa: E402
from market import BANK, KEYS, LABOUR, SUPERVISOR, TAX  # noqa: E402
from marketplace_api import process  # noqa: E402
from marketplace_api.process import Server, free_port, prepare, start  # noqa: E402

from compute.client.marketplace import MarketplaceClient  # noqa: E402
from compute.permit import permit_name  # noqa: E402
from compute.signing import digest, sign  # noqa: E402
from compute.web.errors import WebError  # noqa: E402

USERS, GENERATORS = 50, 2
"""Users, and the processes that they share."""
SECONDS = 60.0
PAUSE = 1.0
"""Seconds between an answer and the same user's next request, on average; exponentially distributed."""
MAX_MS = 300.0
"""Required of the 95th percentile of all requests of users who pause."""
CONTRACTS = 20
"""In force when the clock starts."""
WORDS = ("企业", "社会保险", "registration", "employees", "信用", "nothing has this word")
_PROCESSES = multiprocessing.get_context("fork")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Desk:
    """What the users of one process know, and what they leave for each other."""

    contracts: list[str]
    """In force."""
    submitted: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    """Provider → contracts that it has not approved yet."""
    drafted: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    """Party → contracts that it has not signed yet."""
    approved: Counter[str] = field(default_factory=Counter)

    def any(self, draw: random.Random) -> str:
        """A contract in force."""
        return draw.choice(self.contracts)


@dataclass(frozen=True)
class User:
    """Who acts: a party's client, and where the others' work lies."""

    party: str
    market: MarketplaceClient
    desk: Desk
    draw: random.Random


@dataclass(frozen=True)
class Act:
    """A request: how often it comes among all of its party's, and by which parties."""

    endpoint: str
    weight: int
    run: Callable[[User], object]
    """Raises `WebError` if it is refused, `LookupError` if there is nothing to do: it then counts as none."""
    parties: tuple[str, ...] = (BANK, TAX, LABOUR)


def search(user: User) -> None:
    """Look for products by a word."""
    user.market.catalog.search(user.draw.choice(WORDS))


def browse(user: User) -> None:
    """Look at the catalog by facets."""
    user.market.catalog.search(sort="newest", provider=[user.draw.choice((TAX, LABOUR))])


def product(user: User) -> None:
    """Look at a product."""
    user.market.product(TAX, "market-registration", "1.0.0")


def permit(user: User) -> None:
    """Read a permit."""
    user.market.permit(user.desk.any(user.draw), TAX if user.party == BANK else user.party)


def status(user: User) -> None:
    """Ask whether a permit stands, as a provider does before each use."""
    user.market.permit_status(permit_name(user.desk.any(user.draw), user.party), user.draw.randbytes(32))


def apply(user: User) -> None:
    """Submit an application, for others to approve."""
    reference = f"users-{user.draw.getrandbits(64):x}"
    asked = process.current_terms(reference)
    user.market.apply(reference, asked)
    for provider in (TAX, LABOUR):
        user.desk.submitted[provider].append(asked.contract)


def approve(user: User) -> None:
    """Approve the oldest application that waits; the last approval drafts the contract."""
    contract = user.desk.submitted[user.party].popleft()
    user.market.approve(contract, digest(user.market.application(contract).terms).hex())
    user.desk.approved[contract] += 1
    if user.desk.approved[contract] == len((TAX, LABOUR)):
        for party in (BANK, TAX, LABOUR):
            user.desk.drafted[party].append(contract)


def sign_contract(user: User) -> None:
    """Sign the oldest contract that waits; the last signature issues permits."""
    contract = user.desk.drafted[user.party].popleft()
    user.market.sign(sign(user.market.contract(contract).terms, user.party, KEYS[user.party]))


def register(user: User) -> None:
    """Register a batch of consents."""
    name = f"batch-{user.draw.getrandbits(64):x}"
    user.market.register_consents(process.batch(user.desk.any(user.draw), name))


ACTS: tuple[Act, ...] = (
    Act("GET /products?text", 20, search),
    Act("GET /products?facets", 10, browse),
    Act("GET /products/…", 10, product),
    Act("GET /applications", 2, lambda user: user.market.applications()),
    Act("GET /applications/…", 8, lambda user: user.market.application(user.desk.any(user.draw))),
    Act("GET /contracts/…", 10, lambda user: user.market.contract(user.desk.any(user.draw))),
    Act("GET /contracts/…/permits/…", 5, permit),
    Act("GET /permits/…/status", 8, status, (TAX, LABOUR)),
    Act("GET /consents/…", 5, lambda user: user.market.consents(user.desk.any(user.draw), batches=1)),
    Act("GET /audit/trace/…", 3, lambda user: user.market.trace(user.desk.any(user.draw))),
    Act("GET /parties", 3, lambda user: user.market.directory()),
    Act("GET /cases", 10, lambda user: user.market.cases(), (SUPERVISOR,)),
    Act("POST /applications", 5, apply, (BANK,)),
    Act("POST /applications/…/approve", 7, approve, (TAX, LABOUR)),
    Act("POST /contracts/sign", 7, sign_contract),
    Act("POST /consents/register", 5, register, (BANK,)),
)
"""What users do. Give what is new a line here."""
PARTIES = (BANK, TAX, BANK, LABOUR, BANK, TAX, BANK, LABOUR, BANK, SUPERVISOR)
"""Of every ten users, for whom each acts."""


@contextmanager
def served() -> Iterator[tuple[Server, list[str]]]:
    """A market over PostgreSQL that serves, and its contracts in force."""
    with postgres.server() as url, postgres.database(url) as store, TemporaryDirectory() as name:
        port = free_port()
        config = prepare(Path(name), port, database=store)
        config.write_text(config.read_text("utf-8").replace("\ndatabase = ", "\npostgresql = "), "utf-8")
        server = start(Path(name), port)
        try:
            process.enrol(server)
            process.publish(server)
            contracts = [process.active(server, f"before-{number}") for number in range(CONTRACTS)]
            with server.client(BANK) as bank:
                for contract in contracts:
                    bank.register_consents(process.batch(contract, "batch-0"))
            yield server, contracts
        finally:
            server.stop()


def crowd(server: Server, contracts: list[str], seconds: float, pause: float) -> dict[str, Any]:
    """All users for so many seconds; milliseconds by endpoint, errors, and what the server needed for it."""
    ready, queue = _PROCESSES.Barrier(GENERATORS + 1), _PROCESSES.SimpleQueue()
    generators = [
        _PROCESSES.Process(target=_generate, args=(server, contracts, number, seconds, pause, ready, queue))
        for number in range(GENERATORS)
    ]
    for each in generators:
        each.start()
    ready.wait()
    cpu, begun = _cpu(server), time.perf_counter()
    answers = [queue.get() for _ in generators]
    wall, cpu = time.perf_counter() - begun, _cpu(server) - cpu
    for each in generators:
        each.join()
    took: dict[str, list[float]] = defaultdict(list)
    errors: Counter[str] = Counter()
    for found, failed in answers:
        errors.update(failed)
        for endpoint, times in found.items():
            took[endpoint] += times
    everything = [each for times in took.values() for each in times]
    return {
        "users": USERS,
        "seconds": seconds,
        "pause": pause,
        "requests_per_second": len(everything) / wall,
        "server_cpu_ms_per_request": 1000 * cpu / len(everything),
        "errors": dict(errors),
        "all": _percentiles(everything),
        "endpoints": {act.endpoint: _percentiles(took[act.endpoint]) for act in ACTS if took[act.endpoint]},
        "load": os.getloadavg()[0],
    }


def _generate(
    server: Server, contracts: list[str], number: int, seconds: float, pause: float, ready: Barrier, queue: Any
) -> None:
    took: dict[str, list[float]] = defaultdict(list)
    errors: Counter[str] = Counter()
    desk = Desk(list(contracts))
    with ExitStack() as stack:
        users = [
            User(party, stack.enter_context(server.client(party)), desk, random.Random(f"{place} {pause}"))  # noqa: S311 -- a mix
            for place in range(number * USERS // GENERATORS, (number + 1) * USERS // GENERATORS)
            for party in [PARTIES[place % len(PARTIES)]]
        ]
        for user in users:
            user.market.catalog.search()  # the handshake
        ready.wait()
        until = time.monotonic() + seconds
        threads = [Thread(target=_live, args=(user, until, pause, took, errors)) for user in users]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    queue.put((dict(took), errors))


def _live(user: User, until: float, pause: float, took: Mapping[str, list[float]], errors: Counter[str]) -> None:
    own = [act for act in ACTS if user.party in act.parties]
    weights = [act.weight for act in own]
    if pause:
        time.sleep(user.draw.uniform(0, pause))  # people do not begin in step
    while time.monotonic() < until:
        (act,) = user.draw.choices(own, weights)
        begun = time.perf_counter()
        try:
            act.run(user)
        except LookupError:
            continue
        except WebError as error:
            errors[f"{act.endpoint}: {error}"] += 1
        took[act.endpoint].append(time.perf_counter() - begun)
        if pause:
            time.sleep(user.draw.expovariate(1 / pause))


def _percentiles(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=20) if len(seconds) > 1 else [seconds[0]]
    return {
        "requests": len(seconds),
        "p50": 1000 * statistics.median(seconds),
        "p95": 1000 * cuts[-1],
        "max": 1000 * max(seconds),
    }


def _cpu(server: Server) -> float:
    """CPU seconds of the server's processes so far; the database's are its own."""
    total = 0
    for number in (server.process.pid, *server.workers):
        fields = Path(f"/proc/{number}/stat").read_text("ascii").rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICK


def measure(seconds: float = SECONDS) -> dict[str, Any]:
    """Both crowds, on one market: people first."""
    with served() as (server, contracts):
        return {
            "at_most_ms": MAX_MS,
            "with pauses": crowd(server, contracts, seconds, PAUSE),
            "without pauses": crowd(server, contracts, seconds, 0),
        }


def main() -> None:
    """Print the figures; exit with 1 if anybody got an error, or people waited too long."""
    figures = measure(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    people, crowded = figures["with pauses"], figures["without pauses"]
    if people["errors"] or crowded["errors"] or people["all"]["p95"] >= MAX_MS:
        sys.exit(1)


if __name__ == "__main__":
    main()
