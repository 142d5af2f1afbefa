"""A kernel's numbers are of full length whatever a bank sends; short ones tell by time who used them."""

import pytest

from compute.paillier import lookup, split
from compute.paillier.blinding import conceal, own_residue
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey

LAYOUT, SECRET = SlotLayout(8, 4, 0), bytes(range(32))


class Watched(split.Products):
    """Products that note the least length of any t, in bits, after each step."""

    least = 1 << 20

    def multiply(self, table: split.Table, codes: object) -> None:
        super().multiply(table, codes)  # type: ignore[arg-type]
        Watched.least = min(Watched.least, *(int(t.bit_length()) for t in self._t), *map(_bits, table.t[:-1]))


def _bits(t: object) -> int:
    return int(t.bit_length())  # type: ignore[attr-defined]


def short_tables(key: PublicKey) -> list[list[int]]:
    """Encryptions with r = 1, of which all but one bin are 1 modulo n: what a bank that times would register."""
    return [[int(key.encrypt(m, 1)) for m in (0, 5, 7)], [int(key.encrypt(0, 1)), int(key.encrypt(3, 2))]]


@pytest.mark.parametrize("codes", [([0, 1, 2, 0, 1, 0, 0, 1], [0] * 8), ([0] * 8, [0, 0, 1, 0, 0, 0, 0, 0])])
def test_short_tables_become_long(
    key: PrivateKey, monkeypatch: pytest.MonkeyPatch, codes: tuple[list[int], list[int]]
) -> None:
    public, own = key.public, own_residue(key.public, SECRET)
    monkeypatch.setattr(lookup, "Products", Watched)
    monkeypatch.setattr(Watched, "least", 1 << 20)
    outputs = lookup_sum(public, [conceal(public, table, own) for table in short_tables(public)], codes, LAYOUT)
    assert Watched.least > public.bits - 100
    values = [value for c in outputs for value in LAYOUT.unpack(int(key.decrypt(c)), 4)]
    assert values == [(0, 5, 7)[a] + (0, 3)[b] for a, b in zip(*codes, strict=True)]


def test_without_it_they_stay_short(key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "Products", Watched)
    monkeypatch.setattr(Watched, "least", 1 << 20)
    lookup_sum(key.public, short_tables(key.public), [[0] * 8, [0] * 8], LAYOUT)
    assert Watched.least == 1


def test_the_own_residue_is_one_and_the_secrets_own(key: PrivateKey) -> None:
    own = own_residue(key.public, SECRET)
    assert key.decrypt(own) == 0
    assert own == own_residue(key.public, SECRET) != own_residue(key.public, bytes(32))
    assert own % key.public.n > key.public.n >> 100
