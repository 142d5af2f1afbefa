"""``lookup_sum``: for each row, the encrypted sum of the table entries that its codes choose, in slots."""

from collections.abc import Callable, Sequence

from gmpy2 import mpz

from compute.paillier.errors import CodeError
from compute.paillier.packing import SlotLayout
from compute.paillier.public import PublicKey


def lookup_sum(
    key: PublicKey,
    tables: Sequence[Sequence[int]],
    codes: Sequence[Sequence[int]],
    layout: SlotLayout,
    progress: Callable[[int, int], None] | None = None,
) -> list[mpz]:
    """Give the ciphertexts of Σ_s (Σ_j T_j[codes[j][i]])·2^(width·s), row i in slot i mod ``slots``.

    ``tables[j]`` holds feature j's ciphertexts, one per bin; ``codes[j]`` that feature's column of codes, one
    per row. By Horner's rule: from the last slot down, ``width`` squarings and one product per feature. The
    entries must be non-negative and bounded so that no row's sum exceeds its slot (DESIGN.md §3). The result
    is deterministic: blind it before it leaves. ``progress`` hears of rows done and rows in all.
    """
    _check_codes(tables, codes)
    rows = len(codes[0]) if codes else 0
    n_squared = key.n_squared
    columns = list(zip(tables, codes, strict=True))
    outputs = []
    for start in range(0, rows, layout.slots):
        stop = min(start + layout.slots, rows)
        accumulator = mpz(1)
        for row in reversed(range(start, stop)):
            for _ in range(layout.width):
                accumulator = accumulator * accumulator % n_squared
            for table, column in columns:
                accumulator = accumulator * table[column[row]] % n_squared
        outputs.append(accumulator)
        if progress is not None:
            progress(stop, rows)
    return outputs


def _check_codes(tables: Sequence[Sequence[int]], codes: Sequence[Sequence[int]]) -> None:
    if len(tables) != len(codes):
        raise CodeError(f"{len(tables)} tables but {len(codes)} columns of codes")
    for feature, (table, column) in enumerate(zip(tables, codes, strict=True)):
        check_column(feature, column, len(table), len(codes[0]))


def check_column(feature: int, column: Sequence[int], size: int, rows: int) -> None:
    """Raise :class:`CodeError` unless the column has ``rows`` codes, all in [0, size)."""
    if len(column) != rows:
        raise CodeError(f"feature {feature} has {len(column)} codes where others have {rows}")
    if rows and not 0 <= min(column) <= max(column) < size:
        row = next(i for i, code in enumerate(column) if not 0 <= code < size)
        raise CodeError(f"feature {feature}, row {row}: the code lies outside its table of {size} bins")
