"""Tiles and bundles: paths, contents, and proofs from tiles alone."""

import hashlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import merkle
from audit.errors import FormatError, ProofError
from audit.tile import (
    Bundle,
    Tile,
    TileNodes,
    bundle_decode,
    bundle_encode,
    parse_path,
    split_hashes,
    tiles,
)

SETTINGS = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def level_row(size: int) -> list[list[bytes]]:
    """The hashes of all complete subtrees, by binary level."""
    rows = [[hashlib.sha256(b"\0" + str(leaf).encode()).digest() for leaf in range(size)]]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([merkle.node_hash(*row[at : at + 2]) for at in range(0, len(row) - 1, 2)])
    return rows


SIZE = 70_000
ROWS = level_row(SIZE)


def stored(level: int, index: int) -> bytes:
    return ROWS[level][index]


def read(tile: Tile) -> Sequence[bytes]:
    start = tile.index * 256
    return ROWS[8 * tile.level][start : start + tile.width]


PATHS = {
    "tile/0/000": Tile(0, 0),
    "tile/0/007.p/1": Tile(0, 7, 1),
    "tile/63/999": Tile(63, 999),
    "tile/1/x001/000.p/255": Tile(1, 1000, 255),
    "tile/2/x001/x234/067": Tile(2, 1_234_067),
    "tile/entries/x001/x234/067": Bundle(1_234_067),
    "tile/entries/000.p/112": Bundle(0, 112),
    "tile/0/x009/x223/x372/x036/x854/x775/807.p/255": Tile(0, 2**63 - 1, 255),
    "tile/entries/x009/x223/x372/x036/x854/x775/807.p/255": Bundle(2**63 - 1, 255),
}


@pytest.mark.parametrize("path", PATHS)
def test_paths(path: str) -> None:
    assert parse_path(path) == PATHS[path]
    assert PATHS[path].path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x001/1",
        "tile/0/x001/x002",
        "tile/0/001/002",
        "tile/0/x000/001",  # leading zeros
        "tile/0/X001/002",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/100/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/-01",
        "tile/0/1_0",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/entries",
        "tile/entries/",
        "tile/Entries/000",
        "tile/entries/000.p/0",
        "tile/../000",
        "tile/0/..",
        "tile/0/../000",
        "../tile/0/000",
        "/tile/0/000",
        "tile//000",
        "tile/0/000\n",
        "tile/0/000\0",
        "tile/0/000?",
        "tile/0/%30%30%30",
        "tile/٠/000",
        "tile/0/٠٠٠",
        "tile/0/０００",
        "tile/0/000.p/١",
        "tile/0/x009/x223/x372/x036/x854/x775/808",  # 2^63
        "tile/0/" + "x999/" * 7 + "999",
        "tile/0/" + "x000/" * 100 + "001",
        "tile/0/" + "x999/" * 10_000 + "999",
        "\ud800",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(FormatError):
        parse_path(path)


@SETTINGS
@given(st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_every_path_is_read_back(level: int, index: int, width: int) -> None:
    for place in (Tile(level, index, width), Bundle(index, width)):
        assert parse_path(place.path) == place


@SETTINGS
@given(st.one_of(st.text(), st.from_regex(r"tile/[0-9a-z]{1,7}/(x?[0-9]{1,4}/?){0,8}(\.p/[0-9]{0,3})?")))
def test_whatever_path_is_accepted_is_the_one(path: str) -> None:
    try:
        found = parse_path(path)
    except FormatError:
        return
    assert found.path == path


@pytest.mark.parametrize(
    "arguments", [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**63, 1), (0, 0, 0), (0, 0, 257), (True, 0, 1)]
)
def test_what_no_tree_has_is_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(FormatError):
        Tile(*arguments)
    if arguments[0] == 0:
        with pytest.raises(FormatError):
            Bundle(*arguments[1:])


def test_the_tiles_of_a_tree_of_70_000() -> None:
    found = list(tiles(70_000))
    assert found[:273] == [Tile(0, index) for index in range(273)]
    assert found[273:] == [Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]


def test_the_tiles_of_small_trees() -> None:
    assert list(tiles(0)) == []
    assert list(tiles(1)) == [Tile(0, 0, 1)]
    assert list(tiles(255)) == [Tile(0, 0, 255)]
    assert list(tiles(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles(257)) == [Tile(0, 0), Tile(0, 1, 1), Tile(1, 0, 1)]
    assert list(tiles(65_536))[-2:] == [Tile(1, 0), Tile(2, 0, 1)]


def test_the_tiles_of_a_vast_tree_come_one_at_a_time() -> None:
    assert next(tiles(2**63 - 1)) == Tile(0, 0)


@pytest.mark.parametrize("size", [-1, 2**63, True])
def test_tiles_of_no_size(size: int) -> None:
    with pytest.raises(FormatError):
        tiles(size)
    with pytest.raises(FormatError):
        TileNodes(read, size)


@SETTINGS
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles(entries: list[bytes]) -> None:
    data = bundle_encode(entries)
    assert bundle_decode(data, len(entries)) == entries
    for wrong in {1, 256, len(entries) - 1, len(entries) + 1} - {0, 257, len(entries)}:
        with pytest.raises(FormatError):
            bundle_decode(data, wrong)
    for damaged in (data[:-1], data + b"\0", data + b"\0\0"):
        with pytest.raises(FormatError):
            bundle_decode(damaged, len(entries))


def test_the_bytes_of_a_bundle() -> None:
    assert bundle_encode([b"", b"ab", b"c" * 258]) == b"\0\0\0\2ab\1\2" + b"c" * 258
    assert bundle_decode(bundle_encode([b"x" * 65_535]), 1) == [b"x" * 65_535]


@pytest.mark.parametrize("entries", [[], [b""] * 257, [b"x" * 65_536]])
def test_what_no_bundle_holds(entries: list[bytes]) -> None:
    with pytest.raises(FormatError):
        bundle_encode(entries)


@SETTINGS
@given(st.binary(max_size=40), st.integers(-1, 300))
def test_whatever_bundle_is_accepted_is_the_one(data: bytes, width: int) -> None:
    try:
        entries = bundle_decode(data, width)
    except FormatError:
        return
    assert bundle_encode(entries) == data


def test_hashes_of_a_tile() -> None:
    assert split_hashes(b"a" * 32 + b"b" * 32, 2) == [b"a" * 32, b"b" * 32]
    assert len(split_hashes(bytes(8192), 256)) == 256
    for data, width in ((b"", 0), (b"", 1), (bytes(31), 1), (bytes(33), 1), (bytes(64), 1), (bytes(8224), 257)):
        with pytest.raises(FormatError):
            split_hashes(data, width)


def test_what_the_tiles_of_the_tree_hold() -> None:
    # Against the formula of tlog-tiles, by the leaves under each hash.
    for tile in (Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)):
        span = 256**tile.level
        for number, subtree in list(enumerate(read(tile)))[:3]:
            start = (tile.index * 256 + number) * span
            assert subtree == merkle.root_of(ROWS[0][start : start + span])


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, SIZE])
def test_roots_and_proofs_from_tiles_alone(size: int) -> None:
    asked: list[Tile] = []

    def recorded(tile: Tile) -> Sequence[bytes]:
        asked.append(tile)
        return read(tile)

    nodes = TileNodes(recorded, size)
    root = merkle.root(size, nodes)
    assert root == merkle.root(size, stored)
    for index in {0, 1, size // 3, size // 2, size - 1} & set(range(size)):
        proof = merkle.inclusion_proof(index, size, nodes)
        assert proof == merkle.inclusion_proof(index, size, stored)
        merkle.verify_inclusion(stored(0, index), index, size, proof, root)
        assert merkle.consistency_proof(index, size, nodes) == merkle.consistency_proof(index, size, stored)
    assert set(asked) <= set(tiles(size))
    assert len(asked) == len(set(asked))  # each once


@SETTINGS
@given(st.data())
def test_every_node_of_a_tree_from_tiles_alone(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, SIZE))
    level = data.draw(st.integers(0, size.bit_length() - 1))
    index = data.draw(st.integers(0, (size >> level) - 1))
    assert TileNodes(read, size)(level, index) == stored(level, index)


def test_nodes_that_a_tree_does_not_have() -> None:
    nodes = TileNodes(read, 1000)
    for level, index in ((0, 1000), (0, -1), (-1, 0), (3, 125), (10, 0), (64, 0), (10**9, 0)):
        with pytest.raises(ProofError):
            nodes(level, index)


@pytest.mark.parametrize(
    "change",
    [lambda row: row[:-1], lambda row: [*row, bytes(32)], lambda row: row[:0], lambda row: [bytes(31), *row[1:]]],
)
def test_a_tile_of_another_width_is_refused(change: Callable[[list[bytes]], list[bytes]]) -> None:
    nodes = TileNodes(lambda tile: change(list(read(tile))), 1000)
    with pytest.raises(FormatError, match=r"tile/0/003\.p/232"):
        nodes(0, 999)


def test_an_altered_tile_leads_to_another_root() -> None:
    def altered(tile: Tile) -> Sequence[bytes]:
        first, *rest = read(tile)
        return [bytes([first[0] ^ 1]) + first[1:], *rest]

    nodes = TileNodes(altered, 1000)
    assert merkle.root(1000, nodes) != merkle.root(1000, stored)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(
            stored(0, 1),
            1,
            1000,
            merkle.inclusion_proof(1, 1000, nodes),
            merkle.root(1000, stored),
        )


def test_few_tiles_are_kept() -> None:
    asked: list[Tile] = []

    def recorded(tile: Tile) -> Sequence[bytes]:
        asked.append(tile)
        return read(tile)

    nodes = TileNodes(recorded, SIZE, cached=2)
    for index in (0, 256, 0, 256, 512, 0):
        nodes(0, index)
    assert [tile.index for tile in asked] == [0, 1, 2, 0]
