"""What of a log is shown: candidates, the quorum of witnesses that publishes them, and the watermark outside."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from cosigned import LOG, LOG_KEY, NOW, ORIGIN, cosigned, head, line, policy, with_lines
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Checkpoint
from audit.database import open_engine
from audit.entry import EntryKind, Event, new_id, sign
from audit.errors import LogError, SignatureError
from audit.log import Log
from audit.policy import Standing
from audit.storage import publication as publications
from audit.storage.batch import Signer
from audit.storage.publication import Publication
from audit.storage.watermark import Watermark

NODE = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)


class Shown:
    """A log in a folder, what is shown of it, and its watermark."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        engine = open_engine(folder / "log.db")
        stack.callback(engine.dispose)
        self.log = Log(engine, Signer(ORIGIN, "market", LOG, lambda: NOW * 1000))
        self.watermark = Watermark(folder / "watermark", LOG_KEY)
        self.publication = Publication(self.log, policy(), self.watermark, lambda: NOW * 1000)

    def grow(self, count: int = 1) -> Checkpoint:
        size = self.log.size()
        events = [
            Event(id=new_id("tax"), kind=EntryKind.KEY_ENROLLED, time=NOW * 1000, node="tax") for _ in range(count)
        ]
        self.log.append_many(sign(event, size + number, NODE) for number, event in enumerate(events, start=1))
        return self.log.checkpoint()

    def published(self) -> Checkpoint:
        return self.log.published()

    def standing(self) -> Standing:
        return policy().judge(self.log.published(), NOW)


@contextmanager
def opened(folder: Path) -> Iterator[Shown]:
    with ExitStack() as stack:
        yield Shown(folder, stack)


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    with opened(tmp_path) as shown:
        yield shown


def test_a_quorum_publishes_the_candidate_and_less_does_not(shown: Shown) -> None:
    first = shown.grow(3)
    candidate = shown.publication.propose()
    assert candidate == first == shown.log.candidate()
    shown.publication.add_cosignatures(cosigned(candidate, bank=NOW - 5))
    assert not policy().judge(shown.log.candidate(), NOW).has_quorum
    shown.grow()
    assert shown.published().size == 4  # before the first quorum it is whatever the log signed last
    shown.publication.add_cosignatures(cosigned(candidate, office=NOW - 3))
    assert shown.published().size == 3
    assert shown.standing().cosigned == {"bank": NOW - 5, "office": NOW - 3}
    assert shown.standing().missing == ("lender",)


def test_a_late_cosignature_is_added_and_a_fresh_one_takes_the_place_of_the_old(shown: Shown) -> None:
    shown.grow()
    candidate = shown.publication.propose()
    shown.publication.add_cosignatures(cosigned(candidate, bank=NOW - 50, office=NOW - 50))
    shown.publication.add_cosignatures(cosigned(candidate, lender=NOW - 40))
    shown.publication.add_cosignatures(cosigned(candidate, bank=NOW))
    shown.publication.add_cosignatures(cosigned(candidate, bank=NOW - 60))
    assert shown.standing().cosigned == {"bank": NOW, "lender": NOW - 40, "office": NOW - 50}
    assert len(shown.published().note.signatures) == 4
    assert shown.log.candidate() == shown.published()


def test_no_cosignature_counts_twice_nor_from_the_future_nor_of_a_stranger(shown: Shown) -> None:
    shown.grow()
    candidate = shown.publication.propose()
    twice = with_lines(candidate, *[line(candidate, "bank", NOW)] * 3, line(candidate, "bank", NOW - 1))
    shown.publication.add_cosignatures(twice)
    assert len(shown.log.candidate().note.signatures) == 2
    shown.publication.add_cosignatures(cosigned(candidate, office=NOW + 61))
    assert len(shown.log.candidate().note.signatures) == 2
    foreign = line(candidate, "office", NOW)
    renamed = type(foreign)("somebody/witness", foreign.key_id, foreign.blob)
    shown.publication.add_cosignatures(with_lines(candidate, renamed))
    assert not policy().judge(shown.log.candidate(), NOW).has_quorum
    false = line(head(9, b"r" * 32), "office", NOW)
    with pytest.raises(SignatureError):
        shown.publication.add_cosignatures(with_lines(candidate, false))
    assert len(shown.log.candidate().note.signatures) == 2


def test_a_candidate_stands_until_all_have_cosigned_or_had_their_time(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(publications.time, "monotonic", lambda: now)
    shown.grow()
    first = shown.publication.propose()
    shown.grow()
    assert shown.publication.propose() == first
    shown.publication.add_cosignatures(cosigned(first, bank=NOW, office=NOW))
    assert shown.publication.propose().size == 1  # the slow one would never come to cosign
    shown.publication.add_cosignatures(cosigned(first, lender=NOW))
    assert shown.publication.propose().size == 2
    shown.grow()
    now += publications.STAND - 0.1
    assert shown.publication.propose().size == 2
    now += 0.2
    assert shown.publication.propose().size == 3
    shown.grow()
    assert shown.publication.propose(least=3).size == 3
    assert shown.publication.propose(least=4).size == 4
    assert shown.published() == shown.log.published()
    assert shown.published().size == 1


def test_nothing_is_published_below_what_is(shown: Shown) -> None:
    shown.grow()
    first = shown.publication.propose()
    shown.publication.add_cosignatures(cosigned(first, bank=NOW, office=NOW, lender=NOW))
    shown.grow()
    second = shown.publication.propose()
    shown.publication.add_cosignatures(cosigned(second, bank=NOW, office=NOW))
    shown.publication.add_cosignatures(cosigned(first, bank=NOW + 5))
    assert shown.published().size == 2


def test_only_checkpoints_of_the_log_are_taken(shown: Shown) -> None:
    shown.grow()
    root = shown.publication.propose().root
    for other in (head(1, root, key=STRANGER), head(1, root, origin="other.example/log")):
        with pytest.raises(SignatureError):
            shown.publication.add_cosignatures(cosigned(other, bank=NOW))
    shown.grow()  # and the log goes on


@pytest.mark.parametrize("size", [2, 3, 9])
def test_the_log_halts_where_its_own_signature_is_on_another_tree(shown: Shown, size: int) -> None:
    shown.grow(3)
    shown.publication.propose()
    with pytest.raises(LogError, match=r"halted: .* restored from a backup"):
        shown.publication.add_cosignatures(head(size, b"r" * 32))
    with pytest.raises(LogError, match="halted"):
        shown.grow()
    with pytest.raises(LogError, match="halted"):
        shown.publication.add_cosignatures(cosigned(shown.log.candidate(), bank=NOW))


def test_an_earlier_checkpoint_of_the_log_changes_nothing(shown: Shown) -> None:
    early = shown.grow()
    shown.grow(2)
    candidate = shown.publication.propose()
    shown.publication.add_cosignatures(cosigned(early, bank=NOW, office=NOW))
    assert shown.log.candidate() == candidate
    shown.grow()


def test_the_watermark_is_what_was_shown_and_only_rises(shown: Shown) -> None:
    assert shown.watermark.read() is None
    shown.grow(2)
    first = shown.publication.propose()
    assert shown.watermark.read() == first
    shown.watermark.raise_to(head(1, b"r" * 32))
    assert shown.watermark.read() == first


def test_a_restored_database_is_not_opened(tmp_path: Path) -> None:
    live, backup = tmp_path / "live", tmp_path / "backup"
    live.mkdir()
    with opened(live) as shown:
        shown.grow(3)
    shutil.copytree(live, backup)
    with opened(live) as shown:
        shown.grow(3)
        shown.publication.propose()
    with opened(live):
        pass
    shutil.copy(live / "watermark", backup / "watermark")
    with pytest.raises(LogError, match="has not the 6 entries"), opened(backup):
        pass
    (backup / "watermark").unlink()
    with opened(backup) as shown:
        shown.grow(4)  # it has as many entries, and others
    shutil.copy(live / "watermark", backup / "watermark")
    with pytest.raises(LogError, match="has not the 6 entries"), opened(backup):
        pass


@pytest.mark.parametrize("content", [b"", b"6\n", head(6, b"r" * 32, key=STRANGER).encode()])
def test_a_file_that_is_no_watermark_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "watermark").write_bytes(content)
    with pytest.raises(LogError, match="no watermark of this log"), opened(tmp_path):
        pass


def test_what_cannot_be_kept_is_not_shown(shown: Shown) -> None:
    shown.grow()
    (shown.folder / "watermark.new").mkdir()
    with pytest.raises(LogError, match="nothing is shown that is not kept"):
        shown.publication.propose()
    (shown.folder / "watermark.new").rmdir()
    assert shown.publication.propose().size == 1


def test_what_adds_nothing_writes_nothing(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody may hand in, and each write makes all others wait."""
    shown.grow(2)
    fuller = cosigned(shown.publication.propose(), bank=NOW - 5, office=NOW - 5)
    shown.publication.add_cosignatures(fuller)
    kept = shown.log.candidate()
    monkeypatch.setattr(shown.log, "transaction", None)
    shown.publication.add_cosignatures(fuller)
    shown.publication.add_cosignatures(shown.log.checkpoint())
    assert shown.log.candidate() == kept == shown.published()
