"""Measured costs, and the file in which they are kept."""

import json
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import engine
import gmpy2
import pytest

from compute.paillier import costs
from compute.paillier.costs import Costs, kept, measured


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the lengths that are measured, at once."""
    asked: list[int] = []

    def at_once(bits: int) -> Costs:
        asked.append(bits)
        return engine.small(bits)

    monkeypatch.setattr(costs, "measured", at_once)
    return asked


def test_measured_costs_stand_in_their_order() -> None:
    figures = measured(2048)
    assert all(0 < figure < 1 for figure in asdict(figures).values())
    assert figures.half < figures.product < figures.power
    assert figures.power > 100 * figures.square
    assert measured(2048) is figures


def test_each_length_is_measured_once(counted: list[int], tmp_path: Path) -> None:
    for _ in range(3):
        for bits in (2048, 3072):
            assert kept(tmp_path / "costs.json")(bits) == engine.small(bits)
    assert counted == [2048, 3072]
    assert [path.name for path in tmp_path.iterdir()] == ["costs.json"]


def test_another_version_of_gmp_is_measured_anew(
    counted: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = kept(tmp_path / "costs.json")
    of(2048)
    monkeypatch.setattr(gmpy2, "mp_version", lambda: "GMP 99.0")
    of(2048)
    of(2048)
    assert counted == [2048, 2048]


BAD = ["", "{", "[]", "1", "null", '{"2048 bits": 1}', '{"x": {"product": 1}}', "\x00" * 50]
FIGURES = [0, -1, 1e9, "1", None, [], float("nan"), float("inf")]


@pytest.mark.parametrize("text", BAD)
def test_a_file_that_cannot_be_read_is_made_anew(counted: list[int], tmp_path: Path, text: str) -> None:
    path = tmp_path / "costs.json"
    path.write_text(text, encoding="ascii")
    assert kept(path)(2048) == engine.small(2048)
    assert kept(path)(2048) == engine.small(2048)
    assert counted == [2048]


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_that_are_none_are_measured_anew(counted: list[int], tmp_path: Path, figure: object) -> None:
    """A plan made of them would overflow, or never end."""
    path = tmp_path / "costs.json"
    kept(path)(2048)
    known = json.loads(path.read_bytes())
    for name in known:
        known[name]["half"] = figure
    path.write_text(json.dumps(known), encoding="ascii")
    assert kept(path)(2048) == engine.small(2048)
    assert counted == [2048, 2048]


def test_two_processes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    context = get_context("forkserver")
    with context.Pool(2) as workers:
        done = workers.starmap(
            engine.write_costs, [(str(path), bits) for bits in (256, 300, 340, 380)], chunksize=1
        )
    assert done == [4] * 4
    known = json.loads(path.read_bytes())
    assert 4 <= len(known) <= 16
    assert all(Costs(**figures) for figures in known.values())
    assert [each.name for each in tmp_path.iterdir()] == ["costs.json"]
