"""A backup goes back into either database as it was, or nothing of it does, and it is said why."""

import gzip
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import postgres
import pytest
from market import BANK, LABOUR, NOW, ORIGIN, TAX, VERSIONS, WHY, open_market
from sqlalchemy import Connection, delete, inspect, update
from store_contents import opened, policy, rows, shape

from audit.errors import LogError
from audit.policy import Policy
from audit.storage.tables import entries
from audit.storage.watermark import Watermark
from compute.permit import permit_name
from compute.records import contract_name
from marketplace.errors import BackupError
from marketplace.store import backup, backup_file, migration, restore, revision, tables
from marketplace.store.consent_tables import consent_requests, disputes
from marketplace.store.demand_tables import demands
from marketplace.store.money_tables import mandates, statements
from marketplace.store.office_tables import approval_processes
from marketplace.store.organisation_tables import organisations
from marketplace.store.resource_tables import resources

pytestmark = pytest.mark.long

NAME = contract_name(BANK, "loans-1")
OF_THE_FIRST_RELEASE = Path(__file__).with_name("market-0001.backup")
Change = Callable[[Connection], object]


def back_up(store: Path | str, path: Path) -> backup.Written:
    return backup.write(store, ORIGIN, path, NOW)


def put_back(path: Path, store: Path | str, watermark: Path | None = None, of: Policy | None = None) -> None:
    of = of or policy()
    restore.restore(path, store, of, Watermark(watermark or path.with_name("watermark"), of.log))


def is_empty(store: Path | str) -> bool:
    with opened(store) as connection:
        return inspect(connection).get_table_names() == []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "market.backup"


def test_it_goes_back_as_it_was(lived: Path | str, file: Path, empty_store: Path | str, tmp_path: Path) -> None:
    written = back_up(lived, file)
    assert file.stat().st_mode & 0o777 == 0o600
    with gzip.open(file) as stream:
        data = stream.read()
    assert hashlib.sha256(data[:-32]).hexdigest() == written.digest
    before = rows(lived)
    assert {table.name: table.rows for table in written.header.tables} == {
        name: len(held) for name, held in before.items() if name != revision.versions.name
    }
    for target in (empty_store, tmp_path / "copy.db"):
        put_back(file, target)
        assert rows(target) == before
        with open_market(target) as market:
            market.check()
            name = market.active("loans-2")  # the databases' own numbers go on behind those restored
            market.exchange.consents.register(BANK, market.registration(name, "batch-2", ["a"]))
            market.exchange.consents.withdraw(BANK, market.withdrawal(name, ["a"]))
    with open_market(lived):
        assert shape(empty_store) == shape(lived)


def test_from_sqlite_into_postgresql(life: Path, file: Path, postgres_url: str) -> None:
    back_up(life, file)
    with postgres.database(postgres_url) as url:
        put_back(file, url)
        assert rows(url) == rows(life)
        with open_market(url) as market:
            market.active("loans-2")


def test_it_is_of_one_moment_while_the_marketplace_works(store: Path | str, file: Path, tmp_path: Path) -> None:
    made, over = [file.with_name(f"{number}.backup") for number in range(3)], threading.Event()
    with open_market(store) as market:
        market.enrol()
        market.publish()
        market.active("loans-0")

        def work() -> None:
            number = 0
            while not over.is_set():
                number += 1
                market.exchange.contracts.terminate(LABOUR, market.active(f"loans-{number}"), WHY)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            sizes = [back_up(store, path).header.size for path in made]
        finally:
            over.set()
            thread.join()
    for number, path in enumerate(made):
        put_back(path, tmp_path / f"restored-{number}.db")  # which compares each state with the log
    assert sizes[0] < sizes[2]


def test_of_an_earlier_revision_it_is_migrated(
    second_empty_store: Path | str, file: Path, empty_store: Path | str
) -> None:
    old = second_empty_store
    put_back(OF_THE_FIRST_RELEASE, old, file.with_name("first"))
    migration.migrate(old, revision.FIRST)
    assert back_up(old, file).header.revision == revision.FIRST
    put_back(file, empty_store)
    migration.migrate(old)
    assert rows(empty_store) == rows(old)
    assert shape(empty_store) == shape(old)


def test_what_a_way_back_has_dropped_is_missed(lived: Path | str, file: Path, empty_store: Path | str) -> None:
    migration.migrate(lived, revision.FIRST)
    back_up(lived, file)
    with pytest.raises(BackupError, match=r"resource .* is missing, and the log has resource_entered of it"):
        put_back(file, empty_store)
    assert is_empty(empty_store)


def moved_contract(connection: Connection) -> None:
    connection.execute(update(tables.contracts).where(tables.contracts.c.name == NAME).values(state="terminated"))


def unrevoked_permit(connection: Connection) -> None:
    connection.execute(
        update(tables.permits).where(tables.permits.c.id == permit_name(NAME, TAX)).values(state="active")
    )


def lost_permit(connection: Connection) -> None:
    connection.execute(delete(tables.permits).where(tables.permits.c.id == permit_name(NAME, LABOUR)))


def suspended_organisation(connection: Connection) -> None:
    connection.execute(update(organisations).where(organisations.c.name == BANK).values(state="suspended"))


def granted_request(connection: Connection) -> None:
    still = consent_requests.c.state == "open"
    connection.execute(update(consent_requests).where(still).values(id="request-1", state="granted"))


def withdrawn_demand(connection: Connection) -> None:
    connection.execute(update(demands).where(demands.c.poster == BANK).values(state="closed"))


def closed_dispute(connection: Connection) -> None:
    connection.execute(update(disputes).values(state="closed"))


def standing_mandate(connection: Connection) -> None:
    connection.execute(update(mandates).values(state="ended"))


def settled_statement(connection: Connection) -> None:
    latest = statements.c.version == 2
    connection.execute(update(statements).where(latest).values(state="disputed"))


def finished_approval(connection: Connection) -> None:
    connection.execute(update(approval_processes).values(state="completed"))


def cancelled_resource(connection: Connection) -> None:
    connection.execute(update(resources).where(resources.c.provider == LABOUR).values(state="cancelled"))


def closed_case(connection: Connection) -> None:
    connection.execute(update(tables.cases).values(state="closed"))


def delisted_product(connection: Connection) -> None:
    connection.execute(update(tables.products).where(tables.products.c.provider == TAX).values(state="delisted"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (moved_contract, f"contract {NAME} is terminated, and the log has contract_activated last of it"),
        (unrevoked_permit, f"permit {permit_name(NAME, TAX)} is active, and the log has permit_revoked last"),
        (lost_permit, f"permit {permit_name(NAME, LABOUR)} is missing, and the log has permit_issued of it"),
        (suspended_organisation, "organisation bank is suspended, and the log has party_enrolled last of it"),
        (granted_request, "consent request request-1 is granted, and the log has no event last of it"),
        (withdrawn_demand, "is closed, and the log has demand_answered last of it"),
        (closed_dispute, "is closed, and the log has dispute_answered last of it"),
        (standing_mandate, "mandate mandate-2026 is ended, and the log has mandate_entered last of it"),
        (settled_statement, " 2 is disputed, and the log has statement_confirmed last of it"),
        (finished_approval, "is completed, and the log has approval_passed last of it"),
        (cancelled_resource, "is cancelled, and the log has resource_entered last of it"),
        (closed_case, "is closed, and the log has case_approved last of it"),
        (
            delisted_product,
            f"product {' '.join(VERSIONS[TAX])} is delisted, and the log has product_published last",
        ),
    ],
)
def test_states_that_the_log_does_not_tell_are_refused(
    lived: Path | str, file: Path, empty_store: Path | str, change: Change, said: str
) -> None:
    with opened(lived) as connection:
        change(connection)
    back_up(lived, file)
    with pytest.raises(BackupError) as refused:
        put_back(file, empty_store)
    assert said in str(refused.value)
    assert is_empty(empty_store)


def test_a_log_that_was_changed_is_refused(lived: Path | str, file: Path, empty_store: Path | str) -> None:
    with opened(lived) as connection:
        connection.execute(update(entries).where(entries.c["index"] == 3).values(contract="contract-x"))
    back_up(lived, file)
    with pytest.raises(BackupError, match="its log is damaged: entry 3: filed under"):
        put_back(file, empty_store)
    assert is_empty(empty_store)


def test_an_old_backup_would_be_a_fork(
    lived: Path | str, file: Path, empty_store: Path | str, tmp_path: Path
) -> None:
    mark = Watermark(tmp_path / "watermark", policy().log)
    with open_market(lived) as market:
        mark.raise_to(market.exchange.log.checkpoint())
        back_up(lived, file)
        put_back(file, empty_store)  # all that witnesses were shown
        market.active("loans-2")
        mark.raise_to(market.exchange.log.checkpoint())
    later = tmp_path / "later.db"
    with pytest.raises(LogError, match="restored from an old backup"):
        put_back(file, later)
    assert is_empty(later)


def test_a_database_that_is_not_empty_is_left_alone(lived: Path | str, file: Path) -> None:
    back_up(lived, file)
    with open_market(lived) as market:
        market.active("loans-2")
    before = rows(lived)
    with pytest.raises(BackupError, match="the database is not empty"):
        put_back(file, lived)
    assert rows(lived) == before


def test_a_file_that_is_there_is_not_overwritten(lived: Path | str, file: Path) -> None:
    file.write_text("precious")
    with pytest.raises(BackupError, match="there is such a file already"):
        back_up(lived, file)
    assert file.read_text() == "precious"
    with pytest.raises(BackupError, match="No such file or directory; name a new file"):
        back_up(lived, file.parent / "nowhere" / "market.backup")
    assert not list(file.parent.glob("*.part"))


def test_what_holds_no_marketplace_is_not_backed_up(empty_store: Path | str, file: Path) -> None:
    if isinstance(empty_store, Path):
        with pytest.raises(BackupError, match="no such file"):
            back_up(empty_store, file)
        assert not empty_store.exists()
        with opened(empty_store):
            pass
    with pytest.raises(BackupError, match="holds no marketplace"):
        back_up(empty_store, file)
    assert not file.exists()
    assert not list(file.parent.glob("*.part"))


# --- damaged and foreign files: the same for both databases ---------------------------------------------------


@pytest.fixture(scope="module")
def whole(life: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "file"
    back_up(life, path)
    return gzip.decompress(path.read_bytes())


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(BackupError) as found:
        put_back(path, path.with_name("restored.db"))
    assert str(path) in str(found.value)
    assert not path.with_name("restored.db").exists()  # it was not even opened
    return str(found.value)


def test_a_damaged_file_is_refused(whole: bytes, file: Path) -> None:
    for place in (0, 20, 60, len(whole) // 3, len(whole) // 2, len(whole) - 33, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 0x40
        said = refused(file, gzip.compress(bytes(changed), 1))
        assert "damaged" in said or "no backup" in said, (place, said)
    for length in (0, 10, 100, len(whole) // 2, len(whole) - 32, len(whole) - 1):
        said = refused(file, gzip.compress(whole[:length], 1))
        assert "damaged" in said or "no backup" in said, (length, said)
    assert "digest" in refused(file, gzip.compress(whole + b"\0", 1))
    packed = gzip.compress(whole, 1)
    assert "damaged" in refused(file, packed[: len(packed) // 2])
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 1
    assert "damaged" in refused(file, bytes(flipped))


def test_a_foreign_file_is_refused(whole: bytes, file: Path) -> None:
    assert "no backup of a marketplace" in refused(file, gzip.compress(b"something else", 1))
    assert "damaged" in refused(file, b"SQLite format 3\0")
    file.write_bytes(gzip.compress(whole, 1))
    with pytest.raises(BackupError, match=rf"of the log {ORIGIN}, not of other.example/log"):
        put_back(file, file.with_name("restored.db"), of=policy("other.example/log"))
    file.unlink()
    with pytest.raises(BackupError, match="No such file"):
        put_back(file, file.with_name("restored.db"))


Forgery = Callable[
    [backup_file.Header, list[backup_file.Piece]], tuple[backup_file.Header, list[backup_file.Piece]]
]


def forged(whole: bytes, file: Path, change: Forgery) -> Path:
    """Such a file with something changed in it and a digest that fits."""
    file.write_bytes(gzip.compress(whole, 1))
    header, pieces = backup_file.read(file)
    header, changed = change(header, list(pieces))
    with file.open("wb") as out:
        writer = backup_file.Writer(out, header)
        for piece in changed:
            writer.add(*piece)
        writer.end()
    return file


def replaced(header: backup_file.Header, **changes: object) -> backup_file.Header:
    return msgspec.structs.replace(header, **changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda header, pieces: (header, pieces[:-1]), "rows of .* and not"),
        (lambda header, pieces: (header, [*pieces, pieces[0]._replace(table=99)]), "rows of no table"),
        (
            lambda header, pieces: (header, [*pieces, pieces[0]._replace(rows=[(1, 2, 3, 4, 5, 6, 7, 8)])]),
            "too many or too few values",
        ),
        (lambda header, pieces: (replaced(header, revision="4711"), pieces), "of revision 4711, of a later"),
        (
            lambda header, pieces: (replaced(header, tables=(*header.tables, header.tables[0])), pieces),
            "the same table twice",
        ),
        (
            lambda header, pieces: (
                replaced(header, tables=(*header.tables, backup_file.TableHeader("sqlite_schema", ("sql",), 0))),
                pieces,
            ),
            "its table sqlite_schema is none of revision",
        ),
        (
            lambda header, pieces: (
                replaced(header, tables=tuple(t for t in header.tables if t.rows)),
                [
                    piece._replace(
                        table=[t.name for t in header.tables if t.rows].index(header.tables[piece.table].name)
                    )
                    for piece in pieces
                ],
            ),
            "without .*cosigned, .*which revision",
        ),
    ],
)
def test_a_forged_file_is_refused(whole: bytes, file: Path, change: Forgery, said: str) -> None:
    with pytest.raises(BackupError, match=said):
        put_back(forged(whole, file, change), file.with_name("restored.db"))
    assert is_empty(file.with_name("restored.db"))
