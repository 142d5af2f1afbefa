"""What a log serves under one checkpoint, read from a source: its tiles and its bundles, and whose fault one is.

A tile can be checked without its entries: it leads up to the signed root, or it does not. That tells a tile that
was changed from entries that were, where the two do not fit together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from audit import checkpoint as checkpoints
from audit.checkpoint import Checkpoint
from audit.errors import Damage, FormatError, MissingError, ProofError, TamperingError
from audit.merkle import HASH_SIZE, node_hash, root
from audit.note import MAX_SIZE
from audit.tile import FULL_WIDTH, HEIGHT, MAX_ENTRY, Bundle, Tile, TileNodes, split_hashes
from audit.verifying.source import Source

_MAX_BUNDLE = FULL_WIDTH * (2 + MAX_ENTRY)  # bytes
_CACHED = 64  # tiles

P = TypeVar("P", Tile, Bundle)


def read_checkpoint(source: Source) -> Checkpoint:
    """The checkpoint of a source, which is in form and no more; raises FormatError and UnavailableError."""
    try:
        return checkpoints.parse(source.read("checkpoint", MAX_SIZE))
    except MissingError as error:
        raise MissingError(f"{error}; name the URL of a log, or a folder with its copy") from error


def first_entry(tile: Tile | Bundle, position: int = 0) -> int:
    """The first entry under the hash at a position of a tile, or at that of a bundle."""
    level = tile.level if isinstance(tile, Tile) else 0
    return (tile.index * FULL_WIDTH + position) << (HEIGHT * level)


def subtree(hashes: Sequence[bytes]) -> bytes:
    """The root over the hashes of a full tile."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


@dataclass(frozen=True)
class Served:
    """The files of a source."""

    source: Source

    def tile(self, tile: Tile) -> bytes:
        """The bytes of a tile; raises TamperingError for one that is missing or not of its length."""
        data = self._read(tile, tile.width * HASH_SIZE)
        if len(data) != tile.width * HASH_SIZE:
            problem = f"{tile.path}: not {tile.width} hashes"
            raise TamperingError(Damage.BAD_TILE, first_entry(tile), problem)
        return data

    def bundle(self, bundle: Bundle) -> bytes:
        """The bytes of a bundle, in whatever form; raises TamperingError for one that is missing."""
        return self._read(bundle, _MAX_BUNDLE)

    def older(self, full: P) -> Iterator[tuple[P, bytes]]:
        """What lies there of a tile or bundle from when it was not as wide as it is now, with its bytes."""
        for width in self.source.partials(type(full)(**{**vars(full), "width": FULL_WIDTH}).path):
            if width < full.width:
                older = type(full)(**{**vars(full), "width": width})
                yield older, self.source.read(older.path, _MAX_BUNDLE)

    def _read(self, wanted: Tile | Bundle, limit: int) -> bytes:
        try:
            return self.source.read(wanted.path, limit)
        except MissingError as error:
            if wanted.width == FULL_WIDTH:
                raise _dropped(wanted) from error
        # Once a tile is full, a log need not keep the partial one: C2SP tlog-tiles, "Partial tiles".
        full = type(wanted)(**{**vars(wanted), "width": FULL_WIDTH})
        try:
            data = self.source.read(full.path, _MAX_BUNDLE)
        except MissingError as error:
            raise _dropped(wanted) from error
        return data[:limit] if isinstance(wanted, Tile) else first_entries(data, wanted.width)


def first_entries(data: bytes, count: int) -> bytes:
    """The bytes of the first `count` entries in those of a bundle; all of them if it has fewer."""
    stop = 0
    for _ in range(count):
        stop += 2 + int.from_bytes(data[stop : stop + 2])
    return data[:stop]


class Commitment:
    """What a signed size and root commit to, as far as the served tiles show it."""

    def __init__(self, served: Served, size: int, root: bytes) -> None:
        self._served, self.size, self.root = served, size, root
        self._tile = lru_cache(maxsize=_CACHED)(self._read)

    @property
    def nodes(self) -> TileNodes:
        """The nodes of the tree by its tiles; raises TamperingError where one is missing."""
        return TileNodes(self._tile, self.size)

    def covers(self, tile: Tile, hashes: Sequence[bytes]) -> bool:
        """Whether these are the hashes of the tile, by those above it."""
        try:
            return self._leads_up(tile, hashes)
        except (TamperingError, ProofError, FormatError):
            return False

    def blame(self, tile: Tile, served: Sequence[bytes], own: Sequence[bytes]) -> TamperingError:
        """What is wrong where a served tile is not `own`, computed from the entries, or from the first of them."""
        position = next(
            (at for at, (left, right) in enumerate(zip(served, own, strict=False)) if left != right), len(own)
        )
        first = first_entry(tile, position)
        if len(own) == tile.width and self.covers(tile, own):
            problem = f"{tile.path}: its hash {position}, from entry {first} on, is not that of what it covers"
            return TamperingError(Damage.BAD_TILE, first, problem)
        last = first_entry(tile, position + 1) - 1
        which = f"entry {first} is" if last == first else f"one of the entries {first} to {last} is"
        if self.covers(tile, served):
            problem = f"{which} not the one that the log commits to"
        else:
            problem = f"{which} not the one that {tile.path} commits to, and neither is what the log has signed"
        return TamperingError(Damage.CHANGED, first, problem)

    def _leads_up(self, tile: Tile, hashes: Sequence[bytes]) -> bool:
        if tile.width < FULL_WIDTH:  # on the edge: a part of the root itself

            def nodes(asked: Tile) -> Sequence[bytes]:
                return hashes if asked == tile else self._tile(asked)

            return root(self.size, TileNodes(nodes, self.size)) == self.root
        number, position = divmod(tile.index, FULL_WIDTH)
        width = min(FULL_WIDTH, (self.size >> (HEIGHT * (tile.level + 1))) - number * FULL_WIDTH)
        above = Tile(tile.level + 1, number, width)
        own = list(self._tile(above))
        own[position] = subtree(hashes)
        return self._leads_up(above, own)

    def _read(self, tile: Tile) -> list[bytes]:
        return split_hashes(self._served.tile(tile), tile.width)


def _dropped(wanted: Tile | Bundle) -> TamperingError:
    return TamperingError(Damage.DROPPED, first_entry(wanted), f"{wanted.path}: missing")
