"""A marketplace killed at any moment comes back with what it told, and its log and its tables agree."""

import itertools
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from market import BANK, LABOUR, TAX, WHY, Market, open_market
from sqlalchemy import select

from compute.permit import permit_name
from compute.records import contract_name
from marketplace.flow.states import ApplicationState, ContractState, PermitState
from marketplace.store import tables

pytestmark = pytest.mark.long

PROCESSES = multiprocessing.get_context("fork")

STATES = {
    "contract_drafted": ContractState.DRAFTED,
    "contract_activated": ContractState.ACTIVE,
    "contract_terminated": ContractState.TERMINATED,
}
PARTS = {"application_approved": ApplicationState.APPROVED}


def live(path: Path | str, ready: Connection, first: int) -> None:
    """One contract after another, from application to end, until killed; tells of each that is over."""
    with open_market(path) as market:
        for number in itertools.count(first):
            name = market.active(f"loans-{number}")
            market.exchange.consents.register(BANK, market.registration(name, "batch-1", ["a", "b", "c"]))
            market.exchange.consents.withdraw(BANK, market.withdrawal(name, ["b"]))
            market.exchange.permits.revoke(TAX, permit_name(name, TAX), WHY)
            market.exchange.contracts.terminate(LABOUR, name, WHY)
            ready.send(number)


def assert_log_and_tables_agree(market: Market) -> None:
    """Replay the log and compare: neither a change without its entry nor an entry without its change."""
    exchange = market.exchange
    market.check()
    with exchange.log.snapshot() as connection:
        names = list(connection.scalars(select(tables.applications.c.contract)))
        rows = {
            table.name: len(connection.execute(select(table)).all()) for table in tables.metadata.sorted_tables
        }
    kinds = Counter(market.kinds())
    assert rows["applications"] == kinds["application_submitted"]
    assert rows["contracts"] == kinds["contract_drafted"]
    assert rows["signatures"] == kinds["contract_signed"]
    assert rows["permits"] == kinds["permit_issued"]
    assert rows["batches"] == kinds["consent_registered"]
    assert rows["commitments"] == 3 * kinds["consent_registered"]
    assert rows["withdrawals"] == kinds["consent_withdrawn"]
    for name in names:
        told = [(entry.kind.value, entry.counterparty) for _, entry in exchange.trace(BANK, name)]
        parts = {party: PARTS[kind] for kind, party in told if kind in PARTS}
        undecided = dict.fromkeys((TAX, LABOUR), ApplicationState.SUBMITTED)
        assert exchange.applications.load(BANK, name).parts == undecided | parts
        if len(parts) == 2:
            contract = exchange.contracts.load(BANK, name)
            assert contract.state is [STATES[kind] for kind, _ in told if kind in STATES][-1]
            assert set(contract.signatures) == {party for kind, party in told if kind == "contract_signed"}
        for provider in [party for kind, party in told if kind == "permit_issued"]:
            revoked = ("permit_revoked", provider) in told
            state = PermitState.REVOKED if revoked else PermitState.ACTIVE
            assert exchange.permits.load(BANK, name, str(provider)).state is state


def test_killed_at_any_moment(listed: Path | str) -> None:
    moments = random.Random(20261122)  # noqa: S311 -- moments, no secrets
    first = 0
    for _ in range(10):
        ours, theirs = PROCESSES.Pipe(duplex=False)
        child = PROCESSES.Process(target=live, args=(listed, theirs, first))
        child.start()
        theirs.close()
        told = ours.recv()  # it works
        time.sleep(moments.uniform(0, 0.06))
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        while ours.poll():
            try:
                told = ours.recv()
            except EOFError:
                break
        ours.close()
        with open_market(listed) as market:
            assert_log_and_tables_agree(market)
            assert (
                market.exchange.contracts.load(BANK, contract_name(BANK, f"loans-{told}")).state
                is ContractState.TERMINATED
            )
        first = told + 2  # the one after was cut off, and stays as it is


@pytest.mark.parametrize("step", ["report", "seal"])
def test_a_change_without_its_entry_is_no_change(
    market: Market, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    name, before = market.drafted(), market.exchange.log.root()
    signed = market.signed(BANK, name)

    def fail(*_: object) -> None:
        raise OSError("the power fails here")

    with monkeypatch.context() as broken:
        broken.setattr(f"audit.storage.batch.Batch.{step}", fail)
        with pytest.raises(OSError, match="power"):
            market.exchange.contracts.sign(BANK, signed)
    assert market.exchange.contracts.load(BANK, name).signed == ()
    assert market.exchange.log.root() == before
