"""A lookup_sum that keeps its parts, as a process of its own: FOLDER PROCESSES."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import engine
from conftest import P, Q

from compute.node.computing import open_runner
from compute.node.settings import Computing
from compute.paillier import lookup
from compute.paillier.packing import SlotLayout
from compute.paillier.partials import PartialFiles, SealedPartials
from compute.paillier.public import PublicKey

SIZES, ROWS, LAYOUT = (3, 5, 2), 40, SlotLayout(9, 4, 0)


def main(folder: Path, processes: int) -> None:
    """Write the residues and every progress that was heard."""
    key = PublicKey(P * Q)
    lookup.block_product = engine.slow_block
    partials = SealedPartials(PartialFiles(folder / "parts"), bytes(32))
    heard: list[tuple[int, int]] = []
    with open_runner(Computing(processes=processes, folder=folder)) as runner:
        sums = lookup.lookup_sum(
            key,
            engine.tables_of(key, SIZES),
            engine.columns(SIZES, ROWS),
            LAYOUT,
            replace(runner, costs=engine.large),
            partials,
            lambda done, total: heard.append((done, total)),
        )
    json.dump({"sums": [str(c) for c in sums], "heard": heard}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
