"""The figures in the dossier of the example's scorecard are those of its own files, computed anew here."""

import csv
import math
import shutil
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from compute.protocols.risk_score.dossier import PARTS, Dossier
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.data import APPLICANTS_FILE, EXAMPLES, load_scorecard

BANDS = 10


def separation(scores: Sequence[Decimal], bad: Sequence[bool]) -> tuple[float, float]:
    """AUC, ties counted half, and KS of a score that is higher for the safer."""
    values, places = np.unique(np.array([float(score) for score in scores]), return_inverse=True)
    bads = np.bincount(places[np.array(bad)], minlength=len(values)) / sum(bad)
    goods = np.bincount(places[~np.array(bad)], minlength=len(values)) / (len(bad) - sum(bad))
    below = np.cumsum(bads) - bads
    return float(goods @ (below + bads / 2)), float(np.abs(np.cumsum(bads) - np.cumsum(goods)).max())


def stability_index(expected: Sequence[Decimal], actual: Sequence[Decimal]) -> float:
    """Over bands whose edges are the deciles of the expected scores."""
    ordered = sorted(expected)
    edges = sorted({float(ordered[len(ordered) * i // BANDS]) for i in range(1, BANDS)})
    shares = [
        np.bincount(np.searchsorted(edges, [float(s) for s in scores], side="right"), minlength=len(edges) + 1)
        / len(scores)
        for scores in (expected, actual)
    ]
    return sum((a - e) * math.log(a / e) for e, a in zip(*shares, strict=True))


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    found = load_scorecard(EXAMPLES).dossier
    assert found is not None
    return found


def test_separation_and_stability_of_small_samples() -> None:
    assert separation([Decimal(s) for s in (1, 2, 3, 4)], [True, True, False, False]) == (1, 1)
    assert separation([Decimal(s) for s in (1, 1, 1, 1)], [True, False, True, False]) == (0.5, 0)
    assert separation([Decimal(s) for s in (1, 3, 2, 4)], [True, True, False, False]) == (0.75, 0.5)
    same = [Decimal(s) for s in range(100)]
    assert stability_index(same, same) == 0
    shifted = 5 * (0.2 / 1.5 - 0.1) * (math.log(2 / 1.5) - math.log(1 / 1.5))
    assert stability_index(same, [*same, *same[:50]]) == pytest.approx(shifted)


def test_the_figures_are_those_of_the_files(dossier: Dossier, tmp_path: Path) -> None:
    card = load_scorecard(EXAMPLES)
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    with (EXAMPLES / "bank_loans.csv").open(encoding="utf-8", newline="") as file:
        loans = list(csv.reader(file))
    assert loans[0][-1] == "defaulted"
    with (tmp_path / APPLICANTS_FILE).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(row[:-1] for row in loans)
    scored = scores_in_the_clear(tmp_path, card)
    scores, bad = [scored[row[0]] for row in loans[1:]], [row[-1] == "1" for row in loans[1:]]
    years = sorted(row[1] for row in loans[1:])
    auc, ks = separation(scores, bad)
    index = stability_index(scores, list(scores_in_the_clear(EXAMPLES, card).values()))
    sample = dossier.development
    assert (sample.rows, sample.bad) == (len(bad), sum(bad))
    assert (sample.first_day, sample.last_day) == (f"{years[0]}-01-01", f"{years[-1]}-12-31")
    assert (sample.auc, sample.ks) == (round(auc * PARTS), round(ks * PARTS))
    assert dossier.stability_index == round(index * PARTS)
