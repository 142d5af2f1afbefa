"""Banded answers: what the tests of a row cost, beside as many r^n, and what reading them costs the bank."""

import secrets
from typing import Any

from measure import in_turn

from compute.paillier.ciphertexts import to_bytes
from compute.paillier.pool import Pool, pool_size
from compute.paillier.private import PrivateKey
from compute.paillier.public import nth_residues
from compute.paillier.zero_test import band_of, zero_tests

BANDS, VALUES = 5, 128
"""Bands, and candidate values in all."""


def measure(bits: int, rows: int, repeats: int) -> dict[str, Any]:
    """Time the tests of so many rows, with the key's pool at hand, in turn with one r^n for each test."""
    key = PrivateKey.generate(bits)
    cuts = [VALUES * band // BANDS for band in range(BANDS + 1)]
    bands = [range(*cuts[band : band + 2]) for band in range(BANDS)]
    pool = Pool(key.public, to_bytes(key.public, key.encrypt_many([0] * pool_size(bits), short=False)))
    totals = [secrets.randbelow(VALUES) for _ in range(rows)]
    sums = key.encrypt_many(totals)
    tests = zero_tests(key.public, sums, bands, pool=pool)
    zeros = key.are_zero(tests)
    found = [band_of(zeros[start : start + VALUES], bands) for start in range(0, len(zeros), VALUES)]
    if found != [next(band for band, values in enumerate(bands) if total in values) for total in totals]:
        raise AssertionError("a band is wrong")
    sides = {
        "tests": lambda: zero_tests(key.public, sums, bands, pool=pool),
        "read": lambda: key.are_zero(tests),
        "floor": lambda: nth_residues(key.public, rows * VALUES),
    }
    medians = in_turn(sides, repeats)
    return {
        "work": "banded answer",
        "bits": bits,
        "rows": rows,
        "values": VALUES,
        "cpu_ms_per_row": {name: 1e3 * took.cpu / rows for name, took in medians.items()},
        "tests_over_floor": medians["tests"].cpu / medians["floor"].cpu,
        "kib_per_row": VALUES * key.public.ciphertext_bytes / 1024,
    }
