"""``group_sum``: for each feature and bin, the encrypted sum of the values of the rows in that bin."""

from collections.abc import Sequence

from gmpy2 import mpz

from compute.paillier.errors import CodeError
from compute.paillier.lookup import check_column
from compute.paillier.public import PublicKey


def group_sum(
    key: PublicKey, values: Sequence[int], codes: Sequence[Sequence[int]], sizes: Sequence[int]
) -> list[list[mpz]]:
    """Give for feature j and bin b a ciphertext of Σ_{i: codes[j][i] = b} y_i; ``values[i]`` is E(y_i).

    ``sizes[j]`` is feature j's number of bins. An empty bin is the ciphertext 1 of zero; like all of the
    result it is deterministic: blind it before it leaves.
    """
    if len(codes) != len(sizes):
        raise CodeError(f"{len(codes)} columns of codes but {len(sizes)} sizes")
    histograms = []
    for feature, (column, size) in enumerate(zip(codes, sizes, strict=True)):
        check_column(feature, column, size, len(values))
        cells = [mpz(1)] * size
        for value, code in zip(values, column, strict=True):
            cells[code] = cells[code] * value % key.n_squared
        histograms.append(cells)
    return histograms
