"""Blinding keeps the plaintext and nothing else; the top mask keeps W bits and nothing above."""

import math

import pytest
from gmpy2 import mpz

from compute.paillier.blinding import blind, top_mask
from compute.paillier.errors import LayoutError
from compute.paillier.packing import HEADROOM_BITS, SlotLayout
from compute.paillier.private import PrivateKey


def test_blinding_keeps_the_plaintexts_and_changes_every_ciphertext(key: PrivateKey) -> None:
    plaintexts = [0, 0, 1, int(key.public.n) - 1]
    ciphertexts = [mpz(1), *(key.encrypt(m) for m in plaintexts[1:])]
    first, second = blind(key.public, ciphertexts), blind(key.public, ciphertexts)
    assert [key.decrypt(c) for c in first] == [key.decrypt(c) for c in second] == plaintexts
    assert len({*ciphertexts, *first, *second}) == 12


def test_blinding_equal_ciphertexts_makes_them_differ(key: PrivateKey) -> None:
    assert len(set(blind(key.public, [mpz(1)] * 5))) == 5


def test_the_factor_is_an_nth_residue(key: PrivateKey) -> None:
    """u is an n-th residue modulo n² if and only if it decrypts to 0."""
    c = key.encrypt(99)
    (blinded,) = blind(key.public, [c])
    factor = blinded * pow(int(c), -1, int(key.public.n_squared)) % key.public.n_squared
    assert key.decrypt(factor) == 0
    assert factor != 1


def test_blinding_nothing_gives_nothing(key: PrivateKey) -> None:
    assert blind(key.public, []) == []


def test_progress_hears_of_ciphertexts(key: PrivateKey) -> None:
    heard: list[tuple[int, int]] = []
    blind(key.public, [mpz(1)] * 3, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(3, 3)]  # so little work is one task


@pytest.mark.parametrize("parties", [1, 2, 3, 16])
@pytest.mark.parametrize("bound", [1, 1000, 2**16 - 1, 2**64 - 1])
def test_honest_totals_survive_the_masks_of_all_parties(key: PrivateKey, parties: int, bound: int) -> None:
    layout = SlotLayout.for_bound(bound * parties, 0, key.public.bits, parties)
    parts = [[bound if slot % parties != party else 0 for slot in range(layout.slots)] for party in range(parties)]
    ciphertexts = [
        top_mask(key.public, [key.encrypt(layout.pack(part))], layout, parties, layout.slots)[0] for part in parts
    ]
    plaintext = int(key.decrypt(math.prod(ciphertexts) % key.public.n_squared))
    assert layout.unpack(plaintext, layout.slots) == [sum(column) for column in zip(*parts, strict=True)]


def test_full_slots_survive(key: PrivateKey) -> None:
    layout = SlotLayout.for_bound(2**16 - 1, 0, key.public.bits, 1)
    full = [2**16 - 1] * layout.slots
    (masked,) = top_mask(key.public, [key.encrypt(layout.pack(full))], layout, 1, layout.slots)
    assert layout.unpack(int(key.decrypt(masked)), layout.slots) == full


@pytest.mark.parametrize("parties", [1, 2, 7])
def test_the_mask_lies_above_the_slots_and_in_its_share(key: PrivateKey, parties: int) -> None:
    layout = SlotLayout.for_bound(1000, 0, key.public.bits, parties)
    masked = top_mask(key.public, [key.encrypt(5)] * 6, layout, parties, 6 * layout.slots)
    plaintexts = [int(key.decrypt(c)) for c in masked]
    assert {m % 2**layout.used_bits for m in plaintexts} == {5}
    limit = (key.public.n - 2**layout.used_bits) // (parties * 2**layout.used_bits)
    masks = [m >> layout.used_bits for m in plaintexts]
    assert limit >= 2**HEADROOM_BITS
    assert all(0 < mask < limit for mask in masks)
    assert len(set(masks)) == 6


def test_a_base_packing_above_the_slots_is_destroyed(key: PrivateKey) -> None:
    """A bank that encrypts powers of 2³² reads 40 entries out of one plaintext; of a masked one it reads none."""
    layout = SlotLayout(32, 1, 0)
    entries = [0xDEADBEEF ^ i for i in range(41)]
    packed = sum(entry << 32 * i for i, entry in enumerate(entries))
    assert packed < key.public.n
    (masked,) = top_mask(key.public, [key.encrypt(packed)], layout, 3, 1)
    plaintext = int(key.decrypt(masked))
    read = [plaintext >> 32 * i & 0xFFFFFFFF for i in range(41)]
    assert read[0] == entries[0]
    assert not any(seen == entry for seen, entry in zip(read[1:], entries[1:], strict=True))


@pytest.mark.parametrize(("width", "parties"), [(2048, 1), (2047, 2), (2040, 1 << 20), (4096, 2)])
def test_no_room_for_the_masks_is_refused(key: PrivateKey, width: int, parties: int) -> None:
    with pytest.raises(LayoutError, match=f"{width} bits of slots leave no room for {parties} top masks"):
        top_mask(key.public, [mpz(1)], SlotLayout(width, 1, 0), parties, 1)


def test_the_mask_begins_above_the_slots_that_are_in_use(key: PrivateKey) -> None:
    """The last ciphertext of a job holds few rows: what a cheat placed in its empty slots is gone too."""
    layout = SlotLayout.for_bound(1000, 0, key.public.bits, 2)
    full = (1 << layout.used_bits) - 1
    last = layout.slots // 2
    masked = top_mask(key.public, [key.encrypt(full)] * 2, layout, 2, layout.slots + last)
    plaintexts = [int(key.decrypt(c)) for c in masked]
    assert layout.unpack(plaintexts[0], layout.slots) == [1023] * layout.slots
    seen = layout.unpack(plaintexts[1], layout.slots)
    assert seen[:last] == [1023] * last
    assert seen[last:].count(1023) < 5  # each of some 100 with chance 2⁻¹⁰


@pytest.mark.parametrize(("count", "rows"), [(0, 1), (1, 0), (1, 5), (2, 4)])
def test_rows_and_ciphertexts_belong_together(key: PrivateKey, count: int, rows: int) -> None:
    with pytest.raises(LayoutError, match=f"{rows} rows do not fill {count} ciphertexts"):
        top_mask(key.public, [mpz(1)] * count, SlotLayout(8, 4, 0), 2, rows)
