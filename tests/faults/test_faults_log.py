"""A log on SQLite whose process is killed, or whose disk fails, at any call that writes.

Whatever the fault: the log reopens, the check finds nothing, what was acknowledged is there under its index, and
what was not can be appended. After a failed fsync the process appends nothing more.
"""

import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.injection import SYNCING, Fault, Outcome, faults, run
from log_world import Node, enrol, fsck, opened

from audit import database
from audit.errors import LogError

pytestmark = pytest.mark.faults

ENTRIES = Node("tax").entries(11)
GROUPS = [[0], [1], [2], [3, 4, 5], [6], [7, 8, 9], [10]]
"""What is appended together, by number."""
OPENED, FAILED, STOPPED, DONE = "opened", "failed", "stopped", "done"

Tell = Callable[[object], None]


def append_all(path: Path, tell: Tell) -> None:
    """The child: append one by one and in groups, fold the write-ahead log often, and tell each index."""
    database.FOLDED_AFTER = 9
    append_groups(path, tell)


def append_groups(path: Path, tell: Tell) -> None:
    with opened(path) as log:
        enrol(log, Node("tax"))
        tell(OPENED)
        for group in GROUPS:
            try:
                indices = log.append_many(ENTRIES[number] for number in group)
            except LogError:
                tell(STOPPED if log.has_stopped else FAILED)
            else:
                tell(dict(zip(group, indices, strict=True)))
        tell(STOPPED if log.has_stopped else DONE)


def acknowledged(outcome: Outcome) -> dict[int, int]:
    """Index by number."""
    return {number: index for told in outcome.told if isinstance(told, dict) for number, index in told.items()}


def verify(path: Path, indices: dict[int, int]) -> None:
    """Reopen the log and see that nothing is lost, and that it goes on."""
    with opened(path) as log:
        size = fsck(log).size
        assert size >= len(indices) + 1 or not indices
        for number, index in indices.items():
            assert log.entry(index) == ENTRIES[number]
        if size == 0:
            enrol(log, Node("tax"))
        again = log.append_many(ENTRIES)
        assert again == list(range(1, 12))
        assert indices.items() <= dict(enumerate(again)).items()
        assert fsck(log).size == 12


@pytest.fixture
def unharmed(tmp_path: Path) -> Outcome:
    """What the child does where nothing fails."""
    outcome = run(append_all, tmp_path / "unharmed.db", log=tmp_path / "strace")
    assert outcome.exit_code == 0
    assert acknowledged(outcome) == dict(enumerate(range(1, 12)))
    verify(tmp_path / "unharmed.db", acknowledged(outcome))
    return outcome


@pytest.mark.parametrize("kind", ["error=EIO", "error=ENOSPC", "signal=SIGKILL"])
def test_no_fault_loses_what_was_acknowledged(tmp_path: Path, unharmed: Outcome, every: int, kind: str) -> None:
    last_told = max(at for at, call in enumerate(unharmed.calls) if call == "write")
    before_the_end = {call: unharmed.calls[:last_told].count(call) for call in SYNCING}
    assert before_the_end["fdatasync"] > 12
    tried = faults(unharmed.calls, [kind], every)
    for fault in tried:
        path = tmp_path / f"{fault.call}-{fault.number}.db"
        outcome = run(append_all, path, log=tmp_path / "strace", fault=fault)
        assert kind != "signal=SIGKILL" or outcome.exit_code == -9, fault
        if kind.startswith("error") and fault.number <= before_the_end.get(fault.call, 0):
            assert_stopped(fault, outcome)
        verify(path, acknowledged(outcome))
    assert len(tried) > 150 / every


def assert_stopped(fault: Fault, outcome: Outcome) -> None:
    """After the fsync that failed nothing was acknowledged any more."""
    if OPENED not in outcome.told:
        assert outcome.exit_code == 1, fault
        return
    assert STOPPED in outcome.told, fault
    behind = outcome.told[outcome.told.index(STOPPED) :]
    assert set(map(str, behind)) == {STOPPED}, fault


def append_within(limit: int, path: Path, tell: Tell) -> None:
    """The child, whose files may not grow past so many bytes: the kernel writes what fits, and says so."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    append_groups(path, tell)


def test_a_short_write_is_noticed(tmp_path: Path, unharmed: Outcome, every: int) -> None:
    """At limits that fall into every part of a page and of a frame of the write-ahead log."""
    assert unharmed.exit_code == 0
    stopped = 0
    for limit in range(4000, 400_000, 3001 * every):
        path = tmp_path / f"{limit}.db"
        outcome = run(append_within, limit, path, log=tmp_path / "strace")
        stopped += STOPPED in outcome.told
        assert DONE not in outcome.told or STOPPED not in outcome.told
        assert outcome.exit_code == 0 or OPENED not in outcome.told
        verify(path, acknowledged(outcome))
    assert stopped > 30 / every
