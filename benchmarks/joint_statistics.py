"""Joint statistics: WOE and IV of 20 columns of a provider's over a bank's good and bad companies, beside peers.

In turn, in one process. Ours is all of a job, the provider's stores and ledgers included; the proof of the labels,
paid once for each vector, is measured apart. A peer encrypts the labels, sums them by column and bin, adds the
noise under encryption, decrypts, computes WOE and IV; it checks, withholds and keeps nothing. Each does it twice:
good and bad encrypted apart, as one would write it; and both counts in one number, the best that can be done with
it. Of phe, which takes minutes, some rows are timed: encryption and sums cost the same for each row.

Then very many rows on all processes, the proof included, and the cost of a row against their number.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np
from measure import Timed, in_turn, timed
from peers import Peer, peers
from statistics_case import BINS, COLUMNS, FEATURES, MILLIEPSILON, PROOF, Case, Numbers, open_case, weigh_counts

from compute.disclosure.noise import bound, laplace, scale, sensitivity
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner

BITS = 2048
ROWS = 10_000
CURVE = (10_000, 20_000, 50_000, 100_000)
WARM_ROWS = 1000
REPEATS = 3
PROCESSES = 2
TIMED_ROWS = {"phe": 200}
"""Of a peer that is timed on fewer."""
APART, TOGETHER = "good and bad apart", "both in one number"
REQUIRED = {"phe": 40.0, "HEU ZPaillier": 2.2}
"""What each ratio has to reach at 2048 bits, whichever way the peer keeps its labels."""
MOST_SECONDS = 240.0
"""Of the longest of the curve, everything included, on 2 processes."""
_SHIFT = 32
"""Bits of a count where a peer keeps both in one number: numpy's integers, as HEU takes them, have 64."""


@dataclass
class PeerJob:
    """What a peer does, in two parts: the first takes as long for each row, the second for each cell."""

    peer: Peer
    case: Case
    rows: int
    together: bool
    _cells: list[Any] = field(default_factory=list)

    def sum_rows(self) -> None:
        """Encrypt the labels, and sum them by column and bin."""
        good, bad = (self.case.classes[: self.rows] == each for each in (1, 2))
        apart = [good.astype(np.int64), bad.astype(np.int64)]
        columns = [apart[0] + (apart[1] << _SHIFT)] if self.together else apart
        codes = self.case.codes[: self.rows]
        self._cells = [self.peer.histogram(values.tolist(), codes, BINS) for values in columns]

    def tell_cells(self) -> None:
        """Add noise, which is encrypted and so hides how a cell was made; decrypt; compute WOE and IV."""
        b = scale(sensitivity(FEATURES), MILLIEPSILON)
        t = bound(b, FEATURES * BINS * 2)
        noise = laplace(b, (2, FEATURES * BINS), t) + t
        columns = [noise[0] + (noise[1] << _SHIFT)] if self.together else [*noise]
        told = [
            self.peer.decrypt(self.peer.raised(cells, added.tolist()))
            for cells, added in zip(self._cells, columns, strict=True)
        ]
        if self.together:
            told = [[cell & (1 << _SHIFT) - 1 for cell in told[0]], [cell >> _SHIFT for cell in told[0]]]
        counts: Numbers = np.array(told).reshape(2, FEATURES, BINS).transpose(1, 2, 0) - t
        expected = self.case.expected(self.rows)
        if np.abs(counts - expected).max() > t:
            raise AssertionError(f"a count of {self.peer.name} is wrong by more than the noise")
        # Of few rows noise leaves nothing to weigh: the rows that were not timed are added in the clear.
        weigh_counts(counts + self.case.expected(self.case.rows) - expected)


def measure(bits: int, rows: int, repeats: int) -> dict[str, Any]:
    """Time one job of so many rows against the peers, in turn, in one process; medians of CPU seconds."""
    others = peers(bits)
    with open_case(PrivateKey.generate(bits), rows) as case:
        parts: list[dict[str, float]] = []
        jobs = {
            (peer.name, label): PeerJob(peer, case, min(rows, TIMED_ROWS.get(peer.name, rows)), label == TOGETHER)
            for peer in others
            for label in (APART, TOGETHER)
        }
        sides: dict[str, Any] = {"veilmart": lambda: parts.append(case.job(proven=False))}
        for (name, label), job in jobs.items():
            sides |= {f"{name} {label} rows": job.sum_rows, f"{name} {label} cells": job.tell_cells}
        medians = in_turn(sides, repeats)
    seconds = {
        label: {
            name: medians[f"{name} {label} rows"].cpu * rows / job.rows + medians[f"{name} {label} cells"].cpu
            for (name, of), job in jobs.items()
            if of == label
        }
        for label in (APART, TOGETHER)
    }
    ours = medians["veilmart"].cpu
    return {
        "work": "joint statistics",
        "bits": bits,
        "rows": rows,
        "columns": len(COLUMNS),
        "timed_rows": {name: job.rows for (name, _), job in jobs.items()},
        "cpu_seconds": ours,
        "parts": {name: float(np.median([each[name] for each in parts[1:]])) for name in parts[0]},
        "peers_cpu_seconds": seconds,
        "required": REQUIRED if bits == BITS else {},
        "times": {label: {name: each / ours for name, each in found.items()} for label, found in seconds.items()},
    }


def measure_many(bits: int, rows: int, processes: int) -> dict[str, Any]:
    """Time one job of so many rows on so many processes, the proof of its labels and its verification included."""
    with open_case(PrivateKey.generate(bits), rows) as case:
        case.enrol()

        def work() -> None:
            with ProcessPoolExecutor(processes, get_context("spawn")) as executor:
                case.job(Runner(executor, processes), proven=True)

        took: Timed = timed(work)
    return {
        "bits": bits,
        "rows": rows,
        "processes": processes,
        "wall_seconds": took.wall,
        "cpu_seconds": took.cpu,
        "at_most": MOST_SECONDS if (rows, processes) == (CURVE[-1], 2) else None,
    }


def measure_curve(bits: int, counts: Sequence[int]) -> list[dict[str, Any]]:
    """Give the CPU milliseconds of a row by the number of rows, in one process, those of the proof apart."""
    key, records = PrivateKey.generate(bits), []
    with open_case(key, WARM_ROWS) as case:  # the key's tables are made, the noise's library loaded
        case.job(HERE, proven=False)
    for rows in counts:
        with open_case(key, rows) as case:
            case.enrol()
            parts = case.job(HERE, proven=True)
        proof = sum(parts[name] for name in PROOF)
        each = {"statistics": sum(parts.values()) - proof, "proof": proof}
        records.append(
            {
                "rows": rows,
                "cpu_ms_per_row": {name: 1000 * taken / rows for name, taken in each.items()},
                "parts": parts,
            }
        )
    return records


def measure_all() -> dict[str, Any]:
    """Give everything of joint statistics."""
    return {
        "many": measure_many(BITS, CURVE[-1], PROCESSES),
        "compared": measure(BITS, ROWS, REPEATS),
        "curve": measure_curve(BITS, CURVE),
    }


if __name__ == "__main__":
    import report

    report.show_joint_statistics(measure_all())
