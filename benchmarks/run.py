"""All benchmarks, side by side in one run: ``make bench``. 35 to 45 minutes on 2 idle cores.

Ratios are of CPU seconds of all processes. The peers do what their users can do best (``peers.py``), on fewer rows
where their cost per row does not depend on the number, and every result is compared with the clear one.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import alignment
import alphabet_proof
import audit_append
import audit_verify
import bands
import click
import disclosure
import histogram
import joint_statistics
import key_enrolment
import model_desk
import paillier
import provider_checks
import report
import score
import search
import users

BITS = (2048, 3072)
ROWS, MANY_ROWS = 20_000, 960_000
CURVE = (1000, 10_000, 100_000)
REPEATS = {2048: 5, 3072: 3}
SCORED_BY_PEERS, SUMMED_BY_PEERS = {2048: 4000, 3072: 200}, {2048: 500, 3072: 200}
"""Rows of one repeat, by the key's length."""
PROCESSES = 2
BANDED = 4
"""Rows of a banded answer; each costs the same."""
ENTRIES = 1_000_000
"""Of the log that is verified and asked for proofs."""

SHORT = "encryption by the key's owner, short exponents"
MANY = f"scoring, {MANY_ROWS:,} rows"
REQUIRED: dict[str, dict[str, float]] = {
    SHORT: {"phe": 50, "HEU ZPaillier": 2.2},
    "scoring, 20,000 rows, warm": {"phe": 70, "HEU ZPaillier": 15, "HEU OU": 1.5},
    "scoring, 20,000 rows, from nothing": {"phe": 45},
    MANY: {"phe": 180, "HEU ZPaillier": 40, "HEU OU": 3.5},
    "histogram, 20,000 rows": {"phe": 45, "HEU ZPaillier": 2.3},
}
"""What each ratio has to reach at 2048 bits."""


def measure() -> dict[str, Any]:
    """Run everything."""
    figures: dict[str, Any] = {"machine": report.machine()}
    # First, in a process that has kept nothing: its memory is told.
    many = score.measure_many(2048, MANY_ROWS, PROCESSES)
    figures["operations"] = [record for bits in BITS for record in paillier.measure(bits, REPEATS[bits])]
    figures["scoring"] = [score.measure(bits, ROWS, SCORED_BY_PEERS[bits], REPEATS[bits]) for bits in BITS]
    figures["histogram"] = [histogram.measure(bits, ROWS, SUMMED_BY_PEERS[bits], REPEATS[bits]) for bits in BITS]
    figures["bands"] = [bands.measure(bits, BANDED, REPEATS[bits]) for bits in BITS]
    peers = {name: cost for name, cost in figures["scoring"][0]["cpu_ms_per_row"].items() if name in score.PEERS}
    many["times"] = {name: cost / many["cpu_ms_per_row"] for name, cost in peers.items()}
    figures["scoring_many"] = many
    figures["key_enrolment"] = key_enrolment.measure_all(BITS, REPEATS)
    figures["joint"] = measure_joint()
    figures["model_desk"] = model_desk.measure(BITS[0], REPEATS[BITS[0]])
    figures["checks"] = measure_checks()
    figures["log"] = measure_log()
    figures["search"] = measure_search()
    figures["users"] = users.measure()
    figures["curve"] = [score.measure_many(2048, rows, PROCESSES) for rows in CURVE] + [many]
    return figures


def measure_log() -> dict[str, Any]:
    """Run what concerns the audit log."""
    return {**audit_append.measure(), "verified": audit_verify.measure(ENTRIES)}


def measure_search() -> dict[str, Any]:
    """Run what concerns finding products."""
    return {"machine": report.machine(), **search.measure()}


def measure_joint() -> dict[str, Any]:
    """Run what concerns joint statistics."""
    return {
        "statistics": joint_statistics.measure_all(),
        "alphabet_proofs": alphabet_proof.measure_all(BITS, REPEATS),
        "alignment": alignment.measure(),
        "disclosure": disclosure.measure(REPEATS[BITS[0]]),
    }


def measure_checks() -> list[dict[str, Any]]:
    """Run what concerns a provider's checks."""
    return [provider_checks.measure(bits, provider_checks.ROWS, REPEATS[bits]) for bits in BITS]


def ratios(figures: dict[str, Any]) -> Iterator[tuple[str, int, str, float, float | None]]:
    """Give each ratio: the work, the key's length, the peer, the ratio, and what it has to reach, if anything."""
    works: list[tuple[str, int, dict[str, float]]] = [
        *((record["work"], record["bits"], record["times"]) for record in figures["operations"]),
        *(
            (f"scoring, {record['rows']:,} rows, {state}", record["bits"], times)
            for record in figures["scoring"]
            for state, times in record["times"].items()
        ),
        (MANY, 2048, figures["scoring_many"]["times"]),
        *(
            (f"histogram, {record['rows']:,} rows", record["bits"], record["times"])
            for record in figures["histogram"]
        ),
    ]
    for work, bits, times in works:
        for peer, ratio in times.items():
            yield work, bits, peer, ratio, REQUIRED.get(work, {}).get(peer) if bits == BITS[0] else None


@click.command()
@click.option(
    "--out",
    default="benchmarks/results",
    show_default=True,
    help="Folder for figures.json, scoring.svg and joint_statistics.svg.",
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option("--log", "part", flag_value="log", help="Measure the audit log anew, and keep the other figures.")
@click.option("--checks", "part", flag_value="checks", help="The same for a provider's checks.")
@click.option("--joint", "part", flag_value="joint", help="The same for joint statistics (10 minutes).")
@click.option("--search", "part", flag_value="search", help="The same for finding products.")
@click.option("--users", "part", flag_value="users", help="The same for fifty users (3 minutes).")
def main(*, out: Path, part: str | None) -> None:
    """Measure the engine and joint statistics against phe and HEU; a provider's checks; the log; the market."""
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "figures.json"
    if part is None:
        figures = measure()
        report.write(kept, figures)
        draw_scoring(out, figures)
        draw_joint(out, figures["joint"]["statistics"])
        report.show(list(ratios(figures)), figures)
        return
    take, show = PARTS[part]
    figures = json.loads(kept.read_text("utf-8")) | {part: take()}
    report.write(kept, figures)
    show(figures[part])
    if part == "joint":
        draw_joint(out, figures["joint"]["statistics"])


def measured_here(measure: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Give the measurement with the machine that it is made on."""
    return lambda: {"machine": report.machine(), **measure()}


def draw_scoring(out: Path, figures: dict[str, Any]) -> None:
    """Draw the cost of scoring a row against the number of rows."""
    curve, peers = figures["curve"], figures["scoring"][0]["cpu_ms_per_row"]
    report.draw(
        out / "scoring.svg",
        "Scoring, 20 features × 6 bins, 2048 bits, everything included",
        [record["rows"] for record in curve],
        {"Veilmart, from nothing": [record["cpu_ms_per_row"] for record in curve]},
        {name: peers[name] for name in score.PEERS if name in peers},
    )


def draw_joint(out: Path, figures: dict[str, Any]) -> None:
    """Draw the cost of a row of joint statistics against the number of rows."""
    curve, compared = figures["curve"], figures["compared"]
    names = {"statistics": "Veilmart, labels to WOE", "proof": "proof of the labels, made and verified, paid once"}
    seconds = compared["peers_cpu_seconds"][joint_statistics.APART]
    report.draw(
        out / "joint_statistics.svg",
        "WOE and IV, 20 columns × 6 bins, 2048 bits, everything included",
        [record["rows"] for record in curve],
        {label: [record["cpu_ms_per_row"][name] for record in curve] for name, label in names.items()},
        {name: 1000 * taken / compared["rows"] for name, taken in seconds.items()},
    )


PARTS: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "log": (measure_log, report.show_log),
    "checks": (measure_checks, report.show_checks),
    "joint": (measured_here(measure_joint), report.show_joint),
    "search": (measure_search, report.show_search),
    "users": (measured_here(users.measure), report.show_users),
}
"""What can be measured anew by itself: by the name of its figures."""


if __name__ == "__main__":
    main()
