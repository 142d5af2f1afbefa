"""What a reviewer needs for one model of 120 bins over three departments: every ciphertext recomputed, every rule.

Beside each is its ratio to the floor, 120 encryptions with the r that the bank chose: no review can do with less.
The market is the tests' one, with its bank, departments and reviewer in one process; each department has 20,000
companies in 400 combinations of bins. ``python benchmarks/model_desk.py``.
"""

import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from measure import in_turn

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))  # its market

from world import DOSSIER, Parties, assemble  # noqa: E402

from compute.binning import NumberBins  # noqa: E402
from compute.canonical import decode  # noqa: E402
from compute.paillier.private import PrivateKey  # noqa: E402
from compute.protocols.holding import Holding  # noqa: E402
from compute.protocols.risk_score.assessment import Limits, assess  # noqa: E402
from compute.protocols.risk_score.canonical_points import points_id  # noqa: E402
from compute.protocols.risk_score.histogram_check import open_histograms  # noqa: E402
from compute.protocols.risk_score.messages import AskHistogram, SubmitModel  # noqa: E402
from compute.protocols.risk_score.scorecard import Feature, Scorecard  # noqa: E402

PROVIDERS, FEATURES, BINS = ("health", "labour", "tax"), 4, 10
COMPANIES, COMBINATIONS = 20_000, 400
REVIEW = "review of 120 bins: recomputed and assessed"
REQUIRED = {REVIEW: 10.0}
"""Seconds at most, at 2048 bits."""


def measure(bits: int, repeats: int) -> dict[str, Any]:
    """Give the seconds of a review, of its parts, of a department's histogram, and their ratios to the floor."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        key = PrivateKey.generate(bits)
        holdings = {name: _holding(name, seed) for seed, name in enumerate(PROVIDERS)}
        parties = assemble(key, Path(folder), holdings, [], stack, Limits())
        asked, submitted = _submitted(parties)
        statement = submitted.submission.statement
        reviewer, office = parties.reviewer, parties.reviewer.office
        examine = reviewer._examine  # noqa: SLF001 -- all that a review does, without keeping a case
        keys = [epoch.key for epoch in reviewer._epochs.alive()]  # noqa: SLF001 -- to open again what it opens
        now = parties.clock()
        histograms = open_histograms(statement, keys, office.pins, now)
        model = examine(statement).file.model
        points = [entry for part in model.tables for feature in part.features for entry in feature.points]
        units = [key.public.random_unit() for _ in points]
        works = {
            "floor": lambda: [key.public.encrypt(1000 + p, r) for p, r in zip(points, units, strict=True)],
            REVIEW: lambda: examine(statement),
            "  its histograms, opened and verified": lambda: open_histograms(statement, keys, office.pins, now),
            "  its rules": lambda: assess(model, office.limits, histograms),
            "  its name": lambda: points_id(model, office.points_secret),
            "a department's histogram, 20,000 companies": lambda: parties.providers["tax"].histogram(asked),
        }
        medians = in_turn(works, repeats)
    floor = medians.pop("floor").cpu
    return {
        "bits": bits,
        "bins": len(points),
        "floor_cpu_seconds": floor,
        "works": [
            {
                "work": work,
                "cpu_seconds": taken.cpu,
                "over_floor": taken.cpu / floor,
                "at_most": REQUIRED.get(work),
            }
            for work, taken in medians.items()
        ],
    }


def _holding(provider: str, seed: int) -> Holding:
    """A table of numbers in 0 … BINS−2, whose rows are of so many kinds, drawn with a fixed seed."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, BINS - 1, (COMBINATIONS, FEATURES))
    columns = [f"column_{index}" for index in range(FEATURES)]
    rows = kinds[random.integers(0, COMBINATIONS, COMPANIES)]
    subjects = [f"{row:018}" for row in range(COMPANIES)]
    table = pd.DataFrame({name: pd.Series(rows[:, i], subjects, dtype="Int64") for i, name in enumerate(columns)})

    def select(asked: list[str], names: list[str]) -> pd.DataFrame:
        return table.reindex(asked)[names].reset_index(drop=True)

    grids = {name: _bins(name) for name in columns}
    scales = dict.fromkeys(columns, 0)
    return Holding(provider, "1.0.0", "0" * 64, "2026-11-01", scales, subjects, select, grids)  # type: ignore[arg-type]


def _bins(column: str) -> NumberBins:
    return NumberBins(column=column, edges=tuple(map(str, range(1, BINS - 1))))


def _submitted(parties: Parties) -> tuple[AskHistogram, SubmitModel]:
    """Have the bank prepare a card of so many bins; give the tax office's question and the submission."""
    features = tuple(
        Feature(_bins(f"column_{index}"), tuple((index + bin_) % 4 * 2 for bin_ in range(BINS)))
        for index in range(FEATURES)
    )
    card = Scorecard("card", "1.0.0", 0, 0, dict.fromkeys(PROVIDERS, features), (), DOSSIER)
    questions = parties.tap("tax")
    submitted = parties.bank.prepare_model(card, PROVIDERS, "reviewer", "loan-approval")
    asked = next(data for data in questions if b'"type":"ask_histogram"' in data)
    return decode(asked, AskHistogram), submitted


if __name__ == "__main__":
    import report

    report.show_desk(measure(2048, 5))
