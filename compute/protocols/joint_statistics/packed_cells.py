"""Cells of tables in few ciphertexts: each cell holds a slot for each class, each ciphertext several cells."""

from collections.abc import Sequence

from gmpy2 import mpz

from compute.paillier.packing import SlotLayout
from compute.paillier.public import PublicKey

PARTIES = 1
"""Who adds a top mask: the one provider."""


def cell_layout(width: int, classes: int, modulus_bits: int) -> SlotLayout:
    """Give the layout whose slots are whole cells of ``classes`` numbers of ``width`` bits.

    Raises :class:`LayoutError` if not even one cell fits the modulus.
    """
    return SlotLayout.for_bound((1 << width * classes) - 1, 0, modulus_bits, PARTIES)


def pack_cells(key: PublicKey, cells: Sequence[mpz], layout: SlotLayout) -> list[mpz]:
    """Give ciphertexts of Σ_k cell_k·2^(width·k), as many cells in each as the layout has slots.

    By Horner: a cell more costs ``width`` squarings and a product.
    """
    packed = []
    for start in range(0, len(cells), layout.slots):
        total = mpz(1)
        for cell in reversed(cells[start : start + layout.slots]):
            for _ in range(layout.width):
                total = total * total % key.n_squared
            total = total * cell % key.n_squared
        packed.append(total)
    return packed


def unpack_cells(
    plaintexts: Sequence[int], count: int, layout: SlotLayout, width: int, classes: int
) -> list[list[int]]:
    """Give for each of ``count`` cells the number of each class."""
    mask = (1 << width) - 1
    starts = range(0, count, layout.slots)
    return [
        [cell >> width * slot & mask for slot in range(classes)]
        for start, plaintext in zip(starts, plaintexts, strict=True)
        for cell in layout.unpack(plaintext, min(layout.slots, count - start))
    ]
