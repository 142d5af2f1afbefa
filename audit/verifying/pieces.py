"""One bundle of a log, checked on its own: the part of a verification that processes share out.

What needs no other bundle is done here: the hashes against the tile above, the form of each entry, and its
signature where its node's key is known. What runs through the whole log goes back to `audit.verify`, in order.
"""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from audit.entry import Entry, EntryKind, parse, verify_signature
from audit.errors import Damage, FormatError, SignatureError, TamperingError
from audit.merkle import HASH_SIZE, leaf_hash
from audit.tile import Bundle, Tile, bundle_decode, split_hashes
from audit.verifying.halves import Half, half_of
from audit.verifying.served import Served, first_entries, first_entry
from audit.verifying.source import Source

Problem = tuple[Damage, int, str]
"""The kind, the first entry concerned, and what is wrong: an error's own, since errors do not travel well."""


class Step(NamedTuple):
    """What an entry says of itself."""

    node: str
    contract: str | None
    counter: int


@dataclass(frozen=True)
class Task:
    """Which bundle, and what is asked about it."""

    bundle: Bundle
    keys: Mapping[str, bytes] | None  # of the nodes that are known; None if entries are not looked into
    contract: str | None = None  # whose entries are given back whole


@dataclass
class Piece:
    """What was found in a bundle."""

    bundle: Bundle
    hashes: Sequence[bytes]
    """Of its entries, computed."""
    tile: Sequence[bytes] | None = None
    """Of its entries, as the log serves them, where they are others."""
    problem: Problem | None = None
    """The first, if there is one; nothing behind it was looked at."""
    steps: list[Step] = field(default_factory=list)
    """Of its entries, in order."""
    halves: list[tuple[int, Half]] = field(default_factory=list)
    """Of uses, with their positions."""
    whole: dict[int, bytes] = field(default_factory=dict)
    """Position → bytes: of enrolments, of the contract's entries, and of those that are not verified yet."""
    unverified: list[int] = field(default_factory=list)
    """Positions of the entries of nodes whose keys were not known."""


_source: list[Source] = []
"""In a process that only checks bundles: where from, on a connection that stays open."""


def begin(source: Source) -> None:
    """Make this process one that checks bundles of the source, for `check_here`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that was started by hand
    _source[:] = [source]


def check_here(task: Task) -> Piece:
    """What `check` finds, in a process that has begun."""
    return check(task, _source[0])


def check(task: Task, source: Source) -> Piece:
    """What is found in the bundle. Raises UnavailableError if it cannot be read."""
    served, bundle = Served(source), task.bundle
    tile = Tile(0, bundle.index, bundle.width)
    try:
        data = served.bundle(bundle)
        hashes = split_hashes(served.tile(tile), tile.width)
    except TamperingError as error:
        return Piece(bundle, [], problem=_problem(error))
    entries = _entries(data, bundle.width)
    piece = Piece(bundle, [leaf_hash(entry) for entry in entries])
    if piece.hashes != hashes[: len(entries)]:
        piece.tile = hashes
        return piece
    try:
        _require_whole(bundle, data, entries)
        _check_older(served, tile, data, hashes)
        if task.keys is not None:
            _look_into(piece, entries, task.keys, task.contract)
    except TamperingError as error:
        piece.problem = _problem(error)
    return piece


def _entries(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle up to where it is none, as many as it should have at most."""
    entries: list[bytes] = []
    start = 0
    while len(entries) < width:
        stop = start + 2 + int.from_bytes(data[start : start + 2])
        if stop > len(data):
            break
        entries.append(data[start + 2 : stop])
        start = stop
    return entries


def _require_whole(bundle: Bundle, data: bytes, entries: Sequence[bytes]) -> None:
    index = first_entry(bundle, len(entries))
    if len(entries) < bundle.width:
        raise TamperingError(Damage.CHANGED, index, f"entry {index} is cut off in {bundle.path}")
    try:
        bundle_decode(data, bundle.width)
    except FormatError as error:
        problem = f"{bundle.path} goes on behind entry {index - 1}, its last"
        raise TamperingError(Damage.NOT_INCLUDED, index, problem) from error


def _check_older(served: Served, tile: Tile, data: bytes, hashes: Sequence[bytes]) -> None:
    """Compare what is still there from when the bundle and its tile were not as wide."""
    bundle = Bundle(tile.index, tile.width)
    for old, stored in served.older(bundle):
        if stored != first_entries(data, old.width):
            own, index = _entries(data, old.width), first_entry(bundle)
            index += next((at for at, each in enumerate(_entries(stored, old.width)) if each != own[at]), 0)
            raise TamperingError(Damage.CHANGED, index, f"{old.path}: not the entries of {bundle.path}")
    check_older_tiles(served, tile, hashes)


def check_older_tiles(served: Served, tile: Tile, hashes: Sequence[bytes]) -> None:
    """Compare what is still there from when the tile was not as wide; raises TamperingError."""
    for old, stored in served.older(tile):
        if stored != b"".join(hashes[: old.width]):
            shown = [stored[at : at + HASH_SIZE] for at in range(0, len(stored), HASH_SIZE)]
            position = next((at for at, each in enumerate(shown[: old.width]) if each != hashes[at]), 0)
            problem = f"{old.path}: not the hashes of {tile.path}"
            raise TamperingError(Damage.BAD_TILE, first_entry(tile, position), problem)


def _look_into(piece: Piece, entries: Sequence[bytes], keys: Mapping[str, bytes], contract: str | None) -> None:
    first = first_entry(piece.bundle)
    for position, data in enumerate(entries):
        entry = read(first + position, data)
        piece.steps.append(Step(entry.node, entry.contract, entry.counter))
        if (half := half_of(entry)) is not None:
            piece.halves.append((position, half))
        key = keys.get(entry.node)
        if key is None:
            piece.unverified.append(position)
        if (
            key is None
            or entry.kind is EntryKind.PARTY_ENROLLED
            or (contract is not None and entry.contract == contract)
        ):
            piece.whole[position] = data
        if key is not None:
            require_signed(first + position, entry, key)


def read(index: int, data: bytes) -> Entry:
    """The entry of these bytes at this index; raises TamperingError if they are none."""
    try:
        return parse(data)
    except FormatError as error:
        raise TamperingError(Damage.MALFORMED, index, f"entry {index} is none: {error}") from error


def require_signed(index: int, entry: Entry, key: bytes) -> None:
    """Return if this key signed the entry at this index; raises TamperingError if not."""
    try:
        verify_signature(entry, key)
    except SignatureError as error:
        raise TamperingError(Damage.NOT_SIGNED, index, f"entry {index}: {error}") from error


def _problem(error: TamperingError) -> Problem:
    return error.damage, error.index or 0, str(error)
