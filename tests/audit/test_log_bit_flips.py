"""One bit flipped in whatever row of whatever table, or in SQLite's file: the check finds it, where it is."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import postgres
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_world import KEY, NOW, ORIGIN, PARTY, VKEY, Node, enrol, fsck, opened
from sqlalchemy import Table, and_, insert, select, update
from sqlalchemy.exc import DBAPIError

from audit import checkpoint, cosignature, note
from audit.errors import DamageError, LogError
from audit.log import Log
from audit.note import VerifierKey
from audit.storage import tables
from audit.storage.check import check
from audit.tile import tiles

pytestmark = pytest.mark.long

TABLES = [tables.entries, tables.tiles, tables.streams, tables.head, tables.cosigned]
WITNESS = Node("witness")
WITNESS_KEY = VerifierKey.of("witness", WITNESS.key, note.KeyKind.COSIGNATURE)


def fill(log: Log) -> None:
    """Two levels of tiles, partial ones among them, several streams, and what was shown to witnesses."""
    nodes = [Node("tax"), Node("labour")]
    enrol(log, *nodes)
    log.append_many([*nodes[0].entries(150, "contract-1"), *nodes[1].entries(150), *nodes[0].entries(5)])
    with log.transaction() as batch:
        for stage, size in (("candidate", 300), ("published", 257)):
            made = checkpoint.parse(checkpoint.signed(ORIGIN, size, log.root(size), KEY)).note
            line = cosignature.cosign(made.text, "witness", WITNESS.key, NOW // 1000)
            cosigned = note.Note(made.text, (*made.signatures, line)).encode()
            row = {"stage": stage, "size": size, "checkpoint": cosigned}
            batch.connection.execute(insert(tables.cosigned), row)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = str(tmp_path_factory.mktemp("flips") / "log.db")
        else:
            url = stack.enter_context(postgres.database(request.getfixturevalue("postgres_url")))
        made = stack.enter_context(opened(url))
        fill(made)
        fsck(made, WITNESS_KEY)
        yield made


def flipped(value: Any, bit: int) -> Any:
    """The value with one of its bits the other way round; of a text, in its UTF-8."""
    if value is None:
        return "\x00"
    if isinstance(value, int):
        return value ^ 1 << bit % 63
    data = bytearray(value.encode() if isinstance(value, str) else value)
    if data:
        data[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(data).decode("utf-8", "replace") if isinstance(value, str) else bytes(data)


def indices(table: Table, row: Any) -> range:
    """Those that may be named where this row is damaged."""
    match table.name:
        case "entries":
            return range(row.index, row.index + 1)
        case "tiles":
            first = row.index * 256 << 8 * row.level
            return range(first, first + (256 << 8 * row.level))
    return range(10_000)


@settings(max_examples=60)
@given(st.data())
def test_a_bit_flipped_in_any_row_of_any_table_is_found(log: Log, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(TABLES))
    column = data.draw(st.sampled_from(list(table.columns)))
    bit = data.draw(st.integers(0, 2**16))
    with log._engine.connect() as connection:
        row = data.draw(st.sampled_from(connection.execute(select(table).order_by(*table.primary_key)).all()))
        good = getattr(row, column.name)
        bad = flipped(good, bit)
        if bad == good:  # an empty text has no bit
            return
        key = and_(*(each == getattr(row, each.name) for each in table.primary_key))
        try:
            connection.execute(update(table).where(key).values({column: bad}))
        except DBAPIError:  # there is no such row: the column is too small, or another row has this key
            return
        with pytest.raises(DamageError) as found:
            check(connection, VKEY, PARTY, witnesses=[WITNESS_KEY])
        connection.rollback()
    assert found.value.index is None or column.primary_key or found.value.index in indices(table, row)


# --- SQLite's file --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a log that nobody has open."""
    path = tmp_path_factory.mktemp("file") / "log.db"
    with opened(path) as log:
        fill(log)
    return path


def said(log: Log) -> object:
    """What a log says, once it was checked."""
    fsck(log, WITNESS_KEY)
    entries = list(log.entries())
    assert log.append_many(entries) == list(range(len(entries)))
    return entries, log.checkpoint(), log.published(), [log.tile(tile) for tile in tiles(len(entries))]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_bit_flipped_in_the_file_is_found_or_changes_nothing_that_the_log_says(
    file: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """Pages have free room, and a few fields of the header say nothing: no reader comes there."""
    path = tmp_path / "copy.db"
    content = bytearray(file.read_bytes())
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    for left in tmp_path.iterdir():
        left.unlink()
    path.write_bytes(content)
    try:
        with opened(path) as log:
            found = said(log)
    except LogError:
        return
    with opened(file) as log:
        assert found == said(log)
