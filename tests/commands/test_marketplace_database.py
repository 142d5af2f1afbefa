"""`veilmart marketplace migrate|backup|restore`, and what is said of another version's tables."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands.conftest import run
from locks import lay_key
from market import KEYS, ORIGIN, open_market
from market_life import lived_in
from marketplace_api.process import free_port, lay_policy, prepare
from store_contents import rows, set_revision

from audit.note import VerifierKey
from audit.storage.watermark import Watermark
from compute.signing import LOG_KEY, derived_key
from marketplace.store import revision

pytestmark = pytest.mark.long


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """A marketplace that was lived in, and serves no more."""
    before = os.umask(0o022)
    try:
        path = prepare(tmp_path, free_port())
        lay_key(tmp_path / "identity.jwe", KEYS["market"])
        lay_policy(tmp_path, free_port())
        lived_in(tmp_path / "market.db")
        yield path
    finally:
        os.umask(before)


def told(*arguments: str) -> str:
    """The one line of a command that fails."""
    result = run("marketplace", *arguments)
    assert result.exit_code == 1, result.output
    (line,) = [each for each in result.stderr.splitlines() if each.startswith("Error: ")]
    return line


def other_database(config: Path) -> None:
    config.write_text(config.read_text().replace("market.db", "restored.db"))


def test_there_and_back(config: Path) -> None:
    folder, before = config.parent, rows(config.parent / "market.db")
    made = run("marketplace", "backup", "--config", str(config), str(folder / "market.backup"))
    assert made.exit_code == 0, made.output
    assert f"Revision 修订版本 {revision.HEAD}" in made.stdout
    assert "there is such a file already" in told("backup", "--config", str(config), str(folder / "market.backup"))
    assert "the database is not empty" in told("restore", "--config", str(config), str(folder / "market.backup"))
    other_database(config)
    restored = run("marketplace", "restore", "--config", str(config), str(folder / "market.backup"))
    assert restored.exit_code == 0, restored.output
    assert rows(folder / "restored.db") == before
    assert (folder / "restored.db").stat().st_mode & 0o077 == 0


def test_what_witnesses_were_shown_since_is_missing(config: Path) -> None:
    folder = config.parent
    assert run("marketplace", "backup", "--config", str(config), str(folder / "market.backup")).exit_code == 0
    with open_market(folder / "market.db") as market:
        market.active("loans-2")
        key = VerifierKey.of(ORIGIN, derived_key(KEYS["market"], LOG_KEY))
        Watermark(folder / "watermark.checkpoint", key).raise_to(market.exchange.log.checkpoint())
    other_database(config)
    said = told("restore", "--config", str(config), str(folder / "market.backup"))
    assert "it was restored from an old backup" in said
    assert rows(folder / "restored.db") == {}


def test_a_marketplace_of_another_version_is_not_served(config: Path) -> None:
    set_revision(config.parent / "market.db", "0000")
    for command in ("serve", "work"):
        assert "run `veilmart marketplace migrate`" in told(command, "--config", str(config))


def test_down_and_up(config: Path) -> None:
    before = rows(config.parent / "market.db")
    assert "no revision 4711; there are 0001" in told("migrate", "--config", str(config), "--to", "4711")
    declined = run("marketplace", "migrate", "--config", str(config), "--to", "0001", answer="n\n")
    assert declined.exit_code == 1
    assert "This drops what later revisions have added" in declined.output
    assert rows(config.parent / "market.db") == before
    down = run("marketplace", "migrate", "--config", str(config), "--to", "0001", "--yes")
    assert down.stdout == f"{revision.HEAD} → 0001\n", down.output
    kept = {*rows(config.parent / "market.db")}
    assert "marketplace migrate" in told("serve", "--config", str(config))
    up = run("marketplace", "migrate", "--config", str(config))
    done, waiting, remedy = up.stdout.splitlines()
    assert done == f"0001 → {revision.HEAD}", up.output
    assert waiting.startswith("Organisations to be completed 待补录机构 ")
    assert "market-regulation" in waiting
    assert "veilmart market intervention complete" in remedy
    after = rows(config.parent / "market.db")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
