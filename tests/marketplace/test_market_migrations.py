"""Migrations: they end at the tables of the code, up and down, with data, on both databases, or change nothing."""

import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from market import BANK, LABOUR, Market, open_market
from store_contents import opened, rows, set_revision, shape

from audit.storage import tables as log_tables
from marketplace.errors import RevisionError
from marketplace.store import migration, revision
from marketplace.store.migration import BASE, migrate
from marketplace.store.migrations.scope import is_ours
from marketplace.store.schema import metadata

pytestmark = pytest.mark.long

ALTERED = """
import sqlalchemy as sa
from alembic import op

revision = "0900"
down_revision = {head!r}

def upgrade():
    with op.batch_alter_table("parties", table_kwargs={{"sqlite_strict": True}}) as parties:
        parties.add_column(sa.Column("since", sa.Text, nullable=False, server_default="long ago"))
        parties.alter_column("admission", new_column_name="record")

def downgrade():
    with op.batch_alter_table("parties", table_kwargs={{"sqlite_strict": True}}) as parties:
        parties.drop_column("since")
        parties.alter_column("record", new_column_name="admission")
"""
BROKEN = """
from alembic import op

revision = "0901"
down_revision = "0900"

def upgrade():
    op.execute("DELETE FROM case_reads")
    op.drop_table("case_reads")
    op.execute("SELECT 1 FROM nowhere")

def downgrade():
    pass
"""
ORPHANED = """
from alembic import op

revision = "0901"
down_revision = "0900"

def upgrade():
    op.execute("DELETE FROM signatures")

def downgrade():
    pass
"""


@pytest.fixture
def further(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of revisions that has one more, which alters a table to which others refer."""
    folder = tmp_path / "migrations"
    shutil.copytree(migration.FOLDER, folder)
    (folder / "versions" / "altered.py").write_text(ALTERED.format(head=revision.HEAD))
    monkeypatch.setattr(migration, "FOLDER", folder)
    return folder / "versions"


def test_a_new_database_is_at_the_last_revision(store: Path | str) -> None:
    assert migration.revisions()[-1] == revision.HEAD
    with open_market(store), opened(store) as connection:
        assert revision.present(connection) == revision.HEAD


def test_all_migrations_give_the_tables_of_the_code(store: Path | str) -> None:
    with open_market(store):
        pass
    made = shape(store)
    assert {*made} == {*metadata.tables, revision.versions.name}
    assert migrate(store, BASE) == (revision.HEAD, None)
    assert {*shape(store)} == {revision.versions.name}
    told: list[tuple[int, int]] = []
    assert migrate(store, progress=lambda *step: told.append(step)) == (None, revision.HEAD)
    count = len(migration.revisions())
    assert told == [(done, count) for done in range(count + 1)]
    assert shape(store) == made
    with opened(store) as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []
    with open_market(store) as market:
        market.enrol()
        market.publish()
        assert market.exchange.contracts.load(BANK, market.active()).is_complete


@pytest.mark.parametrize("target", migration.revisions())
def test_data_survives_down_and_up(lived: Path | str, target: str) -> None:
    before, made = rows(lived), shape(lived)
    assert [name for name, held in before.items() if not held] == ["cosigned"]
    migrate(lived, target)
    kept = {*rows(lived)}
    assert migrate(lived) == (target, revision.HEAD)
    assert shape(lived) == made
    after = rows(lived)
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    with open_market(lived) as market:
        market.check()
        market.active("loans-2")


def test_a_table_is_altered_under_those_that_refer_to_it(
    lived: Path | str, further: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, made = rows(lived), shape(lived)
    assert further.exists()
    assert migrate(lived, "0900") == (revision.HEAD, "0900")
    assert {row[-1] for row in rows(lived)["parties"]} == {"long ago"}
    altered = shape(lived)
    assert altered["parties"][-1] == made["parties"][-1]
    assert {name: altered[name] for name in made if name != "parties"} == {
        name: made[name] for name in made if name != "parties"
    }
    with pytest.raises(RevisionError, match="of a later Veilmart than this one"), open_market(lived):
        pass
    assert migrate(lived) == ("0900", revision.HEAD)
    assert shape(lived) == made
    assert rows(lived) == before
    monkeypatch.undo()
    migrate(lived, progress=lambda done, total: None if (done, total) == (0, 0) else pytest.fail("it is there"))


@pytest.mark.parametrize(("script", "reason"), [(BROKEN, "nowhere"), (ORPHANED, "refer|violates foreign key")])
def test_a_migration_that_fails_changes_nothing(
    lived: Path | str, further: Path, script: str, reason: str
) -> None:
    (further / "failing.py").write_text(script)
    before, made = rows(lived), shape(lived)
    with pytest.raises(RevisionError, match=reason):
        migrate(lived, "0901")
    assert shape(lived) == made
    assert rows(lived) == before


def test_a_database_from_before_revisions_is_the_first(lived: Path | str) -> None:
    migrate(lived, revision.FIRST)
    before = rows(lived)
    with opened(lived) as connection:
        revision.versions.drop(connection)
    assert migrate(lived, revision.FIRST) == (revision.FIRST, revision.FIRST)
    assert rows(lived) == before


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ("0000", "of revision 0000, and this version of Veilmart needs .* `veilmart marketplace migrate`"),
        ("9999", "of revision 9999, of a later Veilmart than this one"),
    ],
)
def test_tables_of_another_version_are_not_opened(store: Path | str, found: str, problem: str) -> None:
    with open_market(store):
        pass
    set_revision(store, found)
    before = rows(store)
    with pytest.raises(RevisionError, match=problem), open_market(store):
        pass
    with pytest.raises(RevisionError, match=f"has no revision {found}"):
        migrate(store)
    assert rows(store) == before


def test_a_revision_that_is_not_there_is_refused(store: Path | str) -> None:
    with pytest.raises(RevisionError, match="has no revision 4711; it has 0001"):
        migrate(store, "4711")


def test_a_process_that_goes_on_across_a_migration_is_refused(market: Market) -> None:
    name, size = market.drafted(), market.exchange.log.size()
    signed = market.signed(LABOUR, name)
    set_revision(market.path, "9999")
    for command in (
        lambda: market.exchange.contracts.sign(LABOUR, signed),
        lambda: market.exchange.contracts.load(LABOUR, name),
        market.exchange.expire,
    ):
        with pytest.raises(RevisionError, match="start the later version"):
            command()
    assert market.exchange.log.size() == size
    set_revision(market.path, revision.HEAD)
    assert set(market.exchange.contracts.sign(LABOUR, signed).signatures) == {LABOUR}


def test_the_log_s_tables_are_not_migrated(lived: Path | str) -> None:
    before = rows(lived)
    migrate(lived, BASE)
    held = rows(lived)
    assert {name: held[name] for name in log_tables.metadata.tables} == {
        name: before[name] for name in log_tables.metadata.tables
    }
    assert {*held} == {*log_tables.metadata.tables, revision.versions.name}
