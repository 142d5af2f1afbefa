"""Who writes and reads while the server is killed: each in a process of its own, which checks all that it gets.

A writer repeats a request with the same bytes until it is answered. A reader keeps each checkpoint that it has
seen, and believes nothing that a checkpoint signed by the log does not cover.
"""

import http.client
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from log_writers import Line, RefusedError, Writer

from audit import checkpoint as checkpoints
from audit import receipt as receipts
from audit.checkpoint import Checkpoint
from audit.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from audit.note import VerifierKey
from audit.tile import FULL_WIDTH, Bundle, Tile, TileNodes, bundle_decode, bundle_encode, split_hashes

T = TypeVar("T")

PAUSE = 0.05  # seconds before a request is repeated
LARGEST = 20  # events of a request
PATIENCE = 60.0  # seconds that a server may take to come back


@dataclass(frozen=True)
class Place:
    """Where the log is, whose it is, and until when it is hammered."""

    port: int
    authority: Path
    key: VerifierKey
    until: float
    """On the monotonic clock, which all processes share."""

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until


@dataclass
class Report:
    """What one of the crowd has to tell."""

    acknowledged: dict[int, bytes] = field(default_factory=dict)
    """Entries by the index that the log gave."""
    checkpoints: dict[int, bytes] = field(default_factory=dict)
    """Seen, by size."""
    checked: int = 0
    """Proofs and entries."""
    repeated: int = 0
    """Requests that were not answered the first time."""


class Steady:
    """A connection that comes back, however often the server is killed."""

    def __init__(self, place: Place, report: Report) -> None:
        self._place, self._report = place, report
        self._line: Line | None = None

    def ask(self, work: Callable[[Line], T]) -> T:
        """Do the work; again with a new connection if no answer came, or the server could not."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if self._line is None:
                    self._line = Line(self._place.port, self._place.authority)
                return work(self._line)
            except (OSError, http.client.HTTPException) as error:
                problem: Exception = error
            except RefusedError as error:
                if error.status < http.client.INTERNAL_SERVER_ERROR:
                    raise
                problem = error
            if self._line is not None:
                self._line.close()
            self._line = None
            self._report.repeated += 1
            if time.monotonic() > deadline:
                raise problem
            time.sleep(PAUSE)

    def checkpoint(self) -> Checkpoint:
        """The log's, with its signature verified, and kept: of one size there is only one root."""
        data = self.ask(lambda line: line.get("checkpoint"))
        found = checkpoints.parse_signed(data, self._place.key)
        kept = self._report.checkpoints.setdefault(found.size, data)
        if checkpoints.parse(kept).root != found.root:
            raise AssertionError(f"two roots of size {found.size}:\n{kept.decode()}\n{data.decode()}")
        return found

    def nodes(self, size: int) -> TileNodes:
        """The tree, read from its tiles."""

        def read(tile: Tile) -> list[bytes]:
            return split_hashes(self.ask(lambda line: line.get(tile.path)), tile.width)

        return TileNodes(read, size)

    def bundle(self, first: int, size: int) -> list[bytes]:
        """The entries of a bundle, of a log of this size."""
        bundle = Bundle(first // FULL_WIDTH, min(FULL_WIDTH, size - first))
        return bundle_decode(self.ask(lambda line: line.get(bundle.path)), bundle.width)


def write(place: Place, writer: Writer, seed: str) -> Report:
    """Append until the time is over."""
    report, drawn = Report(), random.Random(seed)  # noqa: S311 -- sizes
    line = Steady(place, report)
    while not place.is_over:
        entries = [writer.entry() for _ in range(drawn.randint(1, LARGEST))]
        bundle = bundle_encode(entries)
        indices = line.ask(lambda each, bundle=bundle: each.append(bundle))
        if len(indices) != len(entries) or any(index in report.acknowledged for index in indices):
            raise AssertionError(f"{len(entries)} entries got the indices {indices}")
        report.acknowledged.update(zip(indices, entries, strict=True))
    return report


def read_all(place: Place, _seed: str) -> Report:
    """Follow the log: every entry, every checkpoint consistent with the one before it."""
    report, tree, leaves = Report(), Frontier(), 0
    line, last = Steady(place, report), None
    while not place.is_over:
        head = line.checkpoint()
        if last is not None:
            if head.size < last.size:
                raise AssertionError(f"the log shrank from {last.size} to {head.size}")
            proof = consistency_proof(last.size, head.size, line.nodes(head.size))
            verify_consistency(last.size, head.size, last.root, head.root, proof)
        while leaves < head.size:
            first = leaves - leaves % FULL_WIDTH
            fresh = line.bundle(first, head.size)[leaves - first :]
            for entry in fresh:
                tree.append(leaf_hash(entry))
            leaves += len(fresh)
        if tree.root() != head.root:
            raise AssertionError(f"the entries of size {head.size} have not its root")
        report.checked += 1
        last = head
    return report


def read_at_random(place: Place, seed: str) -> Report:
    """Draw entries, and prove each against one checkpoint, which is the newest from time to time."""
    report, drawn = Report(), random.Random(seed)  # noqa: S311 -- which entries are asked for
    line = Steady(place, report)
    while not place.is_over:
        common = line.checkpoint()
        nodes = line.nodes(common.size)
        for _ in range(drawn.randint(1, 60)):
            index = drawn.randrange(common.size)
            first = index - index % FULL_WIDTH
            leaf = leaf_hash(line.bundle(first, common.size)[index - first])
            proof = inclusion_proof(index, common.size, nodes)
            verify_inclusion(leaf, index, common.size, proof, common.root)
            _check_receipt(line, place, index, leaf, common)
            report.checked += 2
            if place.is_over:
                break
    return report


def _check_receipt(line: Steady, place: Place, index: int, leaf: bytes, common: Checkpoint) -> None:
    """A receipt is under a checkpoint of its own; that has to agree with the common one."""
    receipt = receipts.parse(line.ask(lambda each: each.get(f"receipts/{index}")))
    head = checkpoints.parse_signed(receipt.checkpoint.encode(), place.key)
    verify_inclusion(leaf, index, head.size, receipt.hashes, head.root)
    old, new = sorted((common, head), key=lambda each: each.size)
    proof = consistency_proof(old.size, new.size, line.nodes(new.size))
    verify_consistency(old.size, new.size, old.root, new.root, proof)
