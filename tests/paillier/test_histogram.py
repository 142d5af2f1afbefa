"""group_sum against plain sums."""

import pytest
from gmpy2 import mpz
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.paillier.encoding import from_residue, to_residue
from compute.paillier.errors import CodeError
from compute.paillier.histogram import group_sum
from compute.paillier.private import PrivateKey

Case = tuple[list[int], list[list[int]], list[int]]


@pytest.fixture(scope="module")
def encrypted(key: PrivateKey) -> dict[int, mpz]:
    """Ciphertexts of −9 … 9."""
    return {y: key.encrypt(to_residue(key.public, y)) for y in range(-9, 10)}


def plain_histogram(values: list[int], column: list[int], size: int) -> list[int]:
    return [sum(y for y, code in zip(values, column, strict=True) if code == b) for b in range(size)]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    values = draw(st.lists(st.integers(-9, 9), max_size=12))
    sizes = draw(st.lists(st.integers(1, 4), max_size=3))
    rows = len(values)
    codes = [draw(st.lists(st.integers(0, size - 1), min_size=rows, max_size=rows)) for size in sizes]
    return values, codes, sizes


@settings(max_examples=20)
@given(case=cases())
def test_every_bin_gets_its_plain_sum(key: PrivateKey, encrypted: dict[int, mpz], case: Case) -> None:
    values, codes, sizes = case
    histograms = group_sum(key.public, [encrypted[y] for y in values], codes, sizes)
    sums = [[from_residue(key.public, int(key.decrypt(c))) for c in cells] for cells in histograms]
    assert sums == [plain_histogram(values, column, size) for column, size in zip(codes, sizes, strict=True)]


def test_an_empty_bin_is_the_ciphertext_one(key: PrivateKey, encrypted: dict[int, mpz]) -> None:
    (cells,) = group_sum(key.public, [encrypted[3], encrypted[4]], [bytes([2, 2])], [4])
    assert [cells[b] for b in (0, 1, 3)] == [1, 1, 1]
    assert key.decrypt(cells[2]) == 7


def test_no_rows_give_empty_bins(key: PrivateKey) -> None:
    assert group_sum(key.public, [], [b"", b""], [3, 1]) == [[1, 1, 1], [1]]
    assert group_sum(key.public, [], [], []) == []


def test_one_row(key: PrivateKey, encrypted: dict[int, mpz]) -> None:
    assert group_sum(key.public, [encrypted[5]], [b"\1"], [2]) == [[1, encrypted[5]]]


def test_features_do_not_share_cells(key: PrivateKey, encrypted: dict[int, mpz]) -> None:
    first, second = group_sum(key.public, [encrypted[5]], [b"\0", b"\1"], [2, 2])
    assert (first, second) == ([encrypted[5], 1], [1, encrypted[5]])


def test_codes_as_bytes_and_as_numbers_agree(key: PrivateKey, encrypted: dict[int, mpz]) -> None:
    values, codes = list(encrypted.values()), [i % 3 for i in range(19)]
    as_list = group_sum(key.public, values, [codes], [3])
    assert group_sum(key.public, values, [bytes(codes)], [3]) == as_list


def test_a_code_beyond_its_bins_is_named(key: PrivateKey, encrypted: dict[int, mpz]) -> None:
    values = [encrypted[1]] * 3
    with pytest.raises(CodeError, match="feature 1, row 2: the code lies outside its table of 2 bins"):
        group_sum(key.public, values, [bytes(3), bytes([0, 1, 2])], [1, 2])
    with pytest.raises(CodeError, match="feature 0, row 1: the code lies outside its table of 2 bins"):
        group_sum(key.public, values, [[0, -1, 0]], [2])


def test_a_column_needs_one_code_per_value(key: PrivateKey, encrypted: dict[int, mpz]) -> None:
    with pytest.raises(CodeError, match="feature 0 has 2 codes for 1 rows"):
        group_sum(key.public, [encrypted[1]], [bytes(2)], [1])


def test_every_column_needs_its_size(key: PrivateKey, encrypted: dict[int, mpz]) -> None:
    with pytest.raises(CodeError, match="1 columns of codes for 2 features"):
        group_sum(key.public, [encrypted[1]], [bytes(1)], [1, 1])
