"""Scoring under encryption: Veilmart's ``lookup_sum`` against ``phe`` doing the same work, and against its floor.

The work: 20 features × 6 bins, tables encrypted by the key's owner, every row summed, blinded and decrypted. phe
does the best that its user can: look up the encrypted points, add, obfuscate, decrypt, a ciphertext per row. The
floor is the number of modular products that the method cannot do without, times the measured time of one.
Both sides run in one process, in turn; figures are medians of CPU seconds, so that the machine's noise cancels in
the ratio. ``make bench ARGS='--rows 2000'``.
"""

import json
import secrets
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import click
import phe
from rich.console import Console
from rich.table import Table

from compute.paillier.blinding import blind, top_mask
from compute.paillier.interchange import to_phe
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey

FEATURES, BINS, BOUND, PARTIES = 20, 6, 1000, 2


def cpu_seconds(work: Callable[[], object]) -> float:
    """Give the CPU seconds of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def ours(key: PrivateKey, points: list[list[int]], codes: list[bytes], layout: SlotLayout) -> list[int]:
    """Encrypt the tables, score, mask, blind, decrypt."""
    public = key.public
    tables = [[key.encrypt(p + BOUND) for p in column] for column in points]
    sums = lookup_sum(public, tables, codes, layout)
    answers = blind(public, top_mask(public, sums, layout, PARTIES))
    rows = len(codes[0])
    return [value for c in answers for value in layout.unpack(int(key.decrypt(c)), layout.slots)][:rows]


def phe_scores(key: PrivateKey, tables: list[list[phe.EncryptedNumber]], codes: list[bytes]) -> list[int]:
    """Look up, add, obfuscate and decrypt with phe's own classes."""
    private = to_phe(key)
    totals = []
    for row in zip(*codes, strict=True):
        total = tables[0][row[0]]
        for table, code in zip(tables[1:], row[1:], strict=True):
            total += table[code]
        total.obfuscate()
        totals.append(private.decrypt(total))
    return totals


def floor_seconds(key: PrivateKey, width: int) -> float:
    """Give the CPU seconds of one row's products and squarings modulo n²: FEATURES and ``width`` of them."""
    n_squared, count = key.public.n_squared, 10_000
    a, b = key.public.encrypt(1), key.public.encrypt(2)

    def products() -> None:
        c = a
        for _ in range(count):
            c = c * b % n_squared

    def squarings() -> None:
        c = a
        for _ in range(count):
            c = c * c % n_squared

    one = [statistics.median(cpu_seconds(work) for _ in range(3)) / count for work in (products, squarings)]
    return FEATURES * one[0] + width * one[1]


def measure(bits: int, rows: int, peer_rows: int, repeats: int) -> dict[str, float]:
    """Give the medians and ratios for one key length; phe's tables are paid once for all rows, like ours."""
    key = PrivateKey.generate(bits)
    peer = to_phe(key.public)
    points = [[secrets.randbelow(2 * BOUND + 1) - BOUND for _ in range(BINS)] for _ in range(FEATURES)]
    codes = [bytes(secrets.randbelow(BINS) for _ in range(rows)) for _ in range(FEATURES)]
    few = [column[:peer_rows] for column in codes]
    layout = SlotLayout.for_bound(2 * BOUND * FEATURES, BOUND * FEATURES, bits, PARTIES)
    expected = [sum(points[j][codes[j][i]] for j in range(FEATURES)) for i in range(rows)]
    tables = [[key.encrypt(p + BOUND) for p in column] for column in points]
    peer_tables = [[peer.encrypt(p) for p in column] for column in points]
    mine, peer_encryption, peer_scoring, kernel = [], [], [], []
    for _ in range(repeats):
        mine.append(cpu_seconds(lambda: _equal(ours(key, points, codes, layout), expected)))
        peer_encryption.append(cpu_seconds(lambda: [[peer.encrypt(p) for p in column] for column in points]))
        peer_scoring.append(cpu_seconds(lambda: _equal(phe_scores(key, peer_tables, few), expected[:peer_rows])))
        kernel.append(cpu_seconds(lambda: lookup_sum(key.public, tables, codes, layout)))
    own = statistics.median(mine) / rows
    theirs = statistics.median(peer_scoring) / peer_rows + statistics.median(peer_encryption) / rows
    return {
        "bits": bits,
        "rows": rows,
        "ours_ms_per_row": 1e3 * own,
        "phe_ms_per_row": 1e3 * theirs,
        "times_phe": theirs / own,
        "kernel_over_floor": statistics.median(kernel) / rows / floor_seconds(key, layout.width),
    }


def _equal(found: list[int], expected: list[int]) -> None:
    if found != expected:
        raise AssertionError("a score is wrong")


@click.command()
@click.option("--rows", default=2000, show_default=True, help="Rows scored by Veilmart.")
@click.option("--peer-rows", default=40, show_default=True, help="Rows scored by phe, then scaled.")
@click.option("--repeats", default=3, show_default=True, help="Runs of each side, in turn.")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here too."
)
def main(rows: int, peer_rows: int, repeats: int, path: Path | None) -> None:
    """Time scoring at 2048 and 3072 bits against phe and against the floor."""
    figures = [measure(bits, rows, peer_rows, repeats) for bits in (2048, 3072)]
    table = Table(title=f"{FEATURES} features × {BINS} bins, CPU ms per row", show_lines=False)
    for name in figures[0]:
        table.add_column(name.replace("_", " "), justify="right")
    for figure in figures:
        table.add_row(
            *(f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" for value in figure.values())
        )
    Console(width=120).print(table)
    if path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
