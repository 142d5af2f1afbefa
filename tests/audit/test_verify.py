"""A log verified from outside: whatever is done to what it serves is found, by kind and first entry."""

from dataclasses import replace
from pathlib import Path

import log_story as story
import pytest
from log_story import BANK, CONTRACT, MARKET, NOW, ORIGIN, TAX, WITNESSES, flip, lay
from log_verified import LEAVES, SIZE, damage, verified

from audit import checkpoint as checkpoints
from audit.checkpoint import Checkpoint
from audit.database import open_engine
from audit.entry import EntryKind, encode, parse, sign
from audit.errors import Damage, TamperingError
from audit.log import Log
from audit.merkle import leaf_hash
from audit.note import Note
from audit.storage.batch import Signer
from audit.tile import Bundle, Tile, bundle_encode
from audit.verify import Scope, verify
from audit.verifying.files import LogFiles, copy
from audit.verifying.served import read_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay(tmp_path / "log", LEAVES)


# --- what is intact -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 7, 255, 256, 257, 512, 600])
def test_an_intact_log_is_verified_from_whatever_was_seen_before(tmp_path: Path, size: int) -> None:
    folder = lay(tmp_path, LEAVES[:size])
    found = verified(folder)
    assert (found.checkpoint.size, found.is_fresh) == (size, True)
    assert dict(found.standing.cosigned) == dict.fromkeys(WITNESSES, NOW)
    for before in {0, 1, 255, 256, 257, 511, 512, size - 1, size}:
        if 0 <= before <= size:
            verified(folder, story.checkpoint(LEAVES[:before]), scope=Scope(entries=False, processes=1))


def test_what_the_log_itself_serves_is_what_is_verified(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "log.db")
    try:
        log = Log(engine, Signer(ORIGIN, MARKET, story.KEYS[MARKET], lambda: NOW * 1000))
        log.append_many(parse(each) for each in LEAVES[:300])
        log.append_many(parse(each) for each in LEAVES[300:])
        files = LogFiles(log)
        assert copy(files, tmp_path / "copy") == SIZE
        found = verify(files, read_checkpoint(files), story.policy(), NOW, scope=Scope(processes=1))
    finally:
        engine.dispose()
    assert not found.is_fresh  # nobody has cosigned it
    (tmp_path / "copy" / "checkpoint").write_bytes(story.checkpoint(LEAVES).encode())
    lay(tmp_path / "laid", LEAVES)
    assert contents(tmp_path / "copy") == contents(tmp_path / "laid")
    assert verified(tmp_path / "copy").is_fresh


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_processes_share_the_work_and_nothing_changes(tmp_path: Path) -> None:
    leaves = story.leaves(2000)
    folder, seen = lay(tmp_path, leaves), list[tuple[int, bytes]]()
    done: list[int] = []
    scope = Scope(contract=CONTRACT, take=lambda *each: seen.append(each), progress=done.append, processes=2)
    assert verified(folder, story.checkpoint(leaves[:999]), scope=scope).findings == ()
    assert done == [*range(256, 2000, 256), 2000]
    expected = [
        (index, leaf)
        for index, leaf in enumerate(leaves)
        if (entry := parse(leaf)).kind is EntryKind.PARTY_ENROLLED or entry.contract == CONTRACT
    ]
    assert seen == expected
    flip(folder / Bundle(6).path, 5000)
    with pytest.raises(TamperingError) as raised:
        verified(folder, scope=scope)
    assert raised.value.damage is Damage.CHANGED
    assert 6 * 256 <= (raised.value.index or 0) < 7 * 256


def test_a_log_of_three_levels_is_verified_by_its_tree(tmp_path: Path) -> None:
    leaves = LEAVES[:1] * 66_000  # one entry is as good as another where none is looked into
    folder = lay(tmp_path, leaves)
    tree = Scope(entries=False, processes=1)
    assert verified(folder, story.checkpoint(leaves[:65_536]), scope=tree).checkpoint.size == 66_000
    flip(folder / Tile(1, 0).path, 32 * 3)
    with pytest.raises(TamperingError) as raised:
        verified(folder, scope=tree)
    assert (raised.value.damage, raised.value.index) == (Damage.BAD_TILE, 3 * 256)


# --- what is served otherwise than it was ---------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1, 255, 256, 300, 511, 512, 599])
def test_a_changed_hash_is_the_tiles_fault(folder: Path, index: int) -> None:
    flip(folder / Tile(0, index // 256, min(256, SIZE - index // 256 * 256)).path, index % 256 * 32 + 5)
    assert damage(folder) == (Damage.BAD_TILE, index)


@pytest.mark.parametrize("position", [0, 1])
def test_a_changed_hash_of_a_higher_tile_is_that_tiles_fault(folder: Path, position: int) -> None:
    flip(folder / Tile(1, 0, 2).path, position * 32)
    assert damage(folder) == (Damage.BAD_TILE, position * 256)


def bundle_path(folder: Path, index: int) -> Path:
    return folder / Bundle(index // 256, min(256, SIZE - index // 256 * 256)).path


def relaid(folder: Path, entries: list[bytes]) -> None:
    """Serve other entries in the bundles, and leave the tiles."""
    for first in range(0, len(entries), 256):
        bundle = entries[first : first + 256]
        story.put(folder / Bundle(first // 256, len(bundle)).path, bundle_encode(bundle))


@pytest.mark.parametrize("index", [0, 1, 255, 256, 300, 511, 512, 599])
def test_a_changed_entry_is_named(folder: Path, index: int) -> None:
    relaid(
        folder, [*LEAVES[:index], LEAVES[index].replace(b'"rows":3', b'"rows":4').swapcase(), *LEAVES[index + 1 :]]
    )
    assert damage(folder) == (Damage.CHANGED, index)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (0, 599), (255, 256), (300, 301)])
def test_swapped_entries_are_named(folder: Path, one: int, other: int) -> None:
    swapped = list(LEAVES)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    relaid(folder, swapped)
    assert damage(folder) == (Damage.CHANGED, one)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 300, 512, 598])
def test_an_inserted_and_a_deleted_entry_are_named(tmp_path: Path, index: int) -> None:
    lay(tmp_path / "inserted", LEAVES)
    relaid(tmp_path / "inserted", [*LEAVES[:index], b"{}", *LEAVES[index:-1]])
    assert damage(tmp_path / "inserted") == (Damage.CHANGED, index)
    lay(tmp_path / "deleted", LEAVES)
    relaid(tmp_path / "deleted", [*LEAVES[:index], *LEAVES[index + 1 :], b"{}"])
    assert damage(tmp_path / "deleted") == (Damage.CHANGED, index)


def test_an_entry_too_many_and_one_too_few_in_a_bundle_are_named(folder: Path) -> None:
    path = bundle_path(folder, 599)
    whole = path.read_bytes()
    path.write_bytes(whole + bundle_encode([b"more"]))
    assert damage(folder) == (Damage.NOT_INCLUDED, 600)
    path.write_bytes(whole[:-1])
    assert damage(folder) == (Damage.CHANGED, 599)
    path.write_bytes(bundle_encode(LEAVES[512:555]))
    assert damage(folder) == (Damage.CHANGED, 555)
    path.write_bytes(b"")
    assert damage(folder) == (Damage.CHANGED, 512)


@pytest.mark.parametrize("path", [Bundle(1), Bundle(2, 88), Tile(0, 1), Tile(0, 2, 88), Tile(1, 0, 2)])
def test_what_is_missing_is_named(folder: Path, path: Bundle | Tile) -> None:
    (folder / path.path).unlink()
    first = 0 if path == Tile(1, 0, 2) else path.index * 256
    assert damage(folder) == (Damage.DROPPED, first)


@pytest.mark.parametrize("tile", [Tile(0, 1), Tile(0, 2, 88), Tile(1, 0, 2)])
def test_a_tile_of_another_length_is_named(folder: Path, tile: Tile) -> None:
    path = folder / tile.path
    path.write_bytes(path.read_bytes() + b"\0" * 32)
    assert damage(folder) == (Damage.BAD_TILE, 0 if tile.level else tile.index * 256)
    path.write_bytes(path.read_bytes()[:-33])
    assert damage(folder) == (Damage.BAD_TILE, 0 if tile.level else tile.index * 256)


def test_entries_changed_together_with_their_tile_are_found(folder: Path) -> None:
    entry = parse(LEAVES[300])
    forged = encode(sign(replace(entry, time=entry.time + 1), entry.counter, story.KEYS[entry.node]))
    relaid(folder, [*LEAVES[:300], forged, *LEAVES[301:]])
    tile = folder / Tile(0, 1).path
    tile.write_bytes(b"".join(leaf_hash(each) for each in [*LEAVES[256:300], forged, *LEAVES[301:512]]))
    with pytest.raises(TamperingError, match="one of the entries 256 to 511") as raised:
        verified(folder)
    assert (raised.value.damage, raised.value.index) == (Damage.CHANGED, 256)


def test_a_log_whose_files_fit_together_but_not_to_its_root_is_found(tmp_path: Path) -> None:
    entry = parse(LEAVES[300])
    forged = encode(sign(replace(entry, time=entry.time + 1), entry.counter, story.KEYS[entry.node]))
    folder = lay(tmp_path, [*LEAVES[:300], forged, *LEAVES[301:]], story.checkpoint(LEAVES))
    assert damage(folder) == (Damage.CHANGED, None)
    # What was seen before tells that it is behind that.
    with pytest.raises(TamperingError, match="behind the first 280"):
        verified(folder, story.checkpoint(LEAVES[:280]))


def test_partial_tiles_and_bundles_of_before_are_compared_too(folder: Path) -> None:
    older = {
        Bundle(1, 44): bundle_encode(LEAVES[256:300]),
        Bundle(2, 3): bundle_encode(LEAVES[512:515]),
        Tile(0, 1, 44): b"".join(map(leaf_hash, LEAVES[256:300])),
        Tile(0, 2, 3): b"".join(map(leaf_hash, LEAVES[512:515])),
        Tile(1, 0, 1): (folder / Tile(1, 0, 2).path).read_bytes()[:32],
    }
    for old, data in older.items():
        story.put(folder / old.path, data)
    verified(folder)
    for old, data in older.items():
        flip(folder / old.path, len(data) - 1)
        kind, index = damage(folder)
        if isinstance(old, Bundle):
            assert (kind, index) == (Damage.CHANGED, old.index * 256 + old.width - 1)
        else:
            assert (kind, index) == (Damage.BAD_TILE, 0 if old.level else old.index * 256 + old.width - 1)
        flip(folder / old.path, len(data) - 1)
    (folder / Bundle(1, 44).path).write_bytes(bundle_encode(LEAVES[256:299]))
    assert damage(folder) == (Damage.CHANGED, 256)


def older_view(folder: Path, head: Checkpoint) -> Path:
    """The whole log, published up to 300: that the partial tiles of level 0 are full by now is of no matter."""
    lay(folder, LEAVES, head)
    story.put(folder / Tile(1, 0, 1).path, (folder / Tile(1, 0, 2).path).read_bytes()[:32])
    return folder


def test_a_log_that_keeps_no_partial_tile_behind_a_full_one_is_verified(tmp_path: Path) -> None:
    folder = older_view(tmp_path, story.checkpoint(LEAVES[:300]))
    assert verified(folder).checkpoint.size == 300


def test_every_byte_that_is_served_counts(tmp_path: Path) -> None:
    folder = lay(tmp_path, story.leaves(2))
    story.put(folder / Tile(0, 0, 1).path, leaf_hash(LEAVES[0]))
    assert verified(folder).is_fresh
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for offset in range(len(whole)):
            flip(path, offset, 1 << offset % 8)
            assert not is_intact(folder), (path, offset)
            path.write_bytes(whole)
    assert is_intact(folder)


def is_intact(folder: Path) -> bool:
    try:
        return verified(folder).is_fresh
    except (TamperingError, checkpoints.FormatError):
        return False


# --- what the log itself did ----------------------------------------------------------------------------------


def test_a_log_cut_off_or_rolled_back_is_known_by_what_was_seen(tmp_path: Path) -> None:
    seen = story.checkpoint(LEAVES)
    folder = lay(tmp_path, LEAVES[:-2])
    verified(folder)  # by itself it is a log like any other
    assert damage(folder, seen) == (Damage.ROLLED_BACK, 598)


def test_a_log_made_anew_with_its_own_key_is_known_by_what_was_seen_and_by_its_witnesses(tmp_path: Path) -> None:
    entry = parse(LEAVES[300])
    forged = encode(sign(replace(entry, time=entry.time + 1), entry.counter, story.KEYS[entry.node]))
    made = [*LEAVES[:300], forged, *LEAVES[301:]]
    folder = lay(tmp_path, made, story.checkpoint(made, witnesses=()))
    assert damage(folder, story.checkpoint(LEAVES)) == (Damage.FORKED, None)
    assert damage(folder, story.checkpoint(LEAVES[:400])) == (Damage.REWRITTEN, None)
    verified(folder, story.checkpoint(LEAVES[:300]))  # up to there it is what it was
    found = verified(folder)  # who never saw it before misses the witnesses: they cosign no second history
    assert (found.standing.at, found.is_fresh) == (None, False)
    assert set(found.standing.missing) == set(WITNESSES)


def test_what_was_seen_before_the_first_quorum_may_be_newer(tmp_path: Path) -> None:
    folder = older_view(tmp_path, story.checkpoint(LEAVES[:300]))
    verified(folder, story.checkpoint(LEAVES, witnesses=()))
    other = [*LEAVES[:-1], LEAVES[0]]
    assert damage(folder, story.checkpoint(other, witnesses=())) == (Damage.ROLLED_BACK, 300)
    older_view(tmp_path, story.checkpoint(LEAVES[:300], witnesses=()))
    assert damage(folder, story.checkpoint(LEAVES, witnesses=())) == (Damage.ROLLED_BACK, 300)


def test_a_checkpoint_of_another_log_or_key_is_refused(tmp_path: Path) -> None:
    folder = lay(tmp_path, LEAVES[:9], story.checkpoint(LEAVES[:9], origin="other.example/log"))
    assert damage(folder) == (Damage.NOT_SIGNED, None)
    by_bank = checkpoints.signed(ORIGIN, 9, story.checkpoint(LEAVES[:9]).root, story.KEYS[BANK])
    (folder / "checkpoint").write_bytes(by_bank)
    assert damage(folder) == (Damage.NOT_SIGNED, None)
    honest, root = story.checkpoint(LEAVES[:9]), story.checkpoint(LEAVES[:8]).root
    text = checkpoints.text(ORIGIN, 9, root)
    (folder / "checkpoint").write_bytes(Note(text, honest.note.signatures).encode())
    assert damage(folder) == (Damage.NOT_SIGNED, None)


@pytest.mark.parametrize(
    ("witnesses", "quorum", "fresh"), [((BANK, TAX), 3, False), ((BANK, TAX), 2, True), ((), 1, False)]
)
def test_too_few_witnesses_are_no_quorum(
    tmp_path: Path,
    witnesses: tuple[str, ...],
    quorum: int,
    fresh: bool,  # noqa: FBT001 -- from the table
) -> None:
    folder = lay(tmp_path, LEAVES[:9], story.checkpoint(LEAVES[:9], witnesses=witnesses))
    assert verified(folder, policy=story.policy(quorum)).is_fresh is fresh


@pytest.mark.parametrize(("age", "fresh"), [(600, True), (601, False), (-60, True), (-61, False)])
def test_a_quorum_that_is_too_old_or_not_yet_is_none(tmp_path: Path, age: int, fresh: bool) -> None:  # noqa: FBT001 -- from the table
    folder = lay(tmp_path, LEAVES[:9])
    assert verified(folder, now=NOW + age).is_fresh is fresh
