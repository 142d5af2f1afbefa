"""Several workers on one file, a restart, terms that end, and what the process never loads."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from market import BANK, LABOUR, TAX
from marketplace_api.process import (
    ROOT,
    Server,
    active,
    applied,
    batch,
    enrol,
    free_port,
    now,
    prepare,
    publish,
    start,
)

from compute.signing import digest
from compute.web.errors import PeerProblemError
from marketplace.api.context import INTERVAL

pytestmark = pytest.mark.long


def test_a_restart_keeps_everything(own_server: Callable[[], Server]) -> None:
    first = own_server()
    enrol(first)
    publish(first)
    name = active(first, "kept")
    with first.client(BANK) as bank:
        bank.register_consents(batch(name, "b-1"))
        before = bank.contract(name), bank.consents(name), bank.trace(name), bank.permit(name, TAX)
    entries, key = first.entries(), first.market_key
    assert first.stop() == 0
    second = own_server()
    assert second.market_key == key
    with second.client(BANK) as bank:
        assert (bank.contract(name), bank.consents(name), bank.trace(name), bank.permit(name, TAX)) == before
    assert second.entries() == entries


def test_a_worker_that_cannot_write_its_log_is_replaced(tmp_path: Path) -> None:
    port = free_port()
    prepare(tmp_path, port, workers=1)
    server = start(tmp_path, port)
    try:
        enrol(server, BANK)
        (worker,) = server.workers
        # As on a full disk: nothing is written beyond this length. The nonces' files are shorter by far.
        full = (tmp_path / "market.db-wal").stat().st_size
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (full, full))
        with pytest.raises(PeerProblemError, match="answered 500"):
            enrol(server, TAX)
        deadline = time.monotonic() + 20
        while server.workers in ([], [worker]):
            assert time.monotonic() < deadline, server.log
            time.sleep(0.02)
        enrol(server, TAX)  # by the new one
    finally:
        assert server.stop() == 0, server.log


@contextmanager
def stopped(process: int) -> Iterator[None]:
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_two_workers_see_one_state(server: Server) -> None:
    one, other = server.workers
    with stopped(other):
        name = applied(server, "workers")
    with stopped(one), server.client(TAX) as tax:
        assert tax.application(name).state == "submitted"
        tax.approve(name, digest(tax.application(name).terms).hex())
    with stopped(other), server.client(LABOUR) as labour:
        assert labour.application(name).parts[TAX] == "approved"


def test_a_term_that_is_over_is_stated_within_a_second(server: Server) -> None:
    end = now() + 5_000
    name = active(server, "short", not_after=end)
    with server.client(TAX) as tax:
        permit = tax.permit(name, TAX)
        assert permit.state == "active"
        time.sleep(max(0, (end + INTERVAL - now()) / 1000))
        assert tax.contract(name).state == "expired"
        assert tax.permit(name, TAX).state == "expired"
        assert not tax.permit_status(permit.permit, b"\1" * 32).statement.active
        kinds = [entry.kind.value for _, entry in tax.trace(name)]
    assert (kinds.count("contract_expired"), kinds.count("permit_expired")) == (1, 2)


def test_the_process_loads_nothing_that_reads_rows_or_computes_on_them() -> None:
    script = "import veilmart.marketplace_command, sys; print(*sys.modules, sep='\\n')"
    found = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert "marketplace.exchange" in found
    forbidden = {"connectors", "duckdb", "gmpy2", "numpy", "pandas", "phe", "compute.paillier", "compute.node"}
    assert not forbidden & set(found)
