"""Aligning a cohort with a provider's table: everything between the first message and the cohort that is stored.

Both sides run here, one after the other as they do in life, each over all the processes: the points, the messages
encoded, decoded and checked, the provider's sealed session in SQLite. Left out is the way of the messages.

The floor: the protocol has four multiplications for each pair of rows, two at each side, and needs that many
exchanges of X25519 by the same library, with the secret's and the points' objects at hand.
"""

import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from measure import timed

from audit.database import open_engine
from compute.at_rest import AtRest
from compute.canonical import decode, encode
from compute.node.provider.alignments import AlignmentStore
from compute.paillier.runner import Runner
from compute.protocols.alignment.bank import Asked, begin, give_back
from compute.protocols.alignment.messages import Align, Aligning, AlignReturn
from compute.protocols.alignment.provider import Aligner, Held, Limits
from compute.signing import Pin
from connectors.uscc import ALPHABET

BANK, PROVIDER = "bank", "provider"
ROWS, SHARED = 100_000, 50_000
PROCESSES = 2
EXCHANGES = 20_000
"""Of the floor, timed together."""
REQUIRED = 30.0
"""Wall seconds at most, of ROWS × ROWS on 2 cores."""
_MULTIPLICATIONS = 4
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "0123456789X"


def companies(count: int) -> list[str]:
    """Give so many codes, at most a million, with the check characters of GB 11714 and GB 32100."""
    codes = []
    for number in range(count):
        organisation = f"MA{number:06d}"
        total = sum(weight * int(character, 36) for weight, character in zip(_WEIGHTS, organisation, strict=True))
        body = f"91350200{organisation}{_CHECKS[-total % 11]}"
        total = sum(pow(3, place, 31) * ALPHABET.index(character) for place, character in enumerate(body))
        codes.append(body + ALPHABET[-total % 31])
    return codes


@dataclass(frozen=True)
class Sides:
    """A bank and a provider over one database."""

    engine_path: Path
    identity: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def align(self, cohort: Sequence[str], held: Sequence[str], runner: Runner) -> tuple[dict[str, float], int]:
        """Align once; give the wall seconds of each step and the number of rows matched."""
        now = time.time_ns() // 10**6
        engine, steps, start = open_engine(self.engine_path), {}, time.perf_counter()

        def step(name: str) -> None:
            nonlocal start
            steps[name] = time.perf_counter() - start
            start = time.perf_counter()

        store = AlignmentStore(engine, AtRest(secrets.token_bytes(32)))
        pins = {BANK: Pin("consumer", self.identity.public_key().public_bytes_raw())}
        limits = Limits(bank_ids=10**9)
        aligner = Aligner(
            PROVIDER, pins, Held("product", "1", held), store, lambda _statement: None, limits, lambda: now
        )
        # A contract of its own for each alignment: it may have eight.
        contract = f"contract-{secrets.token_hex(8)}"
        asked = Asked(contract, "permit", "cohort", PROVIDER, "product", "1", "contract")
        begun, first = begin(BANK, self.identity, asked, cohort, now, runner)
        sent = encode(first)
        step("bank: own points")
        reply = encode(aligner.align(decode(sent, Align), runner))
        step("provider: both lists of points, session stored")
        returned = encode(give_back(begun, decode(reply, Aligning), len(held), runner))
        step("bank: the provider's points")
        aligner.complete(decode(returned, AlignReturn), runner)
        step("provider: match, cohort stored, session erased")
        kept = store.cohort(begun.name)
        engine.dispose()
        if kept is None:
            raise AssertionError("the alignment is not complete")
        pairs = zip(begun.subjects, kept.subjects, strict=True)
        if any(theirs not in {None, own} for own, theirs in pairs):
            raise AssertionError("a place has another's row")
        return steps, sum(each is not None for each in kept.subjects)


@contextmanager
def runner_of(processes: int) -> Iterator[Runner]:
    """Give a runner over processes of its own, whose CPU time is counted once they have ended."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        yield Runner(pool, processes)


def floor(count: int) -> float:
    """Give the CPU seconds of so many exchanges, with one object for each distinct point."""
    own = X25519PrivateKey.generate()
    points = [X25519PrivateKey.generate().public_key() for _ in range(count)]

    def exchange() -> None:
        for point in points:
            own.exchange(point)

    return timed(exchange).cpu


def measure(rows: int = ROWS, shared: int = SHARED, repeats: int = 3) -> dict[str, Any]:
    """Give wall and CPU seconds of rows × rows with so many shared, beside the floor, in turn; medians."""
    codes = companies(2 * rows - shared)
    cohort, held = codes[:rows], codes[rows - shared :]
    rounds: list[dict[str, float]] = []
    parts: list[dict[str, float]] = []
    floors: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        sides = Sides(Path(folder) / "node.sqlite")

        def once() -> None:
            with runner_of(PROCESSES) as runner:
                steps, matched = sides.align(cohort, held, runner)
            if matched != shared:
                raise AssertionError(f"{matched} rows matched, {shared} are shared")
            parts.append(steps)

        for _ in range(repeats):
            floors.append(floor(EXCHANGES) * _MULTIPLICATIONS * rows / EXCHANGES)
            taken = timed(once)
            rounds.append({"wall": taken.wall, "cpu": taken.cpu})
    cpu, least = median(each["cpu"] for each in rounds), median(floors)
    return {
        "rows": rows,
        "shared": shared,
        "processes": PROCESSES,
        "wall_seconds": median(each["wall"] for each in rounds),
        "cpu_seconds": cpu,
        "floor_cpu_seconds": least,
        "over_floor": cpu / least,
        "at_most": REQUIRED if (rows, PROCESSES) == (ROWS, 2) else None,
        "steps": {name: median(each[name] for each in parts) for name in parts[0]},
    }


if __name__ == "__main__":
    import report

    report.show_alignment(measure())
