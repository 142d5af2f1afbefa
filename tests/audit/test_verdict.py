"""What a verification ends with, and what it keeps."""

import io
import json
from pathlib import Path

import log_story as story
import pytest
from log_story import BANK, CONTRACT, MARKET, NOW, TAX, Teller, flip, lay

from audit import checkpoint as checkpoints
from audit.entry import EntryKind, encode
from audit.errors import Damage, UnavailableError
from audit.tile import Bundle
from audit.verify import Scope
from audit.verifying import kept
from audit.verifying.progress import Progress
from audit.verifying.source import Folder
from audit.verifying.verdict import LABELS, Outcome, Verdict, as_json, judge, lines, moment

LEAVES = story.leaves(20)
QUICK = Scope(processes=1)


def verdict(folder: Path, kept_at: Path | None = None, now: int = NOW) -> Verdict:
    return judge(Folder(folder), story.policy(), now, kept_at, QUICK)


def test_an_intact_log_is_told_and_its_checkpoint_kept(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    for size in (5, 5, 20):
        head = story.checkpoint(LEAVES[:size])
        found = verdict(lay(tmp_path / str(size), LEAVES[:size], head), seen)
        assert (found.outcome, found.exit_code) == (Outcome.INTACT, 0)
        assert seen.read_bytes() == head.encode()
    told = list(lines(found))
    assert told[:4] == [
        "The log is intact 日志完整",
        "Log 日志 market.example/log",
        "Size 条目数 20",
        f"Root 根哈希 {story.checkpoint(LEAVES).root.hex()}",
    ]
    assert told[4:] == [f"Witness 见证方 {name}: 2026-11-18T11:06:40Z" for name in sorted(story.WITNESSES)]


def test_a_rollback_a_fork_and_a_rewriting_leave_both_notes_as_proof(tmp_path: Path) -> None:
    other = [*LEAVES[:10], *LEAVES[11:]]
    for name, entries, damage in (
        ("rolled back", LEAVES[:12], Damage.ROLLED_BACK),
        ("forked", [*other[:14], LEAVES[0]], Damage.FORKED),
        ("rewritten", [*other, LEAVES[0]], Damage.REWRITTEN),
    ):
        seen, head = tmp_path / name / "seen", story.checkpoint(LEAVES[:15])
        seen.parent.mkdir()
        kept.write(seen, head.encode())
        new = story.checkpoint(entries)
        scope = Scope(entries=False, processes=1)
        found = judge(Folder(lay(tmp_path / name / "log", entries, new)), story.policy(), NOW, seen, scope)
        assert (found.outcome, found.exit_code, found.damage) == (Outcome.TAMPERED, 1, damage)
        assert [path.read_bytes() for path in found.proof] == [head.encode(), new.encode()]
        assert {path.parent for path in found.proof} == {seen.parent}
        assert seen.read_bytes() == head.encode()
        told = list(lines(found))
        assert told[0].startswith(f"TAMPERED 被篡改, {LABELS[damage]}: ")
        assert sum("经日志签名的证据" in line for line in told) == 2
        again = judge(Folder(tmp_path / name / "log"), story.policy(), NOW, seen, scope)
        assert again.proof == found.proof


def test_of_one_checkpoint_the_newest_cosignatures_are_kept(tmp_path: Path) -> None:
    for time, witnesses in ((NOW, [BANK, TAX]), (NOW + 9, [BANK])):
        folder = lay(tmp_path / "log", LEAVES, story.checkpoint(LEAVES, time, witnesses))
        assert verdict(folder, tmp_path / "seen", NOW + 9).exit_code == 3
    last = kept.load(tmp_path / "seen", story.policy(), NOW + 9)
    assert last is not None
    assert dict(story.policy().judge(last, NOW + 9).cosigned) == {BANK: NOW + 9, TAX: NOW}


def test_a_proof_that_cannot_be_kept_changes_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.write(tmp_path / "seen", story.checkpoint(LEAVES).encode())

    def full(*_arguments: object) -> None:
        raise UnavailableError("no space")

    monkeypatch.setattr(kept, "write", full)
    found = verdict(lay(tmp_path / "log", LEAVES[:5]), tmp_path / "seen")
    assert (found.outcome, found.proof) == (Outcome.TAMPERED, ())
    assert "the proof could not be kept: no space" in str(found.problem)


def test_a_stale_log_is_told_with_its_reason(tmp_path: Path) -> None:
    folder = lay(tmp_path / "log", LEAVES)
    found = verdict(folder, tmp_path / "seen", NOW + 601)
    assert (found.outcome, found.exit_code) == (Outcome.STALE, 3)
    assert "its last quorum is of 2026-11-18T11:06:40Z, more than 600 s ago" in next(lines(found))
    assert (tmp_path / "seen").exists()
    (folder / "checkpoint").write_bytes(story.checkpoint(LEAVES, witnesses=[BANK]).encode())
    found = verdict(folder)
    assert found.exit_code == 3
    assert "1 of 3 witnesses, and the policy asks for 3, 1 of them with no part in the contract" in next(
        lines(found)
    )
    assert f"Witness missing 未见证 {TAX}" in list(lines(found))


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert (found := verdict(tmp_path / "empty")).exit_code == 2
    assert next(lines(found)).startswith("not verified 未能验证: ")
    folder = lay(tmp_path / "log", LEAVES)
    (folder / "checkpoint").write_bytes(b"nonsense")
    assert verdict(folder).outcome is Outcome.UNKNOWN
    lay(tmp_path / "log", LEAVES)
    for wrong in (b"nonsense", checkpoints.signed("other.example", 20, b"\0" * 32, story.KEYS[MARKET])):
        (tmp_path / "seen").write_bytes(wrong)
        found = verdict(folder, tmp_path / "seen")
        assert found.outcome is Outcome.UNKNOWN
        assert "restore it from its copy" in str(found.problem)
    assert verdict(folder, tmp_path / "no-folder" / "seen").outcome is Outcome.UNKNOWN


def test_the_verdict_in_json_has_the_same_members_always(tmp_path: Path) -> None:
    teller = Teller()
    entries = [teller.enrol(BANK), teller.tell(BANK, EntryKind.QUERY_SENT, TAX, CONTRACT, "aa" * 32)]
    folder = lay(tmp_path, [encode(each) for each in entries])
    intact = json.loads(as_json(verdict(folder)))
    assert (intact["outcome"], intact["exit_code"], intact["checkpoint"]["size"]) == ("intact", 0, 2)
    (finding,) = intact["findings"]
    assert (finding["index"], finding["by"], finding["other"], finding["differing"]) == (1, BANK, None, [])
    flip(folder / Bundle(0, 2).path, 9)
    tampered = json.loads(as_json(verdict(folder)))
    assert tampered.keys() == intact.keys()
    assert (tampered["damage"], tampered["index"], tampered["exit_code"]) == ("changed", 0, 1)


def test_many_findings_are_cut_short(tmp_path: Path) -> None:
    teller = Teller()
    entries = [teller.enrol(BANK)]
    entries += [teller.tell(BANK, EntryKind.QUERY_SENT, TAX, CONTRACT, f"{job:064x}") for job in range(30)]
    told = list(lines(verdict(lay(tmp_path, [encode(each) for each in entries]))))
    assert "Findings 发现 30" in told
    assert told[-1] == "  … --json has all 其余见 --json"
    assert "对方没有相应记录" in told[-2]


def test_every_damage_has_its_words() -> None:
    assert LABELS.keys() == set(Damage)


def test_moments_that_no_calendar_has_are_told_as_they_are() -> None:
    assert moment(0) == "1970-01-01T00:00:00Z"
    assert moment(2**62) == f"{2**62} s"


def test_progress_is_silent_at_first_and_then_says_what_is_left() -> None:
    now, stream = [0.0], io.StringIO()
    progress = Progress("Entries 条目", 1000, stream, lambda: now[0])
    for second, done in ((1, 100), (2.5, 250), (3, 300), (20, 500)):
        now[0] = second
        progress(done)
    progress.end()
    assert stream.getvalue() == (
        "Entries 条目 250/1,000 25%, left 剩余 8 s\nEntries 条目 500/1,000 50%, left 剩余 20 s\n"
    )


def test_what_a_log_says_does_not_steer_the_terminal() -> None:
    """It could otherwise wipe the verdict away and write another."""
    told = list(lines(Verdict(Outcome.UNKNOWN, "\x1b[2J\x9b1A\u202eThe log is intact 日志完整\n")))
    assert told == ["not verified 未能验证: \ufffd[2J\ufffd1A\ufffdThe log is intact 日志完整\ufffd"]
