"""A log is watched: it only grows, or it is proven that it does not."""

from pathlib import Path

import log_story as story
from log_story import BANK, NOW, flip, lay

from audit.errors import Damage
from audit.tile import Tile
from audit.verifying.monitor import Monitor, Watch
from audit.verifying.source import Folder
from audit.verifying.verdict import Outcome, Verdict

LEAVES = story.leaves(600)


def monitor(folder: Path) -> Monitor:
    (folder / "kept").mkdir(exist_ok=True)
    return Monitor(folder / "kept", story.policy(), Folder(folder / "log"))


def kept(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in (folder / "kept").glob(pattern))


def test_every_checkpoint_is_kept_with_its_latest_cosignatures(tmp_path: Path) -> None:
    for size in (0, 9, 9, 255, 256, 600):
        lay(tmp_path / "log", LEAVES[:size])
        found = monitor(tmp_path).look(NOW)
        assert (found.outcome, found.exit_code) == (Outcome.INTACT, 0), found
    assert [int(name[:19]) for name in kept(tmp_path)] == [0, 9, 255, 256, 600]
    later = story.checkpoint(LEAVES, NOW + 60)
    lay(tmp_path / "log", LEAVES, later)
    monitor(tmp_path).look(NOW + 60)
    assert len(kept(tmp_path)) == 5
    assert (tmp_path / "kept" / kept(tmp_path)[-1]).read_bytes() == later.encode()
    assert monitor(tmp_path).last(NOW) == later


def test_a_fork_a_rollback_and_a_rewriting_leave_both_notes(tmp_path: Path) -> None:
    seen = story.checkpoint(LEAVES[:300])
    for name, entries, damage in (
        ("forked", [*LEAVES[:299], LEAVES[0]], Damage.FORKED),
        ("rolled back", LEAVES[:299], Damage.ROLLED_BACK),
        ("rewritten", [LEAVES[1], *LEAVES[1:400]], Damage.REWRITTEN),
    ):
        folder = tmp_path / name
        lay(folder / "log", LEAVES[:300])
        assert monitor(folder).look(NOW).outcome is Outcome.INTACT
        new = story.checkpoint(entries)
        lay(folder / "log", entries)
        for _ in range(2):
            found = monitor(folder).look(NOW)
            assert (found.outcome, found.damage) == (Outcome.TAMPERED, damage)
            assert [path.read_bytes() for path in found.proof] == [seen.encode(), new.encode()]
        assert len(kept(folder, "*.proof")) == 2
        assert len(kept(folder, "*.checkpoint")) == 1  # what contradicts is proof, and no memory


def test_a_changed_tile_is_no_rewriting(tmp_path: Path) -> None:
    lay(tmp_path / "log", LEAVES[:300])
    monitor(tmp_path).look(NOW)
    lay(tmp_path / "log", LEAVES)
    flip(tmp_path / "log" / Tile(0, 1).path, 60 * 32)
    found = monitor(tmp_path).look(NOW)
    assert (found.damage, found.proof) == (Damage.BAD_TILE, ())


def test_what_was_kept_and_is_not_of_this_log_is_told(tmp_path: Path) -> None:
    lay(tmp_path / "log", LEAVES[:9])
    monitor(tmp_path)
    (tmp_path / "kept" / f"{5:019d}-{'0' * 16}.checkpoint").write_bytes(b"nonsense")
    found = monitor(tmp_path).look(NOW)
    assert found.outcome is Outcome.UNKNOWN
    assert "restore it from its copy" in str(found.problem)


def test_the_watch_alarms_once_for_each_time_that_something_is_wrong(tmp_path: Path) -> None:
    alarms: list[Outcome] = []
    told: list[str] = []
    now = [float(NOW)]

    def alarm(verdict: Verdict) -> None:
        alarms.append(verdict.outcome)

    lay(tmp_path / "log", LEAVES[:9])
    watch = Watch(monitor(tmp_path), alarm, told.append, lambda: now[0])
    watch.look()
    watch.look()
    assert (alarms, len(told)) == ([], 1)
    assert told[0].startswith("Size 条目数 9, root 根哈希 ")
    now[0] += 601  # the quorum is too old by now
    watch.look()
    watch.look()
    assert alarms == [Outcome.STALE]
    lay(tmp_path / "log", LEAVES[:9], story.checkpoint(LEAVES[:9], NOW + 600))
    watch.look()
    assert told[-1] == "The log is well again 日志恢复正常"
    lay(tmp_path / "log", LEAVES[:9], story.checkpoint(LEAVES[:9], NOW + 600, [BANK]))
    watch.look()
    assert told[-1] == "Witnesses missing 未见证 market-regulation, review-office"
    assert alarms == [Outcome.STALE] * 2  # what is kept has them all
    (tmp_path / "log" / "checkpoint").unlink()
    watch.look()
    assert told[-1].startswith("not seen 未能读取: ")
    assert alarms == [Outcome.STALE] * 2
    now[0] += 601
    watch.look()
    watch.look()
    assert alarms == [Outcome.STALE] * 2 + [Outcome.UNKNOWN]
    lay(tmp_path / "log", LEAVES[:8])
    watch.look()
    assert alarms[3:] == [Outcome.TAMPERED]
