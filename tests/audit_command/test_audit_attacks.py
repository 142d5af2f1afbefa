"""What an owner of the marketplace could do to its log, and that the auditor finds it at the log's own URL."""

import json
import shutil
from dataclasses import replace

import pytest
from audit_command.market_log import Market, audit, witnessed
from locks import unlock

from audit.entry import encode, sign
from audit.merkle import leaf_hash
from compute.signing import LOG_KEY, derived_key
from compute.web.keyfile import load_or_make

pytestmark = pytest.mark.long

INDEX = 5
"""Of the entry that is tampered with."""


def found(market: Market, *, code: int = 1) -> dict[str, object]:
    """Start the marketplace as it is now, audit it, and give what the auditor finds."""
    kept = market.kept
    with market.running():
        result = audit(market.folder, "verify", "--json", "--config", "auditor.toml")
    assert result.returncode == code, result.stdout + result.stderr
    assert market.kept == kept  # it is the evidence
    told: dict[str, object] = json.loads(result.stdout)
    return told


def fsck(market: Market) -> str:
    result = audit(market.folder, "fsck", "--config", "marketplace.toml")
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stderr


def forged(market: Market) -> bytes:
    """An entry of the marketplace's own, otherwise than it was, signed anew with its key."""
    with market.running() as server:
        entry = server.entries()[INDEX]
    key = derived_key(load_or_make(market.folder / "identity.jwe", unlock), LOG_KEY)
    return encode(sign(replace(entry, time=entry.time - 1), entry.counter, key))


def change_hash(market: Market, node: bytes) -> None:
    statement = "UPDATE tiles SET hashes = CAST(substr(hashes, 1, ?) || ? || substr(hashes, ?) AS BLOB)"
    market.tamper(statement, INDEX * 32, node, INDEX * 32 + 33)
    (market.folder / "watermark.checkpoint").unlink()  # it would keep the marketplace from starting


def test_a_changed_entry_is_named(own_market: Market) -> None:
    own_market.tamper('UPDATE entries SET data = ? WHERE "index" = ?', forged(own_market), INDEX)
    told = found(own_market)
    assert (told["damage"], told["index"]) == ("changed", INDEX)
    assert f"from entry {INDEX} on" in fsck(own_market)


def test_a_changed_entry_with_its_tile_is_found(own_market: Market) -> None:
    data = forged(own_market)
    own_market.tamper('UPDATE entries SET data = ? WHERE "index" = ?', data, INDEX)
    change_hash(own_market, leaf_hash(data))
    assert found(own_market)["damage"] == "changed"
    assert "the head is not that of the tree" in fsck(own_market)


def test_a_changed_tile_is_named(own_market: Market) -> None:
    change_hash(own_market, bytes(32))
    told = found(own_market)
    assert (told["damage"], told["index"]) == ("bad_tile", INDEX)
    assert "tile/0/000" in fsck(own_market)


def test_a_log_made_anew_from_its_beginning_is_known_by_what_the_auditor_kept(own_market: Market) -> None:
    for name in ("market.db", "market.db-wal", "market.db-shm", "watermark.checkpoint"):
        (own_market.folder / name).unlink(missing_ok=True)
    told = found(own_market)
    assert (told["damage"], told["index"]) == ("rolled_back", 0)
    proof = told["proof"]
    assert isinstance(proof, list)
    assert [own_market.folder / path for path in proof] == sorted(own_market.folder.glob("*.proof"), reverse=True)


def test_a_log_rolled_back_to_an_old_backup_is_found(own_market: Market) -> None:
    shutil.copy(own_market.folder / "market.db", own_market.folder / "backup.db")
    with own_market.running() as server:
        with server.client("operator") as operator:
            operator.organisations.suspend("other-bank", "breach")
        witnessed(server, own_market.size + 1)
        assert audit(own_market.folder, "verify", "--config", "auditor.toml").returncode == 0
    (own_market.folder / "backup.db").replace(own_market.folder / "market.db")
    (own_market.folder / "watermark.checkpoint").unlink()
    told = found(own_market)
    assert (told["damage"], told["index"]) == ("rolled_back", own_market.size)


def test_another_marketplace_in_its_place_is_found(own_market: Market) -> None:
    policy = (own_market.folder / "policy.toml").read_bytes()
    (own_market.folder / "identity.jwe").unlink()  # it makes itself a new one
    for name in ("market.db", "watermark.checkpoint"):
        (own_market.folder / name).unlink()
    (own_market.folder / "kept.toml").write_bytes(policy)
    config = own_market.config
    config.write_text(config.read_text().replace("policy.toml", "kept.toml"))
    assert found(own_market)["damage"] == "not_signed"
