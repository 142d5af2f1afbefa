"""What an owner of the marketplace could do to its log, and that the auditor finds each."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from audit_command.market_log import Market, audit, load_public, write_config
from market import TAX
from marketplace_api.process import ROOT

from audit.entry import Entry, EntryKind, encode, new_id
from audit.merkle import leaf_hash

INDEX = 5
"""Of the entry that is tampered with."""


def changed(entry: Entry) -> Entry:
    return replace(entry, time=entry.time + 1)


def found(market: Market) -> str:
    """Start the marketplace as it is now, audit it, and give what the auditor says of the damage."""
    kept = market.kept
    with market.running():
        result = audit(market.config, "verify")
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stdout == ""
    assert market.kept == kept  # it is the evidence
    return result.stderr


def test_a_changed_entry_is_named(own_market: Market) -> None:
    data = encode(changed(own_market.entries()[INDEX]))
    own_market.tamper('UPDATE entries SET data = ? WHERE "index" = ?', data, INDEX)
    assert f"entry changed 条目被篡改: entry {INDEX} is the first" in found(own_market)


def test_a_changed_entry_with_its_leaf_hash_is_named(own_market: Market) -> None:
    data = encode(changed(own_market.entries()[INDEX]))
    own_market.tamper('UPDATE entries SET data = ? WHERE "index" = ?', data, INDEX)
    own_market.tamper('UPDATE nodes SET hash = ? WHERE level = 0 AND "index" = ?', leaf_hash(data), INDEX)
    assert "entry changed 条目被篡改: entry " in found(own_market)


def test_an_entry_that_is_none_is_named_by_the_marketplace_itself(own_market: Market) -> None:
    own_market.tamper('UPDATE entries SET data = ? WHERE "index" = ?', b"{}", INDEX)
    assert f"entry {INDEX}: " in found(own_market)


def test_a_dropped_entry_is_named_by_the_marketplace_itself(own_market: Market) -> None:
    own_market.tamper('DELETE FROM entries WHERE "index" = ?', INDEX)
    assert f"entry {INDEX}: missing" in found(own_market)


def test_a_log_rolled_back_is_found(own_market: Market) -> None:
    size = own_market.size - 2
    own_market.rewrite(lambda entries: entries[:size])
    assert f"rolled back 日志被回退: the log had {own_market.size} entries and now has {size}" in found(own_market)


def test_a_log_forked_is_found(own_market: Market) -> None:
    def fork(entries: list[Entry]) -> list[Entry]:
        return [*entries[:INDEX], changed(entries[INDEX]), *entries[INDEX + 1 :]]

    own_market.rewrite(fork)
    assert f"forked 日志被分叉: the log has another root than before at size {own_market.size}" in found(
        own_market
    )


def test_a_log_rewritten_and_grown_is_found(own_market: Market) -> None:
    def rewrite(entries: list[Entry]) -> list[Entry]:
        more = [replace(entry, id=new_id(entry.node)) for entry in entries[:2]]
        return [*entries[:INDEX], changed(entries[INDEX]), *entries[INDEX + 1 :], *more]

    own_market.rewrite(rewrite)
    assert f"rewritten 日志被改写: nothing shows the first {own_market.size} entries" in found(own_market)


def test_another_marketplace_in_its_place_is_found(own_market: Market) -> None:
    (own_market.folder / "identity.jwe").unlink()  # it makes itself a new one
    assert "not the marketplace's word" in found(own_market)


def test_a_checkpoint_that_another_key_signed_is_found(own_market: Market) -> None:
    folder, address = own_market.folder, own_market.folder / "address"
    address.unlink()
    write_config(folder, own_market.port, load_public(folder))
    with (folder / "log").open("ab") as log:
        liar = subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-m", "audit_command.liar", str(folder), str(own_market.port)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 20
        while not address.exists():
            assert liar.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()  # noqa: PT018
            time.sleep(0.02)
        result = audit(own_market.config, "verify")
    finally:
        liar.terminate()
        liar.wait(20)
    assert result.returncode == 1, result.stderr
    assert "the signature of market does not verify under its pinned key" in result.stderr


def traced(market: Market) -> str:
    """Start the marketplace as it is now, trace the contract, and give what the auditor says of the damage."""
    with market.running():
        result = audit(market.config, "trace", "--contract", market.contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stdout == ""
    return result.stderr


def indices(market: Market, *kinds: EntryKind) -> list[int]:
    return [index for index, entry in enumerate(market.entries()) if entry.kind in kinds]


def test_an_answer_left_out_of_a_trace_is_found(own_market: Market) -> None:
    released = indices(own_market, EntryKind.ANSWER_RELEASED)
    for index in released:
        own_market.tamper('DELETE FROM mentions WHERE "index" = ?', index)
    assert f"entry left out 条目被隐瞒: entry {released[0]} is in the log but is not shown" in traced(own_market)


@pytest.mark.parametrize("kind", [EntryKind.PERMIT_ISSUED, EntryKind.ANSWER_ACKNOWLEDGED])
def test_whatever_is_left_out_of_a_trace_is_named(own_market: Market, kind: EntryKind) -> None:
    index = indices(own_market, kind)[-1]
    own_market.tamper('DELETE FROM mentions WHERE "index" = ?', index)
    assert f"entry {index} is in the log but is not shown" in traced(own_market)


def test_a_revocation_left_out_of_a_trace_is_found(own_market: Market) -> None:
    with own_market.running() as server, server.client(TAX) as tax:
        tax.revoke_permit(tax.permit(own_market.contract, TAX).permit)
    (index,) = indices(own_market, EntryKind.PERMIT_REVOKED)
    own_market.tamper('DELETE FROM mentions WHERE "index" = ?', index)
    assert f"entry {index} is in the log but is not shown" in traced(own_market)


def test_an_empty_trace_of_a_contract_is_found(own_market: Market) -> None:
    own_market.tamper("DELETE FROM mentions")
    first = indices(own_market, EntryKind.APPLICATION_SUBMITTED)[0]
    assert f"entry {first} is in the log but is not shown" in traced(own_market)


def test_an_entry_added_to_a_trace_is_found(own_market: Market) -> None:
    own_market.tamper("INSERT INTO mentions VALUES (?, 0, NULL)", own_market.contract)
    assert "entry added 条目被添加: entry 0 is shown, but the log does not say" in traced(own_market)


def test_a_trace_over_a_changed_log_is_found(own_market: Market) -> None:
    (index, *_) = indices(own_market, EntryKind.ANSWER_RELEASED)
    data = encode(replace(own_market.entries()[index], permit_id=None))  # so that it seems to be of no contract
    own_market.tamper('UPDATE entries SET data = ? WHERE "index" = ?', data, index)
    own_market.tamper('DELETE FROM mentions WHERE "index" = ?', index)
    assert f"entry changed 条目被篡改: entry {index} is the first" in traced(own_market)


def test_a_trace_over_a_log_rewritten_without_an_answer_is_found(own_market: Market) -> None:
    (index, *_) = indices(own_market, EntryKind.ANSWER_RELEASED)
    own_market.rewrite(lambda entries: [*entries[:index], *entries[index + 1 :]])
    assert "rolled back 日志被回退" in traced(own_market)


@pytest.mark.parametrize("statement", ["DELETE FROM nodes WHERE level = 0", "DELETE FROM nodes WHERE level > 0"])
def test_a_tree_with_holes_is_found(own_market: Market, statement: str) -> None:
    own_market.tamper(statement)
    assert "damaged, as the marketplace says itself" in found(own_market)
