"""Histograms of encrypted labels: 20 features × 10 bins, the labels' encryption by the bank included."""

import secrets
from typing import Any

import numpy as np
from floor import Beside, of_part
from measure import in_turn
from peers import Peer, peers

from compute.paillier.histogram import group_sum
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE, Runner

FEATURES, BINS = 20, 10


def measure(bits: int, rows: int, peer_rows: int, repeats: int) -> dict[str, Any]:
    """Time one job of so many labels against the peers on ``peer_rows`` of them, in turn, in one process."""
    key, others = PrivateKey.generate(bits), peers(bits)
    generator = np.random.default_rng(secrets.randbits(64))
    labels = generator.integers(0, 2, rows)
    codes = generator.integers(0, BINS, (rows, FEATURES), dtype=np.int8)
    columns = [codes[:, feature].tobytes() for feature in range(FEATURES)]

    def expected(count: int) -> list[int]:
        cells = [np.bincount(codes[:count, j], labels[:count], BINS) for j in range(FEATURES)]
        return [int(cell) for cell in np.concatenate(cells)]

    def ours(runner: Runner = HERE) -> list[int]:
        values = key.encrypt_many(labels.tolist(), runner)
        return [
            cell for cells in group_sum(key.public, values, columns, [BINS] * FEATURES, runner) for cell in cells
        ]

    def theirs(peer: Peer) -> Any:
        return peer.histogram(labels[:peer_rows].tolist(), codes[:peer_rows], BINS)

    right = key.decrypt_many(ours()) == expected(rows)
    if not right or any(peer.decrypt(theirs(peer)) != expected(peer_rows) for peer in others):
        raise AssertionError("a cell is wrong")
    sides = {"veilmart": ours, **{peer.name: (lambda peer=peer: theirs(peer)) for peer in others}}
    medians = in_turn(sides, repeats)
    each = {name: 1e3 * took.cpu / (rows if name == "veilmart" else peer_rows) for name, took in medians.items()}
    values, beside = key.encrypt_many(labels.tolist()), Beside(int(key.public.n), of_part)
    group_sum(key.public, values, columns, [BINS] * FEATURES, beside.runner)
    return {
        "work": "histogram",
        "bits": bits,
        "rows": rows,
        "peer_rows": peer_rows,
        "cpu_ms_per_row": each,
        "wall_seconds": medians["veilmart"].wall,
        "times": {peer.name: each[peer.name] / each["veilmart"] for peer in others},
        **beside.figures,
    }
