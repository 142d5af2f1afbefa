"""What somebody with write access to the database can do to it: the check finds it, with the first bad index."""

import re
from dataclasses import replace
from pathlib import Path

import postgres
import pytest
from log_world import KEY, NOW, ORIGIN, Node, enrol, fsck, opened
from sqlalchemy import text

from audit import checkpoint, cosignature, note
from audit.entry import encode, sign
from audit.errors import DamageError, LogError
from audit.log import Log
from audit.storage import head, tables

COUNT = 10
"""Entries in the log, all about one contract but the first, which enrols the node."""


@pytest.fixture
def log(empty: Log, tax: Node) -> Log:
    enrol(empty, tax)
    empty.append_many(tax.entries(COUNT - 1, "contract-1"))
    fsck(empty)
    return empty


def execute(log: Log, *statements: str, **values: object) -> None:
    """What somebody with the database in hand does to it."""
    with log._engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), values)


def damaged(log: Log, problem: str) -> DamageError:
    with pytest.raises(DamageError, match=problem) as found:
        fsck(log)
    return found.value


SWAP = (
    'CREATE TABLE held AS SELECT * FROM entries WHERE "index" IN (2, 5)',
    'DELETE FROM entries WHERE "index" IN (2, 5)',
    'INSERT INTO entries SELECT 7 - "index", id, contract, data FROM held',
    "DROP TABLE held",
)
INSERT = (  # and push the others on
    'UPDATE entries SET "index" = -1 - "index" WHERE "index" >= 4',
    'UPDATE entries SET "index" = -"index" WHERE "index" < 0',
    "INSERT INTO entries SELECT 4, 'another', contract, data FROM entries WHERE \"index\" = 3",
)
CLOSE_GAP = (  # of a deleted entry
    'UPDATE entries SET "index" = 1 - "index" WHERE "index" > {0}',
    'UPDATE entries SET "index" = -"index" WHERE "index" < 0',
)


@pytest.mark.parametrize(
    ("damage", "index", "found"),
    [
        (["UPDATE entries SET id = '0' WHERE \"index\" = 3"], 3, "filed under the id or contract of another"),
        (['UPDATE entries SET contract = NULL WHERE "index" = 3'], 3, "filed under the id or contract"),
        (["UPDATE entries SET contract = 'x' WHERE \"index\" = 9"], 9, "filed under the id or contract"),
        (['DELETE FROM entries WHERE "index" = 0'], 0, "missing"),
        (['DELETE FROM entries WHERE "index" = 6'], 6, "missing"),
        (['DELETE FROM entries WHERE "index" = 9'], 9, "missing"),
        (['DELETE FROM entries WHERE "index" > 6'], 7, "missing"),
        (["DELETE FROM entries"], 0, "missing"),
        (['DELETE FROM entries WHERE "index" = 0', *(each.format(0) for each in CLOSE_GAP)], 0, "not enrolled"),
        (['DELETE FROM entries WHERE "index" = 6', *(each.format(6) for each in CLOSE_GAP)], 6, "number 7 of tax"),
        (SWAP, 2, "number 5 of tax about contract-1, where 2 is due"),
        (INSERT, 4, "number 3 of tax about contract-1, where 4 is due"),
        (["INSERT INTO entries SELECT -1, 'x', contract, data FROM entries WHERE \"index\" = 3"], -1, "surplus"),
        (["INSERT INTO entries SELECT 10, 'x', contract, data FROM entries WHERE \"index\" = 3"], 10, "number 3"),
        (["INSERT INTO entries SELECT 12, 'x', contract, data FROM entries WHERE \"index\" = 3"], 10, "missing"),
        (["DELETE FROM tiles"], 0, "tile/0/000.p/10, from entry 0 on: missing"),
        (["INSERT INTO tiles SELECT 0, 1, hashes FROM tiles"], 10, "surplus, tile 1 of level 0"),
        (["INSERT INTO tiles SELECT 1, 0, hashes FROM tiles"], 10, "surplus, tile 0 of level 1"),
        (["INSERT INTO tiles SELECT 0, -1, hashes FROM tiles"], 10, "surplus, tile -1 of level 0"),
        (["INSERT INTO tiles SELECT 2000000, 0, hashes FROM tiles"], 10, "surplus, tile 0 of level 2000000"),
        (["INSERT INTO tiles SELECT -1, 0, hashes FROM tiles"], 10, "surplus, tile 0 of level -1"),
        (["UPDATE streams SET counter = 8 WHERE node = 'tax'"], 9, "last counter of tax about contract-1"),
        (["DELETE FROM streams WHERE node = 'market'"], 0, "last counter of market about no contract"),
        (["INSERT INTO streams VALUES ('tax', '', 1)"], 10, "last counter of tax about no contract"),
        (["UPDATE streams SET contract = 'x' WHERE node = 'tax'"], 9, "last counter of tax about contract-1"),
        (["UPDATE head SET size = 9"], None, "the head is not as it was stored"),
        (["DELETE FROM head"], None, "the head is missing"),
        (["UPDATE head SET halted = ''"], None, "the head is not as it was stored"),
    ],
)
def test_damage_is_found_with_its_place(log: Log, damage: list[str], index: int | None, found: str) -> None:
    execute(log, *damage)
    assert damaged(log, found).index == index


@pytest.mark.parametrize("index", [1, 6, 9])
def test_an_edited_entry_is_found(log: Log, index: int) -> None:
    """Even if its id and counter stay, and if the editor has the node's own key."""
    entry = log.entry(index)
    edits: list[tuple[bytes, str]] = [
        (encode(entry).replace(b"query_received", b"answer_sent"), "not signed by tax"),
        (encode(entry) + b" ", "not canonical JSON"),
        (b"{}", "missing"),
        (encode(Node("tax").entry("contract-2")), "number 1 of tax|filed under"),
        (
            encode(
                sign(
                    Node("tax").event(f"contract-1 {index}", "contract-1", rows=7), entry.counter, Node("tax").key
                )
            ),
            f"tile/0/000.p/10, from entry {index} on: not the hashes",
        ),
    ]
    good = encode(entry)
    for data, found in edits:
        execute(log, 'UPDATE entries SET data = :data WHERE "index" = :at', data=data, at=index)
        assert damaged(log, found).index == index
        execute(log, 'UPDATE entries SET data = :data WHERE "index" = :at', data=good, at=index)
    fsck(log)


# --- heads ----------------------------------------------------------------------------------------------------


def store_head(log: Log, **changes: bytes) -> None:
    """Put in a head that is as it was stored, by somebody who knows how."""
    with log._engine.begin() as connection:
        forged = replace(head.load(connection), **changes)
        connection.execute(tables.head.update().values(forged.row))


def test_a_forged_head_is_found(log: Log) -> None:
    good = log.checkpoint()
    stranger = Node("stranger").key
    for forged, found in (
        (checkpoint.signed(ORIGIN, COUNT, good.root, stranger), "market.example/log has not signed"),
        (checkpoint.signed("other.example/log", COUNT, good.root, KEY), "has not signed"),
        (checkpoint.signed(ORIGIN, COUNT, bytes(32), KEY), "not that of the tree"),
        (checkpoint.signed(ORIGIN, COUNT - 1, log.root(COUNT - 1), KEY), "not that of the tree"),
        (b"nothing", "the head: "),
    ):
        store_head(log, checkpoint=forged)
        damaged(log, found)
    store_head(log, checkpoint=good.encode(), edge=bytes(64))
    assert damaged(log, "not that of the tree").index == COUNT


def test_what_was_shown_to_witnesses_is_of_this_log(log: Log) -> None:
    witness = Node("witness")
    key = note.VerifierKey.of("witness", witness.key, note.KeyKind.COSIGNATURE)
    made = checkpoint.parse(checkpoint.signed(ORIGIN, 7, log.root(7), KEY))
    line = cosignature.cosign(made.note.text, "witness", witness.key, NOW // 1000)
    good = note.Note(made.note.text, (*made.note.signatures, line)).encode()
    rows = text("INSERT INTO cosigned VALUES (:stage, :size, :data)")

    def show(stage: str, size: int, data: bytes) -> None:
        with log._engine.begin() as connection:
            connection.execute(tables.cosigned.delete())
            connection.execute(rows, {"stage": stage, "size": size, "data": data})

    for stage in ("candidate", "published"):
        show(stage, 7, good)
        assert fsck(log, key).size == COUNT
        assert (log.candidate if stage == "candidate" else log.published)().encode() == good
    show("canditate", 7, good)
    damaged(log, "the canditate checkpoint is not of this log")
    for size, data, found in (
        (8, good, "not of this log"),
        (7, checkpoint.signed(ORIGIN, 7, bytes(32), KEY), "not of this log"),
        (11, checkpoint.signed(ORIGIN, 11, bytes(32), KEY), "not of this log"),
        (7, checkpoint.signed(ORIGIN, 7, log.root(7), witness.key), "has not signed"),
    ):
        show("published", size, data)
        damaged(log, f"the published checkpoint.*{found}")
    for bad, found in (
        (good.replace(b"witness ", b"witless "), "a line of 'witless', which is neither market.example/log nor a"),
        (good.replace(good[-20:-10], good[-20:-10].swapcase()), "the cosignature of witness does not verify"),
    ):
        show("published", 7, bad)
        fsck(log)  # without the witnesses' keys nobody can tell
        with pytest.raises(DamageError, match=f"the published checkpoint: {found}") as error:
            fsck(log, key)
        assert error.value.index == 7


# --- what changes what is appended ----------------------------------------------------------------------------


def test_a_trigger_that_swallows_entries_is_found_at_once_and_by_the_check(path: Path, tax: Node) -> None:
    with opened(path) as log:
        enrol(log, tax)
        for table in ("entries", "tiles"):
            execute(log, f"CREATE TRIGGER t_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END")
        with pytest.raises(LogError, match="the entries were not stored"):
            log.append(tax.entry())
        assert log.size() == 1
        damaged(log, "holds a trigger")


def test_a_failure_inside_append_leaves_nothing_half_done(path: Path, tax: Node) -> None:
    first, *others = tax.entries(4)
    with opened(path) as log:
        enrol(log, tax)
        log.append(first)
        execute(log, "CREATE TRIGGER f BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'f'); END")
        with pytest.raises(LogError, match="cannot be written: f"):
            log.append_many(others)
        assert log.size() == 2
        execute(log, "DROP TRIGGER f")
        assert fsck(log).size == 2
        assert log.append_many(others) == [2, 3, 4]
        fsck(log)


def test_rules_and_triggers_of_postgresql_are_found(postgres_url: str, tax: Node) -> None:
    with postgres.database(postgres_url) as url, opened(url) as log:
        enrol(log, tax)
        execute(log, "CREATE RULE swallow AS ON INSERT TO entries DO INSTEAD NOTHING")
        with pytest.raises(LogError, match="the entries were not stored"):
            log.append(tax.entry())
        damaged(log, "holds a trigger or a rule")
        execute(log, "DROP RULE swallow ON entries")
        fsck(log)
        execute(
            log,
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "CREATE TRIGGER f BEFORE INSERT ON streams FOR EACH ROW EXECUTE FUNCTION f()",
        )
        damaged(log, "holds a trigger or a rule")


# --- met while reading and appending --------------------------------------------------------------------------


def test_damage_met_while_reading(log: Log) -> None:
    entries = list(log.entries())
    execute(log, 'DELETE FROM entries WHERE "index" = 2', "DELETE FROM tiles")
    reading = log.entries()
    assert [next(reading), next(reading)] == entries[:2]
    with pytest.raises(LogError, match="entry 2: missing"):
        next(reading)
    with pytest.raises(LogError, match=r"tile/0/000\.p/4: missing"):
        log.inclusion_proof(2, 4)
    execute(log, 'UPDATE entries SET data = :data WHERE id IS NOT NULL AND "index" = 3', data=b"{}")
    with pytest.raises(LogError, match="entry 3: "):
        log.entry(3)


def test_a_damaged_end_is_not_appended_to(log: Log, tax: Node) -> None:
    execute(log, "UPDATE tiles SET hashes = :short", short=bytes(32 * 9))
    with pytest.raises(LogError, match=r"tile \(0, 0\) has 288 bytes and must have 320"):
        log.append(tax.entry("contract-1"))
    assert log.size() == COUNT


# --- SQLite's file --------------------------------------------------------------------------------------------


@pytest.fixture
def file(path: Path, tax: Node) -> Path:
    """A log of 401 entries that nobody has open, in one file."""
    with opened(path) as log:
        enrol(log, tax)
        log.append_many(tax.entries(400))
    assert not path.with_name("log.db-wal").exists()
    return path


def test_a_damaged_page_is_found(file: Path) -> None:
    data = bytearray(file.read_bytes())
    at = data.rindex(b'"counter":300,')
    page = at - at % 4096
    data[page : page + 100] = bytes(100)
    file.write_bytes(data)
    with opened(file) as log:
        assert damaged(log, "or what follows: database disk image is malformed").index in range(290, 301)


def test_an_index_that_disagrees_with_its_table_is_found(file: Path) -> None:
    entry = Node("tax").entry()
    data = file.read_bytes()
    # The id stands in the entry's bytes, in the row and in the index that retries use, in a page without entries.
    places = [match.start() for match in re.finditer(entry.id.encode(), data)]
    (at,) = (place for place in places if b'"kind"' not in data[place - place % 4096 :][:4096])
    file.write_bytes(data[:at] + b"f" + data[at + 1 :])
    with opened(file) as log:
        damaged(log, "the database file is damaged")
