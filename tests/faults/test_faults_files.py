"""What else must not be lost on its way to the disk: a witness's word, a watermark, a checkpoint, a journal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cosigned
import pytest
from cosigned import LOG_KEY, NOW, WITNESSES
from faults.injection import faults, run
from log_world import Node

from audit import merkle
from audit.checkpoint import Checkpoint
from audit.database import open_engine
from audit.errors import WitnessError
from audit.storage.watermark import Watermark
from audit.verifying import kept
from audit.witness import Witness, make_request
from compute.log_client import LogClient
from compute.node.journal import EventJournal
from compute.web.tls import make_ca

pytestmark = pytest.mark.faults

SIZES = (3, 5, 11, 16, 19)
Tell = Callable[[object], None]


class Tree:
    """A log that grows, and one that differs from its first entry on."""

    def __init__(self, salt: str) -> None:
        self.leaves = [merkle.leaf_hash(f"{salt} {number}".encode()) for number in range(20)]

    def head(self, size: int) -> Checkpoint:
        return cosigned.head(size, merkle.root_of(self.leaves[:size]))

    def proof(self, old: int, new: int) -> list[bytes]:
        return merkle.consistency_proof(old, new, self._node)

    def _node(self, level: int, index: int) -> bytes:
        return merkle.root_of(self.leaves[index << level : (index + 1) << level])


TREE, OTHER = Tree("entry"), Tree("another entry")


class Keeping(NamedTuple):
    """Something that keeps what it has acknowledged: the child's work, and what must be there afterwards."""

    work: Callable[[Path, Tell], None]
    verify: Callable[[Path, list[Any]], None]


# --- a witness ------------------------------------------------------------------------------------------------


def open_witness(path: Path) -> Witness:
    return Witness(
        open_engine(path), cosigned.witness_name("bank"), WITNESSES["bank"], LOG_KEY, lambda: NOW * 1000
    )


def cosign_all(path: Path, tell: Tell) -> None:
    witness = open_witness(path)
    for size in SIZES:
        last = witness.last()
        old = 0 if last is None else last.size
        witness.cosign(TREE.head(size), old, TREE.proof(old, size))
        tell(size)


def verify_witness(path: Path, told: list[int]) -> None:
    """It takes nothing back that it has cosigned, and no other tree of that size."""
    witness = open_witness(path)
    last = witness.last()
    size = 0 if last is None else last.size
    assert size >= max(told, default=0)
    assert last is None or last.root == TREE.head(size).root
    if told:
        with pytest.raises(WitnessError) as error:
            witness.add_checkpoint(make_request(size, [], OTHER.head(size)))
        assert error.value.status == 422
        assert len(witness.conflicts()) == 1
    else:
        witness.cosign(TREE.head(20), size, TREE.proof(size, 20))


# --- a checkpoint in a file -----------------------------------------------------------------------------------


def raise_watermark(path: Path, tell: Tell) -> None:
    mark = Watermark(path, LOG_KEY)
    for size in SIZES:
        mark.raise_to(TREE.head(size))
        tell(size)


def verify_watermark(path: Path, told: list[int]) -> None:
    mark = Watermark(path, LOG_KEY)
    verify_kept(mark.read(), told)
    mark.raise_to(TREE.head(20))
    assert mark.read() == TREE.head(20)


def keep_all(path: Path, tell: Tell) -> None:
    for size in SIZES:
        kept.keep(path, TREE.head(size), cosigned.policy(), NOW)
        tell(size)


def verify_kept_file(path: Path, told: list[int]) -> None:
    verify_kept(kept.load(path, cosigned.policy(), NOW), told)
    kept.keep(path, TREE.head(20), cosigned.policy(), NOW)
    assert kept.load(path, cosigned.policy(), NOW) == TREE.head(20)


def verify_kept(found: Checkpoint | None, told: list[int]) -> None:
    size = 0 if found is None else found.size
    assert size >= max(told, default=0)
    assert found is None or found == TREE.head(size)


# --- a node's journal -----------------------------------------------------------------------------------------

BANK = Node("bank")
EVENTS = [BANK.event(f"fact {number}", "contract" if number % 2 else None) for number in range(8)]


def open_journal(path: Path) -> EventJournal:
    """Of a node whose log does not answer."""
    client = LogClient("https://127.0.0.1:9/log", path.parent / "ca.pem", 1.0)
    return EventJournal(open_engine(path), client, BANK.key)


def note_all(path: Path, tell: Tell) -> None:
    journal = open_journal(path)
    for event in EVENTS:
        journal.note(event)
        tell(event.id)


def verify_journal(path: Path, told: list[str]) -> None:
    """Every event is there, in order, numbered without a gap, and stays the entry that it was signed as."""
    journal = open_journal(path)
    before = waiting(journal)
    assert [entry.id for entry in before[: len(told)]] == told
    journal.note(EVENTS[-1])
    assert waiting(journal)[: len(before)] == before
    counters = [entry.counter for entry in before if entry.contract is None]
    assert counters == list(range(1, len(counters) + 1))


def waiting(journal: EventJournal) -> list[Any]:
    return [entry for _, entry in journal._numbered(100)]


KEEPING = {
    "witness": Keeping(cosign_all, verify_witness),
    "watermark": Keeping(raise_watermark, verify_watermark),
    "kept": Keeping(keep_all, verify_kept_file),
    "journal": Keeping(note_all, verify_journal),
}


@pytest.mark.parametrize("kind", ["error=EIO", "error=ENOSPC", "signal=SIGKILL"])
@pytest.mark.parametrize("name", KEEPING)
def test_no_fault_loses_what_was_acknowledged(tmp_path: Path, every: int, name: str, kind: str) -> None:
    keeping, log = KEEPING[name], tmp_path / "strace"
    make_ca(tmp_path)
    unharmed = run(keeping.work, tmp_path / "unharmed", log=log)
    assert unharmed.exit_code == 0
    assert len(unharmed.told) in {len(SIZES), len(EVENTS)}
    tried = faults(unharmed.calls, [kind], every)
    for fault in tried:
        path = tmp_path / f"{fault.call}-{fault.number}"
        outcome = run(keeping.work, path, log=log, fault=fault)
        is_reached = len(outcome.calls) >= fault.number  # how often a journal looks for its log differs
        assert kind != "signal=SIGKILL" or outcome.exit_code == -9 or not is_reached, fault
        keeping.verify(path, outcome.told)
    assert len(tried) > 20 / every
