"""The story that the demo walks: enrol the key, register the model, score every applicant, prove the log."""

import csv
import io
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from audit.entry import encode
from audit.log import Log
from audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from compute.binning import code_columns
from compute.paillier.encoding import FixedPoint
from compute.protocols.risk_score.leakage import leaked_bits
from compute.protocols.risk_score.scorecard import Feature, Scorecard, sum_points
from compute.web.files import write_atomically
from connectors.base import Table
from veilmart.demo.data import DemoError, scales
from veilmart.demo.parties import PERMIT, PURPOSE, REVIEWER, Parties, today


@dataclass(frozen=True)
class Outcome:
    """What the demo prints."""

    scores: dict[str, Decimal]
    seconds: float
    sent: dict[str, int]
    received: dict[str, int]
    leaked_bits: float
    events: int
    root: bytes


def score_applicants(parties: Parties, scorecard: Scorecard) -> Outcome:
    """Run the main job and give its outcome; bytes and seconds are those of the scoring.

    Raises :class:`DemoError` where a total is not the one that the joined tables give in the clear.
    """
    start = parties.log.size()
    start_root = parties.log.root(start)
    parties.bank.enrol_key(list(parties.departments))
    model = parties.bank.register_model(scorecard, list(parties.departments), REVIEWER, PURPOSE)

    subjects = parties.applicants.keys()
    local = _points(scorecard.local, parties.applicants, subjects)
    parties.transport.sent.clear()
    parties.transport.received.clear()
    began = time.perf_counter()
    totals = parties.bank.score(model, subjects, PERMIT, today())
    seconds = time.perf_counter() - began

    units = [scorecard.base_points + total + own for total, own in zip(totals, local, strict=True)]
    fixed = FixedPoint(scorecard.decimals)
    wrong = sum(a != b for a, b in zip(totals, in_the_clear(parties, scorecard, subjects), strict=True))
    if wrong:
        raise DemoError(f"{wrong} totals differ from those in the clear; nothing was written: report this")
    size, root = prove_log(parties.log, start, start_root)
    return Outcome(
        scores={subject: fixed.decode(score) for subject, score in zip(subjects, units, strict=True)},
        seconds=seconds,
        sent=dict(parties.transport.sent),
        received=dict(parties.transport.received),
        leaked_bits=leaked_bits(model.approval.reachable_totals),
        events=size - start,
        root=root,
    )


def in_the_clear(parties: Parties, scorecard: Scorecard, subjects: list[str]) -> list[int]:
    """Give the totals over the joined tables, which nobody but this demo holds together."""
    tables = {department.product.id: department.table for department in parties.departments.values()}
    columns = [_points(features, tables[product], subjects) for product, features in scorecard.sources.items()]
    return [sum(row) for row in zip(*columns, strict=True)]


def prove_log(log: Log, start: int, start_root: bytes) -> tuple[int, bytes]:
    """Give size and root of the log once it is proven whole.

    Nothing before ``start`` was rewritten, every event since is included, and every stored hash is right.
    """
    size, root = log.check()
    verify_consistency(start, size, start_root, root, log.consistency_proof(start, size))
    for index in range(start, size):
        leaf = leaf_hash(encode(log.entry(index)))
        verify_inclusion(leaf, index, size, log.inclusion_proof(index, size), root)
    return size, root


def write_scores(path: Path, scores: dict[str, Decimal]) -> None:
    """Write uscc,score; a reader sees the old file or the whole new one."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["uscc", "score"])
    writer.writerows(scores.items())
    write_atomically(path, text.getvalue().encode())


def _points(features: tuple[Feature, ...], table: Table, subjects: list[str]) -> list[int]:
    bins = [feature.bins for feature in features]
    frame = table.select(subjects, [feature.column for feature in bins])
    return sum_points(features, code_columns(bins, frame, scales(table.columns)), len(subjects))
