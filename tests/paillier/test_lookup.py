"""lookup_sum against plain sums."""

from collections.abc import Sequence

import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier.errors import CodeError
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey

LAYOUT = SlotLayout(8, 4, 0)
Tables = list[list[int]]


@pytest.fixture(scope="module")
def encrypted(key: PrivateKey) -> list[mpz]:
    """Ciphertexts of 0 … 40."""
    return [key.encrypt(m) for m in range(41)]


def plain_sums(tables: Tables, codes: Sequence[Sequence[int]]) -> list[int]:
    return [sum(table[code] for table, code in zip(tables, row, strict=True)) for row in zip(*codes, strict=True)]


def decrypted(key: PrivateKey, outputs: Sequence[int], layout: SlotLayout, rows: int) -> list[int]:
    values: list[int] = []
    for c in outputs:
        values += layout.unpack(int(key.decrypt(c)), min(layout.slots, rows - len(values)))
    return values


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tables, list[list[int]], int]:
    tables = draw(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=6), min_size=1, max_size=6))
    rows = draw(st.integers(0, 10))
    codes = [draw(st.lists(st.integers(0, len(table) - 1), min_size=rows, max_size=rows)) for table in tables]
    return tables, codes, rows


@settings(max_examples=25)
@given(case=cases(), slots=st.integers(1, 5))
def test_every_row_gets_its_plain_sum(
    key: PrivateKey, encrypted: list[mpz], case: tuple[Tables, list[list[int]], int], slots: int
) -> None:
    tables, codes, rows = case
    layout = SlotLayout(8, slots, 0)
    outputs = lookup_sum(key.public, [[encrypted[m] for m in table] for table in tables], codes, layout)
    assert len(outputs) == layout.outputs(rows)
    assert decrypted(key, outputs, layout, rows) == plain_sums(tables, codes)


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 5, 8, 9])
def test_batches_around_the_number_of_slots(key: PrivateKey, encrypted: list[mpz], rows: int) -> None:
    tables = [[3, 40, 0], [7], [1, 2]]
    codes = [bytes(i % 3 for i in range(rows)), bytes(rows), bytes((i + 1) % 2 for i in range(rows))]
    outputs = lookup_sum(key.public, [[encrypted[m] for m in table] for table in tables], codes, LAYOUT)
    assert len(outputs) == -(-rows // 4)
    assert decrypted(key, outputs, LAYOUT, rows) == plain_sums(tables, codes)


def test_slots_beyond_the_last_row_are_empty(key: PrivateKey, encrypted: list[mpz]) -> None:
    (output,) = lookup_sum(key.public, [encrypted], [bytes([40, 1])], LAYOUT)
    assert key.decrypt(output) == 40 + (1 << 8)


def test_sums_that_fill_their_slots_do_not_carry(key: PrivateKey) -> None:
    tables = [[key.encrypt(127)], [key.encrypt(128)]]
    (output,) = lookup_sum(key.public, tables, [bytes(4), bytes(4)], LAYOUT)
    assert key.decrypt(output) == 2**32 - 1


def test_a_full_layout_of_a_real_job(key: PrivateKey, encrypted: list[mpz]) -> None:
    layout = SlotLayout.for_bound(80, 0, key.public.bits, 2)
    rows = layout.slots + 1
    codes = [bytes(i % 41 for i in range(rows)), bytes(40 - i % 41 for i in range(rows))]
    outputs = lookup_sum(key.public, [encrypted, encrypted], codes, layout)
    assert len(outputs) == 2
    assert decrypted(key, outputs, layout, rows) == [40] * rows


def test_codes_as_bytes_and_as_numbers_agree(key: PrivateKey, encrypted: list[mpz]) -> None:
    codes = [5, 0, 40, 7, 7]
    as_list = lookup_sum(key.public, [encrypted], [codes], LAYOUT)
    assert lookup_sum(key.public, [encrypted], [bytes(codes)], LAYOUT) == as_list


def test_a_table_of_256_bins_takes_every_byte(key: PrivateKey, encrypted: list[mpz]) -> None:
    table = [encrypted[i % 41] for i in range(256)]
    outputs = lookup_sum(key.public, [table], [bytes([255, 0])], LAYOUT)
    assert decrypted(key, outputs, LAYOUT, 2) == [255 % 41, 0]


def test_no_features_give_no_output(key: PrivateKey) -> None:
    assert lookup_sum(key.public, [], [], LAYOUT) == []


def test_progress_hears_of_rows(key: PrivateKey, encrypted: list[mpz]) -> None:
    heard: list[tuple[int, int]] = []
    lookup_sum(
        key.public, [encrypted], [bytes(9)], LAYOUT, progress=lambda done, total: heard.append((done, total))
    )
    assert heard == [(9, 9)]  # so little work is one task


@pytest.mark.parametrize("bad", [3, 255])
def test_a_code_beyond_its_table_is_named(key: PrivateKey, encrypted: list[mpz], bad: int) -> None:
    tables = [encrypted[:5], encrypted[:3]]
    with pytest.raises(CodeError, match="feature 1, row 2: the code lies outside its table of 3 bins"):
        lookup_sum(key.public, tables, [bytes([4, 0, 1]), bytes([0, 2, bad])], LAYOUT)


def test_a_negative_code_does_not_count_from_the_end(key: PrivateKey, encrypted: list[mpz]) -> None:
    with pytest.raises(CodeError, match="feature 0, row 1: the code lies outside its table of 5 bins"):
        lookup_sum(key.public, [encrypted[:5]], [[0, -1, 4]], LAYOUT)


def test_an_empty_table_has_no_code(key: PrivateKey) -> None:
    with pytest.raises(CodeError, match="feature 0 has 0 bins; give 1 to 65535"):
        lookup_sum(key.public, [[]], [b"\0"], LAYOUT)


def test_columns_of_different_lengths_are_refused(key: PrivateKey, encrypted: list[mpz]) -> None:
    for codes in ([bytes(2), bytes(3)], [bytes(2), b""]):
        with pytest.raises(CodeError, match=f"feature 1 has {len(codes[1])} codes for 2 rows"):
            lookup_sum(key.public, [encrypted, encrypted], codes, LAYOUT)


def test_every_table_needs_its_column(key: PrivateKey, encrypted: list[mpz]) -> None:
    with pytest.raises(CodeError, match="2 columns of codes for 1 features"):
        lookup_sum(key.public, [encrypted], [bytes(2), bytes(2)], LAYOUT)
