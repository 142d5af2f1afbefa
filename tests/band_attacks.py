"""What a bank makes of zero tests with its private key: each gives the totals that fit what it decrypts."""

from collections.abc import Sequence
from itertools import combinations, permutations

import gmpy2
from gmpy2 import mpz

from compute.paillier.private import PrivateKey


def opened(key: PrivateKey, tests: Sequence[mpz]) -> list[tuple[mpz, mpz]]:
    """(x, y) of each test: it is (1+n)^x·y^n."""
    n = key.public.n
    return [(key.decrypt(c), key.nth_root(c % n)) for c in tests]


def guesses_by_roots(key: PrivateKey, tests: Sequence[mpz], candidates: Sequence[int]) -> set[int]:
    """Every T for which the tests fit together, in whatever order they stand.

    The i-th has x_i = (T − v_i)·r_i and y_i = y^(r_i), so y_i^(r_j) = y_j^(r_i) for all of them.
    """
    n = key.public.n
    read = [pair for pair in opened(key, tests) if pair[0] != 0]

    def fit(t: int, values: Sequence[int]) -> bool:
        r = [x * gmpy2.invert(t - v, n) % n for (x, _), v in zip(read, values, strict=True)]
        pairs = combinations(range(len(read)), 2)
        return all(gmpy2.powmod(read[i][1], r[j], n) == gmpy2.powmod(read[j][1], r[i], n) for i, j in pairs)

    return {t for t in candidates if any(fit(t, order) for order in permutations(sorted({*candidates} - {t})))}


def guesses_by_quotients(key: PrivateKey, tests: Sequence[mpz], candidates: Sequence[int]) -> set[int]:
    """Every T for which some two plaintexts have the quotient of two differences T − v."""
    n = key.public.n
    plaintexts = [m for m in key.decrypt_many(tests) if m != 0]
    quotients = {x * gmpy2.invert(y, n) % n for x in plaintexts for y in plaintexts if x != y}
    return {
        t
        for t in candidates
        for v in candidates
        for w in candidates
        if len({t, v, w}) == 3 and (t - v) * gmpy2.invert(t - w, n) % n in quotients
    }
