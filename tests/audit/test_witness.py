"""A witness: every answer of C2SP tlog-witness, and every way to have it vouch for a log that was changed."""

import multiprocessing
import sqlite3
from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from cosigned import LOG_KEY, NOW, WITNESSES, cosigned, head, witness_key, witness_name
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit import cosignature, merkle
from audit.checkpoint import Checkpoint
from audit.database import open_engine
from audit.errors import WitnessError
from audit.note import NoteSignature
from audit.witness import MAX_REQUEST, Witness, make_request, parse_request

STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
PROCESSES = multiprocessing.get_context("fork")


class Tree:
    """A log of numbered entries, which another one of these may share up to some entry."""

    def __init__(self, size: int, forked_at: int = 2**62) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        for index in range(size):
            text = f"entry {index}" if index < forked_at else f"another entry {index}"
            for level, place, node in merkle.closed_by(index, merkle.leaf_hash(text.encode()), self._node):
                self.nodes[level, place] = node

    def _node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def head(self, size: int) -> Checkpoint:
        return head(size, merkle.root(size, self._node))

    def proof(self, old: int, new: int) -> list[bytes]:
        return merkle.consistency_proof(old, new, self._node)

    def request(self, old: int, new: int) -> bytes:
        return make_request(old, self.proof(old, new), self.head(new))


TREE = Tree(300)


@dataclass
class Clock:
    now: int = NOW * 1000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(path: Path, clock: Clock) -> Witness:
    return Witness(open_engine(path), witness_name("office"), WITNESSES["office"], LOG_KEY, clock)


@pytest.fixture
def witness(tmp_path: Path, clock: Clock) -> Iterator[Witness]:
    witness = opened(tmp_path / "witness.db", clock)
    yield witness
    witness._engine.dispose()


def line(answer: bytes) -> NoteSignature:
    assert answer.endswith(b"\n")
    return NoteSignature.parse(answer.decode().removesuffix("\n"))


def time_of(answer: bytes, shown: Checkpoint) -> int:
    """When the answer cosigns the checkpoint."""
    return cosignature.verify(type(shown.note)(shown.note.text, (line(answer),)), witness_key("office"))


def refusal(witness: Witness, body: bytes) -> tuple[int, int | None]:
    with pytest.raises(WitnessError) as refused:
        witness.add_checkpoint(body)
    return refused.value.status, refused.value.size


def test_it_cosigns_a_log_that_grows(witness: Witness, clock: Clock) -> None:
    assert witness.last() is None
    for old, new in ((0, 5), (5, 5), (5, 17), (17, 300)):
        clock.now += 7000
        assert time_of(witness.add_checkpoint(TREE.request(old, new)), TREE.head(new)) == clock.now // 1000
        assert witness.last() == TREE.head(new)
    assert witness.conflicts() == []


def test_what_others_have_signed_is_not_kept(witness: Witness) -> None:
    shown = cosigned(TREE.head(5), bank=NOW)
    witness.add_checkpoint(make_request(0, [], shown))
    assert witness.last() == TREE.head(5)


def test_a_first_checkpoint_may_have_any_size_and_needs_no_proof(witness: Witness) -> None:
    assert refusal(witness, make_request(0, [b"h" * 32], TREE.head(7))) == (422, None)
    witness.add_checkpoint(TREE.request(0, 7))


def test_the_same_again_is_written_once_a_second(tmp_path: Path, clock: Clock) -> None:
    """Everybody may ask, and each write makes the node's others wait."""
    witness = opened(tmp_path / "w.db", clock)
    witness.add_checkpoint(TREE.request(0, 7))
    other = sqlite3.connect(tmp_path / "w.db")
    before = other.execute("PRAGMA data_version").fetchone()
    again = witness.add_checkpoint(TREE.request(7, 7))
    assert time_of(again, TREE.head(7)) == clock.now // 1000
    assert other.execute("PRAGMA data_version").fetchone() == before
    clock.now += 1000
    witness.add_checkpoint(TREE.request(7, 7))
    assert other.execute("PRAGMA data_version").fetchone() != before
    other.close()


def test_another_start_is_answered_with_the_size(witness: Witness) -> None:
    assert refusal(witness, TREE.request(3, 7)) == (409, 0)
    witness.add_checkpoint(TREE.request(0, 7))
    assert refusal(witness, TREE.request(0, 9)) == (409, 7)
    assert refusal(witness, TREE.request(8, 9)) == (409, 7)
    assert refusal(witness, TREE.request(5, 6)) == (409, 7)
    assert witness.last() == TREE.head(7)


def test_an_old_size_behind_the_new_one(witness: Witness) -> None:
    witness.add_checkpoint(TREE.request(0, 7))
    assert refusal(witness, make_request(7, [], TREE.head(6))) == (400, None)


def test_of_another_log_and_by_another_key(witness: Witness) -> None:
    root = TREE.head(7).root
    assert refusal(witness, make_request(0, [], head(7, root, origin="other.example/log"))) == (404, None)
    assert refusal(witness, make_request(0, [], head(7, root, key=STRANGER))) == (403, None)
    good = TREE.head(7).encode()
    forged = good.replace(b"\n7\n", b"\n8\n")
    assert refusal(witness, b"old 0\n\n" + forged) == (403, None)
    assert witness.last() is None


@pytest.mark.parametrize("change", [b"", b"x" * 44, b"A" * 43 + b"="])
def test_a_proof_that_joins_nothing(witness: Witness, change: bytes) -> None:
    witness.add_checkpoint(TREE.request(0, 7))
    first, _, rest = TREE.request(7, 13).partition(b"\n\n")
    changed = first.rsplit(b"\n", 1)[0] + (b"\n" + change if change else b"")
    assert refusal(witness, changed + b"\n\n" + rest) in {(422, None), (400, None)}
    assert witness.last() == TREE.head(7)
    assert witness.conflicts() == []  # a wrong proof is its sender's fault, and shows nothing of the log


def test_a_grown_log_that_was_forked(witness: Witness) -> None:
    witness.add_checkpoint(TREE.request(0, 7))
    assert refusal(witness, Tree(13, forked_at=5).request(7, 13)) == (422, None)
    assert witness.last() == TREE.head(7)


@pytest.mark.parametrize("old", [0, 7])
def test_of_two_trees_of_one_size_both_are_kept(witness: Witness, old: int) -> None:
    fork = Tree(7, forked_at=6)
    witness.add_checkpoint(TREE.request(0, 7))
    assert refusal(witness, make_request(old, [], fork.head(7))) == (422, None)
    (found,) = witness.conflicts()
    assert (found.kept, found.shown, found.time) == (TREE.head(7), fork.head(7), NOW)
    assert witness.last() == TREE.head(7)
    # From now on the log is known to show two trees, and nothing of it counts.
    assert refusal(witness, TREE.request(7, 9)) == (422, None)
    assert refusal(witness, make_request(7, [], fork.head(7))) == (422, None)
    assert len(witness.conflicts()) == 1


def test_what_was_found_out_from_tiles_is_kept_too(witness: Witness) -> None:
    witness.add_checkpoint(TREE.request(0, 7))
    with pytest.raises(WitnessError):
        witness.accuse(head(5, b"r" * 32, key=STRANGER))  # anybody could have written it
    assert witness.conflicts() == []
    witness.accuse(TREE.head(5))
    (found,) = witness.conflicts()
    assert (found.kept, found.shown) == (TREE.head(7), TREE.head(5))
    assert refusal(witness, TREE.request(7, 9)) == (422, None)


def test_a_clock_that_went_back(witness: Witness, clock: Clock) -> None:
    witness.add_checkpoint(TREE.request(0, 7))
    clock.now -= 1000
    assert refusal(witness, TREE.request(7, 7)) == (503, None)
    assert refusal(witness, TREE.request(7, 9)) == (503, None)
    assert witness.last() == TREE.head(7)
    clock.now += 1000
    witness.add_checkpoint(TREE.request(7, 9))


def test_what_was_cosigned_outlives_the_process(tmp_path: Path, clock: Clock) -> None:
    opened(tmp_path / "w.db", clock).add_checkpoint(TREE.request(0, 9))
    again = opened(tmp_path / "w.db", clock)
    assert refusal(again, TREE.request(0, 7)) == (409, 9)
    assert refusal(again, TREE.request(7, 7)) == (409, 9)


def outcome(witness: Witness, body: bytes) -> int:
    try:
        witness.add_checkpoint(body)
    except WitnessError as error:
        return int(error.status)
    return 200


def test_a_race_of_n_and_n_plus_k_in_threads(witness: Witness) -> None:
    for size in range(10, 290, 20):
        start = 0 if witness.last() is None else size - 10
        bodies = [TREE.request(start, size), TREE.request(start, size + 10)] * 2
        with ThreadPoolExecutor(4) as pool:
            found = sorted(pool.map(lambda body: outcome(witness, body), bodies))
        last = witness.last()
        assert last is not None
        assert last.size in {size, size + 10}
        # One starts from what both start from; the other same one may follow only as a repetition, never back.
        assert 200 in found
        assert set(found) <= {200, 409}
        if last.size == size:
            witness.add_checkpoint(TREE.request(size, size + 10))


def _racer(path: Path, sizes: Sequence[tuple[int, int]], answers: "multiprocessing.connection.Connection") -> None:
    witness = opened(path, Clock())
    answers.send("ready")
    answers.recv()
    answers.send([outcome(witness, TREE.request(old, new)) for old, new in sizes])


def test_a_race_of_n_and_n_plus_k_in_processes(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    opened(path, Clock())
    pipes = []
    for sizes in (((0, 100), (100, 200)), ((0, 150), (150, 200))):
        ours, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=_racer, args=(path, sizes, theirs))
        process.start()
        pipes.append((ours, process))
    for ours, _ in pipes:
        assert ours.recv() == "ready"
    for ours, _ in pipes:
        ours.send("go")
    found = [ours.recv() for ours, _ in pipes]
    for _, process in pipes:
        process.join()
    assert sorted(found) == [[200, 200], [409, 409]]
    last = opened(path, Clock()).last()
    assert last is not None
    assert last.size == 200


MALFORMED = [
    b"",
    b"old 0",
    b"old 0\n",
    b"old 0\n\n",
    b"old\n\n" + TREE.head(7).encode(),
    b"old 00\n\n" + TREE.head(7).encode(),
    b"old -1\n\n" + TREE.head(7).encode(),
    b"old +1\n\n" + TREE.head(7).encode(),
    "old ٥\n\n".encode() + TREE.head(7).encode(),
    b"old 9223372036854775808\n\n" + TREE.head(7).encode(),
    b"old 0 \n\n" + TREE.head(7).encode(),
    b"old 0\r\n\r\n" + TREE.head(7).encode(),
    b"old 0\nAAAA\n\n" + TREE.head(7).encode(),
    b"old 0\n" + b64encode(b"h" * 33) + b"\n\n" + TREE.head(7).encode(),
    b"old 0\n" + b"\n".join([b64encode(b"h" * 32)] * 64) + b"\n\n" + TREE.head(7).encode(),
    b"old 0\n\n\n" + TREE.head(7).encode(),
    b"old 0\n\n" + TREE.head(7).encode() + b"x" * MAX_REQUEST,
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_request(witness: Witness, body: bytes) -> None:
    assert refusal(witness, body) == (400, None)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 400))
def test_a_request_with_other_bytes_in_it(noise: bytes, start: int, end: int) -> None:
    good = TREE.request(7, 13)
    body = good[: min(start, end)] + noise + good[max(start, end) :]
    try:
        read = parse_request(body)
    except WitnessError as error:
        status = error.status
    else:
        status = 400 if make_request(*read) == body else 200
    assert status == 400
