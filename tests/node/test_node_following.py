"""A node follows the log: it cosigns what only grew, and catches a log that shows another tree."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cosigned import LOG_KEY, NOW, WITNESSES, cosigned, head, policy, witness_key, witness_name
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from node.local_log import Clock, LocalLog

from audit import cosignature
from audit.database import open_engine
from audit.errors import LogError, SignatureError, WitnessError
from audit.policy import Policy
from audit.witness import Witness, make_request
from compute.node.following import Follower
from compute.node.quorums import QuorumStore
from compute.web.errors import PeerProblemError, PeerUnreachableError

Opener = Callable[..., Follower]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(tmp_path: Path, clock: Clock) -> Iterator[LocalLog]:
    log = LocalLog(tmp_path / "log", clock)
    yield log
    log.engine.dispose()


@pytest.fixture
def follower_of(tmp_path: Path, clock: Clock) -> Iterator[Opener]:
    """Opens the office's node over its own file, as one more of its processes would."""
    engines = []

    def opened(log: LocalLog, named: Policy | None = None, party: str = "office") -> Follower:
        engine = open_engine(tmp_path / f"{party}.db")
        engines.append(engine)
        witness = Witness(engine, witness_name(party), WITNESSES[party], LOG_KEY, clock)
        return Follower(log, witness, named or policy(), QuorumStore(engine), clock)  # type: ignore[arg-type]

    yield opened
    for engine in engines:
        engine.dispose()


def size_of(follower: Follower) -> int:
    last = follower.witness.last()
    return 0 if last is None else last.size


def test_what_grew_is_cosigned_and_handed_in(log: LocalLog, follower_of: Opener) -> None:
    follower = follower_of(log)
    follower.round()
    assert size_of(follower) == 0  # there is nothing yet
    for count in (1, 4, 250, 300):
        log.grow(count)
        log.publication.propose(least=log.log.size())
        follower.round()
        candidate = log.log.candidate()
        assert size_of(follower) == candidate.size == log.log.size()
        assert cosignature.verify(candidate.note, witness_key("office")) == NOW
    assert follower.witness.conflicts() == []


def test_two_witnesses_that_only_fetch_make_a_quorum(log: LocalLog, follower_of: Opener) -> None:
    office, bank = follower_of(log), follower_of(log, party="bank")
    log.grow(3)
    log.publication.propose()
    office.round()
    assert office.quorums.all() == []
    bank.round()
    bank.round()
    assert log.log.published().size == 3
    (kept,) = bank.quorums.all()
    assert policy().judge(kept, NOW).cosigned == {"office": NOW, "bank": NOW}


def test_a_fresh_cosignature_is_not_made_again_and_one_that_is_old_is(
    log: LocalLog, follower_of: Opener, clock: Clock
) -> None:
    follower = follower_of(log)
    log.grow()
    log.publication.propose()
    follower.round()
    clock.seconds += 149
    follower.round()
    assert cosignature.verify(log.log.candidate().note, witness_key("office")) == NOW
    clock.seconds += 1
    follower.round()
    assert cosignature.verify(log.log.candidate().note, witness_key("office")) == NOW + 150


def test_a_witness_that_no_policy_names_watches_all_the_same(log: LocalLog, follower_of: Opener) -> None:
    other = policy()
    other = type(other)(**{**vars(other), "witnesses": other.witnesses[:2]})
    follower = follower_of(log, other)
    log.grow(2)
    log.publication.propose()
    follower.round()
    assert size_of(follower) == 2
    assert len(log.log.candidate().note.signatures) == 1


def test_a_witness_that_was_shown_a_later_checkpoint_waits(log: LocalLog, follower_of: Opener) -> None:
    follower = follower_of(log)
    log.grow(3)
    log.publication.propose()
    log.grow(4)
    follower.witness.add_checkpoint(make_request(0, [], log.log.checkpoint()))
    follower.round()
    assert size_of(follower) == 7
    assert follower.witness.conflicts() == []
    assert len(log.log.candidate().note.signatures) == 1


def caught(follower: Follower) -> None:
    with pytest.raises(LogError, match="both checkpoints are kept"):
        follower.round()
    assert len(follower.witness.conflicts()) == 1
    before = follower.log.log.candidate()  # type: ignore[attr-defined]
    follower.round()  # from now on nothing is cosigned
    assert follower.log.log.candidate() == before  # type: ignore[attr-defined]
    last = follower.witness.last()
    assert last is not None
    with pytest.raises(WitnessError):
        follower.witness.cosign(last, last.size, [])


def test_a_log_that_was_rolled_back_is_caught_and_halts(
    tmp_path: Path, log: LocalLog, follower_of: Opener, clock: Clock
) -> None:
    log.grow(3)
    log.engine.dispose()
    shutil.copytree(tmp_path / "log", tmp_path / "backup")
    log.grow(4)
    log.publication.propose()
    follower_of(log).round()
    restored = LocalLog(tmp_path / "backup", clock)
    restored.publication.propose()
    follower = follower_of(restored)
    caught(follower)
    (found,) = follower.witness.conflicts()
    assert (found.kept.size, found.shown.size) == (7, 3)
    with pytest.raises(LogError, match="halted"):
        restored.grow()  # it was shown what it had signed
    restored.engine.dispose()


@pytest.mark.parametrize("count", [2, 3, 9, 400])
def test_a_log_that_was_written_anew_is_caught(
    tmp_path: Path, log: LocalLog, follower_of: Opener, clock: Clock, count: int
) -> None:
    log.grow(3)
    log.publication.propose()
    follower_of(log).round()
    anew = LocalLog(tmp_path / "anew", clock)
    anew.grow(count, node="another")
    anew.publication.propose()
    caught(follower_of(anew))
    anew.engine.dispose()


def test_a_published_checkpoint_of_another_tree_is_caught_and_not_kept(log: LocalLog, follower_of: Opener) -> None:
    """A quorum was deceived, or helped: this node has seen otherwise."""
    log.grow(3)
    log.publication.propose()
    follower = follower_of(log)
    follower.round()
    log.shown = cosigned(head(3, b"r" * 32), bank=NOW, lender=NOW)
    with pytest.raises(LogError, match="both checkpoints are kept"):
        follower.look()
    assert follower.quorums.all() == []
    assert len(follower.witness.conflicts()) == 1


def test_tiles_that_do_not_add_up_are_no_proof_of_anything(
    log: LocalLog, follower_of: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = follower_of(log)
    log.grow(3)
    log.publication.propose()
    follower.round()
    log.grow(4)
    log.publication.propose(least=7)
    with monkeypatch.context() as patch:
        patch.setattr(LocalLog, "tile", lambda _self, tile: [b"x" * 32] * tile.width)
        with pytest.raises(LogError, match="tiles are not those"):
            follower.round()
    assert follower.witness.conflicts() == []
    follower.round()
    assert size_of(follower) == 7


def test_what_the_log_has_not_signed_is_refused(log: LocalLog, follower_of: Opener) -> None:
    follower = follower_of(log)
    for key, origin in ((Ed25519PrivateKey.generate(), "market.example/log"), (None, "other.example/log")):
        log.shown = head(3, b"r" * 32, origin=origin, **({} if key is None else {"key": key}))
        with pytest.raises(SignatureError):
            follower.round()
    assert size_of(follower) == 0


def test_a_log_that_does_not_answer_is_told(log: LocalLog, follower_of: Opener) -> None:
    follower = follower_of(log)
    log.down = True
    with pytest.raises(PeerUnreachableError):
        follower.round()


def test_a_log_that_fails_is_not_taken_for_one_that_forgot(
    log: LocalLog, follower_of: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = follower_of(log)
    log.grow(3)
    early = log.publication.propose()
    log.grow(4)
    log.publication.propose(least=7)
    follower.round()
    log.shown = early

    def fails(_self: LocalLog, _tile: object) -> list[bytes]:
        raise PeerProblemError("the log", 500, {"detail": "It failed."})

    with monkeypatch.context() as patch:
        patch.setattr(LocalLog, "tile", fails)
        with pytest.raises(PeerProblemError):
            follower.round()
    assert follower.witness.conflicts() == []
    follower.round()  # what it shows is an earlier state of the same
    assert follower.witness.conflicts() == []


def test_quorums_are_kept_until_they_are_old_and_the_newest_longer(
    log: LocalLog, follower_of: Opener, clock: Clock
) -> None:
    follower = follower_of(log)
    for _ in range(3):
        log.grow()
        log.publish("bank", "lender")
        follower.look()
        clock.seconds += 400
    assert [kept.size for kept in follower.quorums.all()] == [3, 2]
    clock.seconds += 5000
    follower.look()
    assert [kept.size for kept in follower.quorums.all()] == [3, 2]
    log.publish("bank", "lender")
    follower.look()
    assert [kept.size for kept in follower.quorums.all()] == [3]
