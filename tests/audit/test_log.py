"""The log over either database: what is appended, what is refused, and what can be asked of it."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest
from log_world import KEY, NOW, ORIGIN, VKEY, Clock, Node, enrol, fsck, opened, signer
from sqlalchemy import event, text

from audit import checkpoint, cosignature, merkle, note, receipt
from audit.checkpoint import Checkpoint
from audit.database import open_engine
from audit.entry import Entry, EntryKind, Event, encode, new_id, parse, sign
from audit.errors import CounterError, DamageError, IdTakenError, LogError, ProofError
from audit.log import Log
from audit.policy import Policy, Witness
from audit.storage import tables
from audit.storage.batch import CLOCK_TOLERANCE, Batch
from audit.tile import Bundle, Tile, bundle_encode, parse_path, tiles

BANK = "contract-1"


def leaves_of(log: Log) -> list[bytes]:
    return [merkle.leaf_hash(encode(entry)) for entry in log.entries()]


def test_an_empty_log(empty: Log) -> None:
    assert empty.size() == 0
    assert empty.root() == merkle.EMPTY_ROOT
    assert list(empty.entries()) == []
    assert empty.append_many([]) == []
    assert empty.consistency_proof(0, 0) == []
    made = fsck(empty)
    assert (made.origin, made.size, made.root) == (ORIGIN, 0, merkle.EMPTY_ROOT)
    assert empty.checkpoint() == empty.candidate() == empty.published() == made
    with pytest.raises(IndexError):
        empty.entry(0)


def test_entries_come_back_in_order_with_their_roots_and_proofs(log: Log, tax: Node) -> None:
    entries = [log.entry(0), *tax.entries(11), *tax.entries(11, BANK)]
    assert [log.append(entry) for entry in entries[1:5]] == [1, 2, 3, 4]
    assert log.append_many(entries[5:22]) == list(range(5, 22))
    assert log.append(entries[22]) == 22
    assert list(log.entries()) == entries
    assert list(log.entries(3, 20)) == entries[3:20]
    assert log.entry(7) == entries[7]
    assert [index for index, _ in log.entries_of(BANK)] == list(range(12, 23))
    assert log.entries_of(BANK, 13, 2) == [(14, entries[14]), (15, entries[15])]
    leaves = leaves_of(log)
    roots = [merkle.root_of(leaves[:size]) for size in range(24)]
    assert [log.root(size) for size in range(24)] == roots
    for size in range(1, 24):
        for index in range(size):
            proof = log.inclusion_proof(index, size)
            merkle.verify_inclusion(leaves[index], index, size, proof, roots[size])
        for old in range(size + 1):
            proof = log.consistency_proof(old, size)
            merkle.verify_consistency(old, size, roots[old], roots[size], proof)
    assert fsck(log).root == roots[23]


def test_a_checkpoint_of_every_size_is_the_logs_own(log: Log, tax: Node) -> None:
    seen = [log.checkpoint()]
    for entry in tax.entries(20):
        log.append(entry)
        seen.append(log.checkpoint())
    assert [made.size for made in seen] == list(range(1, 22))
    for made in seen:
        assert note.verify(made.note, [VKEY]) == (VKEY,)
        assert made.root == log.root(made.size)
        proof = log.consistency_proof(made.size, 21)
        merkle.verify_consistency(made.size, 21, made.root, seen[-1].root, proof)


def test_long_reads_tiles_and_bundles(log: Log, tax: Node) -> None:
    """Over two levels of tiles, appended in pieces that end on either side of a tile's border."""
    stops = (1, 100, 255, 256, 257, 511, 512, 700, 2000, 2560)
    entries = [log.entry(0), *tax.entries(2559)]
    for start, stop in pairwise(stops):
        assert log.append_many(iter(entries[start:stop])) == list(range(start, stop))
    assert list(log.entries()) == entries
    data = [encode(entry) for entry in entries]
    rows = {0: [merkle.leaf_hash(each) for each in data]}
    rows[1] = [merkle.root_of(rows[0][first : first + 256]) for first in range(0, 2560, 256)]
    for tile in tiles(2560):
        first = tile.index * 256
        assert log.tile(tile) == b"".join(rows[tile.level][first : first + tile.width])
        if tile.level == 0:
            path = parse_path(tile.path.replace("/0/", "/entries/"))
            assert isinstance(path, Bundle)
            assert log.bundle(first, first + path.width) == data[first : first + path.width]
            assert bundle_encode(log.bundle(first, first + path.width))
    for width in (1, 9):  # a partial tile is served for ever, though it has grown since
        assert log.tile(Tile(1, 0, width)) == b"".join(rows[1][:width])
    for missing in (Tile(0, 10, 1), Tile(1, 0, 11), Tile(2, 0, 1), Tile(63, 0)):
        with pytest.raises(IndexError, match=missing.path):
            log.tile(missing)
    drawn = random.Random(7)  # noqa: S311 -- sizes
    for _ in range(60):
        old, new = sorted(drawn.choices(range(2561), k=2))
        old_root, new_root = merkle.root_of(rows[0][:old]), merkle.root_of(rows[0][:new])
        merkle.verify_consistency(old, new, old_root, new_root, log.consistency_proof(old, new))
        index = drawn.randrange(max(new, 1))
        if new:
            proof = log.inclusion_proof(index, new)
            merkle.verify_inclusion(rows[0][index], index, new, proof, new_root)
    assert fsck(log).size == 2560


def test_receipts_verify(log: Log, tax: Node) -> None:
    witness = Node("witness")
    key = note.VerifierKey.of("witness", witness.key, note.KeyKind.COSIGNATURE)
    policy = Policy(
        party="market",
        log=VKEY,
        log_url="https://market.example/log",
        witnesses=(Witness("witness", key),),
        quorum=1,
        outside=1,
        max_age=600,
    )
    log.append_many(tax.entries(5))
    at_six = log.checkpoint()
    line = cosignature.cosign(at_six.note.text, "witness", witness.key, NOW // 1000)
    cosigned = Checkpoint(note.Note(at_six.note.text, (*at_six.note.signatures, line)))
    log.append_many(tax.entries(4))
    for index, entry in enumerate(log.entries()):
        latest = receipt.parse(log.receipt(index).encode())
        assert latest.checkpoint.size == 10
        assert not receipt.verify(encode(entry), latest, policy, NOW // 1000).has_quorum
        if index < 6:
            under = receipt.parse(log.receipt(index, cosigned).encode())
            assert receipt.verify(encode(entry), under, policy, NOW // 1000).has_quorum
        else:
            with pytest.raises(ProofError):
                log.receipt(index, cosigned)


def test_what_the_log_does_not_have(log: Log, tax: Node) -> None:
    log.append(tax.entry())
    for index in (-1, 2):
        with pytest.raises(IndexError):
            log.entry(index)
    for start, stop in ((-1, 1), (0, 3), (2, 1), (3, None)):
        with pytest.raises(IndexError):
            log.entries(start, stop)
    for size in (-1, 3, True):
        with pytest.raises(ProofError):
            log.root(size)
    with pytest.raises(ProofError, match="has 2 entries, not yet 3"):
        log.inclusion_proof(0, 3)
    with pytest.raises(ProofError, match="has no leaf 2"):
        log.inclusion_proof(2, 2)
    with pytest.raises(ProofError, match="not yet 3"):
        log.consistency_proof(1, 3)
    with pytest.raises(ProofError, match="no prefix"):
        log.consistency_proof(2, 1)


# --- once, in order, all or none ------------------------------------------------------------------------------


def test_a_retry_gets_the_same_index(url: str, log: Log, tax: Node) -> None:
    first, second, third = tax.entries(3)
    assert [log.append(entry) for entry in (first, second, first)] == [1, 2, 1]
    assert log.append_many([second, third, third, first]) == [2, 3, 3, 1]
    with opened(url) as again:
        assert again.append(third) == 3
        assert again.append(parse(encode(third))) == 3
        assert fsck(again).size == 4


def test_an_id_is_not_taken_twice(log: Log, tax: Node) -> None:
    first = tax.entry()
    log.append(first)
    other = sign(replace_event(first, time=1), 2, tax.key)
    with pytest.raises(IdTakenError, match=f"{first.id} is taken by another event, entry 1"):
        log.append(other)
    second = tax.entry()
    with pytest.raises(IdTakenError, match="entry 2"):
        log.append_many([second, sign(replace_event(second, time=1), 3, tax.key)])
    assert log.size() == 2
    assert log.append(second) == 2


def replace_event(entry: Entry, **changes: object) -> Event:
    members = {name: getattr(entry, name) for name in Event.__dataclass_fields__}
    return Event(**members | changes)


def test_counters_leave_no_gap_and_each_contract_has_its_own(log: Log, tax: Node) -> None:
    bank = Node("bank")
    enrol(log, bank)
    first, second, third = tax.entries(3, BANK)
    for early in (second, third):
        with pytest.raises(CounterError, match="the next of tax is 1") as error:
            log.append(early)
        assert error.value.expected == 1
    assert log.append_many([first, second, *bank.entries(2, BANK), *tax.entries(2), tax.entry("other")])
    again = sign(tax.event("again", BANK), 2, tax.key)
    with pytest.raises(CounterError) as error:
        log.append(again)
    assert error.value.expected == 3
    assert log.append(third) == log.size() - 1
    fsck(log)


def test_many_are_appended_all_or_none(log: Log, tax: Node) -> None:
    entries = tax.entries(5)
    with pytest.raises(CounterError):
        log.append_many([*entries[:3], entries[4]])
    assert log.size() == 1
    assert log.append_many(entries) == [1, 2, 3, 4, 5]
    fsck(log)


def test_the_callers_own_tables_change_with_the_log_or_not_at_all(log: Log) -> None:
    with log.transaction() as batch:
        batch.connection.execute(text("CREATE TABLE notes (words TEXT)"))
    with pytest.raises(CounterError), log.transaction() as batch:  # noqa: PT012 -- the second fails
        batch.connection.execute(text("INSERT INTO notes VALUES ('lost')"))
        batch.add(Node("tax", Counter({None: 7})).entry())
    with log.transaction() as batch:
        batch.connection.execute(text("INSERT INTO notes VALUES ('kept')"))
        batch.report(Event(id=new_id("market"), kind=EntryKind.REFUSED, time=NOW, node="market"))
    with log.snapshot() as connection:
        assert connection.execute(text("SELECT words FROM notes")).scalars().all() == ["kept"]
    assert fsck(log).size == 2


# --- group commit ---------------------------------------------------------------------------------------------


def together(works: list[Callable[[], object]]) -> list[object]:
    """Run each in a thread of its own, all at the same time; give what each gave or raised."""
    results: list[object] = [None] * len(works)
    barrier = threading.Barrier(len(works))

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = works[place]()
        except Exception as error:  # noqa: BLE001 -- it is what is asked for
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Arrivals(list[Any]):
    """What waits for the next transaction, and how many have come."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Semaphore(0)

    def append(self, work: object) -> None:
        super().append(work)
        self.came.release()


def test_who_comes_together_shares_one_transaction_and_one_checkpoint(log: Log) -> None:
    nodes = [Node(f"node-{number}") for number in range(16)]
    enrol(log, *nodes)
    entries = [node.entry() for node in nodes]
    entries[5] = nodes[5].entry()  # its second, without the first
    arrivals = log._group._waiting = Arrivals()
    commits = []

    def wait_for_all(_connection: object) -> None:
        for _ in nodes:
            arrivals.came.acquire()

    event.listen(log._engine, "begin", wait_for_all, once=True)
    event.listen(log._engine, "commit", commits.append)
    results = together([lambda entry=entry: log.append(entry) for entry in entries])
    assert len(commits) == 1
    assert isinstance(results.pop(5), CounterError)
    del entries[5]
    assert sorted(cast("list[int]", results)) == list(range(17, 32))
    assert [log.entry(cast("int", index)) for index in results] == entries
    assert fsck(log).size == 32


def test_sixteen_threads_get_their_own_indices(log: Log) -> None:
    nodes = [Node(f"node-{number}") for number in range(16)]
    enrol(log, *nodes)
    entries = {node.name: node.entries(12) for node in nodes}
    results = together([lambda name=name: [log.append(entry) for entry in entries[name]] for name in entries])
    for name, indices in zip(entries, results, strict=True):
        assert isinstance(indices, list)
        assert [log.entry(index) for index in indices] == entries[name]
    assert fsck(log).size == 17 + 16 * 12


def test_a_group_whose_transaction_fails_tells_all_of_it(url: str, log: Log, tax: Node) -> None:
    first, second = tax.entries(2)

    def fail(batch: Batch) -> None:
        batch.connection.execute(text("SELECT no_such_column FROM entries"))

    with pytest.raises(LogError, match="no_such_column"):
        log.grouped(fail)
    assert log.append_many([first, second]) == [1, 2]

    class Told(BaseException):
        pass

    def interrupted(batch: Batch) -> int:
        batch.add(tax.entry())
        raise Told

    with pytest.raises(Told):
        log.grouped(interrupted)
    assert log.size() == 3
    with opened(url) as other:
        assert fsck(other).size == 3


# --- what is not signed ---------------------------------------------------------------------------------------


def test_a_halted_log_signs_nothing_in_whichever_process(url: str, log: Log, tax: Node) -> None:
    first, second = tax.entries(2)
    log.append(first)
    log.halt("a witness has seen more entries than there are")
    log.halt("another reason, which does not replace the first")
    with opened(url) as other:
        for each in (log, other):
            with pytest.raises(LogError, match="the log is halted: a witness has seen more"):
                each.append(second)
        assert fsck(other).size == 2


def test_nothing_is_signed_while_the_clock_is_behind(url: str, tax: Node) -> None:
    clock = Clock()
    with opened(url, clock) as log:
        enrol(log, tax)
        clock.now -= CLOCK_TOLERANCE
        first, second, third = tax.entries(3)
        assert log.append(first) == 1
        clock.now -= 1
        with pytest.raises(LogError, match="the clock is behind the last checkpoint"):
            log.append(second)
        assert log.append(first) == 1
        assert fsck(log).size == 2
        clock.now = NOW
        assert log.append_many([second, third]) == [2, 3]


@pytest.mark.parametrize(
    "other", [signer(origin="other.example/log"), signer(key=Node("another").key)], ids=["origin", "key"]
)
def test_two_writers_on_one_log_one_loses(url: str, log: Log, tax: Node, other: object) -> None:
    engine = open_engine(url)
    with pytest.raises(LogError, match=r"the database holds the log of another: .*market\.example/log"):
        Log(engine, other)  # type: ignore[arg-type]
    engine.dispose()
    assert log.append(tax.entry()) == 1
    assert fsck(log).size == 2


def test_nothing_is_signed_over_a_damaged_head(log: Log, tax: Node) -> None:
    with log.snapshot() as connection:
        row = connection.execute(tables.head.select()).one()._asdict()
    edge = bytes([row["edge"][0] ^ 1]) + row["edge"][1:]
    stray = checkpoint.signed(ORIGIN, 1, edge, KEY)
    for damage in (
        {"edge": edge},
        {"size": 0},
        {"signed_at": row["signed_at"] ^ 1},
        {"halted": "x"},
        {"checkpoint": stray},
        {"digest": bytes(32)},
    ):
        with log._engine.begin() as connection:
            connection.execute(tables.head.update().values(damage))
        with pytest.raises(LogError, match="the head is not as it was stored"):
            log.append(tax.entry())
        with pytest.raises(DamageError):
            fsck(log)
        with log._engine.begin() as connection:
            connection.execute(tables.head.update().values(row))
    assert fsck(log).size == 1
