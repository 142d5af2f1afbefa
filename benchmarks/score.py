"""Scoring: tables of 20 features × 6 bins, encrypted, looked up for every row, masked, blinded, decrypted.

Everything is included on both sides. *Warm*: the provider has the key's blinding pool already. *From nothing*: it
has not. The kernel's time is that of its tasks, against the products that its plan needs (``floor.py``).
"""

import secrets
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from floor import Beside, of_block
from measure import Timed, in_turn, peak_memory, timed
from numpy.typing import NDArray
from peers import Peer, peers

from compute.paillier.blinding import blind, conceal, own_residue, top_mask
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.pool import Pool
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner

FEATURES, BINS, BOUND, PARTIES = 20, 6, 1000, 2
"""Points lie in ±BOUND; answers of so many providers are multiplied."""
PEERS = ("phe", "HEU ZPaillier", "HEU OU")
Codes = NDArray[np.int8]


class Scoring:
    """One key, one model, the codes of so many companies."""

    def __init__(self, bits: int, rows: int) -> None:
        self.bits, self.rows = bits, rows
        self.key = PrivateKey.generate(bits)
        self.pool = Pool.make(self.key.public)
        generator = np.random.default_rng(secrets.randbits(64))
        self.points = generator.integers(-BOUND, BOUND + 1, (FEATURES, BINS))
        self.codes: Codes = generator.integers(0, BINS, (rows, FEATURES), dtype=np.int8)
        self.expected = self.points[np.arange(FEATURES), self.codes].sum(axis=1)
        self.layout = SlotLayout.for_bound(2 * BOUND * FEATURES, BOUND * FEATURES, bits, PARTIES)

    def columns(self, rows: int) -> list[bytes]:
        """Give the first rows' codes as a provider has them."""
        return [self.codes[:rows, feature].tobytes() for feature in range(FEATURES)]

    def tables(self) -> list[list[int]]:
        """Encrypt the model."""
        flat = self.key.encrypt_many([int(points) + BOUND for points in self.points.ravel()])
        return [list(flat[start : start + BINS]) for start in range(0, len(flat), BINS)]

    def score(self, rows: int, runner: Runner = HERE, *, warm: bool) -> None:
        """Do all of it; raise AssertionError unless every score is right."""
        public, layout = self.key.public, self.layout
        own = own_residue(public, secrets.token_bytes(32))
        tables = [conceal(public, table, own) for table in self.tables()]
        sums = lookup_sum(public, tables, self.columns(rows), layout, runner)
        masked = top_mask(public, sums, layout, PARTIES, rows)
        answers = blind(public, masked, runner, self.pool if warm else None)
        plaintexts = self.key.decrypt_many(answers, runner)
        scores = [score for plaintext in plaintexts for score in layout.unpack(int(plaintext), layout.slots)]
        _check(scores[:rows], self.expected[:rows])

    def kernel_over_floor(self, rows: int) -> dict[str, float]:
        """Give the kernel's CPU seconds inside of its tasks, and the floors' (``floor.py``)."""
        beside = Beside(int(self.key.public.n), of_block)
        lookup_sum(self.key.public, self.tables(), self.columns(rows), self.layout, beside.runner)
        return beside.figures


def _check(found: Sequence[int], expected: NDArray[np.int64]) -> None:
    if list(found) != expected.tolist():
        raise AssertionError("a score is wrong")


def measure(bits: int, rows: int, peer_rows: int, repeats: int) -> dict[str, Any]:
    """Time one job of so many rows against the peers on ``peer_rows`` of them, in turn, in one process."""
    scoring, others = Scoring(bits, rows), peers(bits)
    flat = [int(points) for points in scoring.points.ravel()]
    tables = {peer.name: peer.encrypt(flat) for peer in others}

    def peer_scores(peer: Peer) -> None:
        _check(peer.score(tables[peer.name], scoring.codes[:peer_rows]), scoring.expected[:peer_rows])

    medians = in_turn(
        {
            "warm": lambda: scoring.score(rows, warm=True),
            "from nothing": lambda: scoring.score(rows, warm=False),
            **{peer.name: (lambda peer=peer: peer_scores(peer)) for peer in others},  # type: ignore[misc]
        },
        repeats,
    )
    encryption = {peer.name: timed(lambda peer=peer: peer.encrypt(flat)).cpu for peer in others}  # type: ignore[misc]
    each = {name: 1e3 * medians[name].cpu / rows for name in ("warm", "from nothing")}
    each |= {
        peer.name: 1e3 * (medians[peer.name].cpu / peer_rows + encryption[peer.name] / rows) for peer in others
    }
    return {
        "work": "scoring",
        "bits": bits,
        "rows": rows,
        "peer_rows": peer_rows,
        "cpu_ms_per_row": each,
        "wall_seconds": {name: medians[name].wall for name in ("warm", "from nothing")},
        "times": {
            state: {peer.name: each[peer.name] / each[state] for peer in others}
            for state in ("warm", "from nothing")
        },
        **scoring.kernel_over_floor(rows),
    }


def measure_many(bits: int, rows: int, processes: int) -> dict[str, Any]:
    """Time one job of very many rows from nothing, on so many processes, with the memory of all together."""
    scoring = Scoring(bits, rows)

    def work() -> None:
        with ProcessPoolExecutor(processes, get_context("spawn")) as executor:
            scoring.score(rows, Runner(executor, processes), warm=False)

    with peak_memory() as peak:
        took: Timed = timed(work)
    return {
        "work": "scoring",
        "bits": bits,
        "rows": rows,
        "processes": processes,
        "cpu_ms_per_row": 1e3 * took.cpu / rows,
        "cpu_seconds": took.cpu,
        "wall_seconds": took.wall,
        "peak_mib": peak.bytes / 2**20,
        **scoring.kernel_over_floor(min(rows, 200_000)),
    }
