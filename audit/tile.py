"""Tiles and entry bundles: a log cut into files that never change (C2SP tlog-tiles), without I/O.

A tile holds up to 256 hashes, side by side, of one level of the tree; a bundle the entries under a tile of level
0. One level of tiles is eight binary levels of `audit.merkle`: tile level l holds the hashes of binary level 8·l.
Hash i of tile n at level l is the root of the leaves [(256·n + i)·256^l, (256·n + i + 1)·256^l).

Only the rightmost tile of a level is partial, and what a partial tile covers is in no tile above it: a tree of
70,000 entries has 273 full tiles and one of width 112 at level 0, a full one and one of 17 at level 1, one of 1 at
level 2. Whatever was read from tiles is as good as the signed root that it is then checked against.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from audit.errors import FormatError, ProofError
from audit.merkle import HASH_SIZE, SIZE_LIMIT, node_hash

HEIGHT = 8  # binary levels under one level of tiles
FULL_WIDTH = 1 << HEIGHT
MAX_LEVEL = 63
MAX_ENTRY = 65_535  # bytes of an entry: what its uint16 length can say
CACHED_TILES = 64  # half a megabyte of hashes

_MAX_PATH = 64  # characters; the longest path of an index below 2^63 has 52
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True)
class Tile:
    """Which hashes of the tree a tile holds. Making one that no tree has raises FormatError."""

    level: int  # 0 to 63
    index: int  # of the tile among those of its level
    width: int = FULL_WIDTH  # hashes: below 256 in a partial tile

    def __post_init__(self) -> None:
        _require("level", self.level, 0, MAX_LEVEL)
        _require_place(self.index, self.width)

    @property
    def path(self) -> str:
        """Where the tile is served, below the log's URL."""
        return f"tile/{self.level}/{_place(self.index, self.width)}"


@dataclass(frozen=True)
class Bundle:
    """Which entries a bundle holds. Making one that no tree has raises FormatError."""

    index: int  # of the bundle, as of the tile of level 0 over its entries
    width: int = FULL_WIDTH  # entries: below 256 in a partial bundle

    def __post_init__(self) -> None:
        _require_place(self.index, self.width)

    @property
    def path(self) -> str:
        """Where the bundle is served, below the log's URL."""
        return f"tile/entries/{_place(self.index, self.width)}"


def parse_path(path: str) -> Tile | Bundle:
    """What is served at this path: `parse_path(path).path == path` for whatever is accepted.

    Raises FormatError for every other path: tlog-tiles, "Merkle Tree" and "Log entries".
    """
    match = _PATH.fullmatch(path) if len(path) <= _MAX_PATH else None
    if match is None:
        raise FormatError(f"{path!r:.80}: no path of a tile or an entry bundle")
    index = int(match["index"].replace("/", "").replace("x", ""))
    width = int(match["width"] or FULL_WIDTH)
    is_bundle = match["level"] == "entries"
    found = Bundle(index, width) if is_bundle else Tile(int(match["level"]), index, width)
    if found.path != path:  # x000/001, .p/256
        raise FormatError(f"{path!r:.80}: not the one path of what it names, which is {found.path}")
    return found


def tiles(size: int) -> Iterator[Tile]:
    """The tiles of a tree with this many leaves, level by level, and the partial tile of a level last.

    One at a time: a tree of n leaves has some n/255. Raises FormatError if `size` is no tree size.
    """
    _require("size", size, 0, SIZE_LIMIT - 1)
    return (tile for level in range(MAX_LEVEL + 1) for tile in _level_tiles(level, size >> (HEIGHT * level)))


def _level_tiles(level: int, hashes: int) -> Iterator[Tile]:
    full, width = divmod(hashes, FULL_WIDTH)
    for index in range(full):
        yield Tile(level, index)
    if width:  # empty tiles are never served
        yield Tile(level, full, width)


# --- contents ---------------------------------------------------------------------------------------------


def split_hashes(data: bytes, width: int) -> list[bytes]:
    """The hashes in the bytes of a tile of this width; raises FormatError unless there are exactly so many."""
    _require("width", width, 1, FULL_WIDTH)
    if len(data) != width * HASH_SIZE:
        raise FormatError(f"a tile of {width} hashes has {width * HASH_SIZE} bytes, not {len(data)}")
    return [data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)]


def bundle_encode(entries: Sequence[bytes]) -> bytes:
    """The bundle of these entries: the big-endian uint16 length of each, then its bytes.

    Raises FormatError unless there are 1 to 256 entries of at most 65,535 bytes.
    """
    _require("width", len(entries), 1, FULL_WIDTH)
    for entry in entries:
        _require("length of an entry", len(entry), 0, MAX_ENTRY)
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def bundle_split(data: bytes) -> list[bytes]:
    """The entries of a bundle of whatever width; raises FormatError unless it holds 1 to 256, and nothing else."""
    entries: list[bytes] = []
    start = 0
    while start < len(data) or not entries:
        length = int.from_bytes(data[start : start + 2])
        entry = data[start + 2 : start + 2 + length]
        if start + 2 > len(data) or len(entry) != length or len(entries) == FULL_WIDTH:
            raise FormatError(f"the bundle ends within entry {len(entries)}, or has more than {FULL_WIDTH}")
        entries.append(entry)
        start += 2 + length
    return entries


def bundle_decode(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle of this width; raises FormatError unless it holds exactly so many, and no more."""
    _require("width", width, 1, FULL_WIDTH)
    entries = bundle_split(data)
    if len(entries) != width:
        raise FormatError(f"the bundle has {len(entries)} entries, not {width}")
    return entries


# --- reading a tree ---------------------------------------------------------------------------------------


class TileNodes:
    """The nodes of the tree at one size, for the functions of `audit.merkle`, read from its tiles alone.

    `read` gives the hashes of a tile; it is asked for tiles of the tree at `size` only, and for none of the last
    `cached` ones again. What a node raises: FormatError if a tile has other than its number of hashes, ProofError
    if the tree has no such complete subtree, and whatever `read` raises.
    """

    def __init__(self, read: Callable[[Tile], Sequence[bytes]], size: int, *, cached: int = CACHED_TILES) -> None:
        _require("size", size, 0, SIZE_LIMIT - 1)
        self.size = size

        def checked(tile: Tile) -> Sequence[bytes]:
            hashes = read(tile)
            if len(hashes) != tile.width or any(len(each) != HASH_SIZE for each in hashes):
                raise FormatError(f"{tile.path}: not {tile.width} hashes")
            return hashes

        self._read = lru_cache(maxsize=cached)(checked)

    def __call__(self, level: int, index: int) -> bytes:
        """The hash of the complete subtree (level, index)."""
        if level < 0 or not 0 <= index < self.size >> level:
            raise ProofError(f"a tree of size {self.size} has no complete subtree ({level}, {index})")
        tile_level, height = divmod(level, HEIGHT)
        number, start = divmod(index << height, FULL_WIDTH)
        width = min(FULL_WIDTH, (self.size >> (HEIGHT * tile_level)) - number * FULL_WIDTH)
        row = list(self._read(Tile(tile_level, number, width))[start : start + (1 << height)])
        while len(row) > 1:
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
        return row[0]


def _place(index: int, width: int) -> str:
    """`<N>[.p/<W>]`: the index in groups of three digits, all but the last with an x before them."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    suffix = "" if width == FULL_WIDTH else f".p/{width}"
    return "/".join([*("x" + group for group in groups[:-1]), groups[-1]]) + suffix


def _require_place(index: int, width: int) -> None:
    _require("index", index, 0, SIZE_LIMIT - 1)
    _require("width", width, 1, FULL_WIDTH)


def _require(name: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:  # bool is an int, and no count
        raise FormatError(f"the {name} is not an integer from {low} to {high}")
