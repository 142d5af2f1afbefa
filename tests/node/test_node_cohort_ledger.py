"""How many cohorts a contract may bring, and how many ids a bank may submit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from node.conftest import Engines
from node.statements import at_once
from sqlalchemy import Connection, Engine

from compute.disclosure.policy import EXAMPLE, read_policy
from compute.node.provider import cohort_ledger as ledger
from compute.protocols.base import RefusalError

POLICY = read_policy(Path(__file__).parents[2] / EXAMPLE)


@pytest.fixture
def connection(engines: Engines) -> Iterator[Connection]:
    ledger.METADATA.create_all(engines[0])
    with engines[0].begin() as connection:
        yield connection


def name(number: int) -> bytes:
    return bytes([number]) * 32


def test_a_contract_brings_so_many_label_vectors_and_so_many_alignments(connection: Connection) -> None:
    for number in range(POLICY.max_cohorts):
        for _ in range(2):  # the same again counts nothing
            ledger.count_labels(connection, "bank", "contract", name(number), POLICY)
    with pytest.raises(RefusalError, match="check 9: the contract has brought 8 cohorts"):
        ledger.count_labels(connection, "bank", "contract", name(99), POLICY)
    ledger.count_labels(connection, "bank", "contract", name(3), POLICY)
    ledger.count_labels(connection, "bank", "another", name(99), POLICY)
    for number in range(100, 100 + POLICY.max_cohorts):
        ledger.count_alignment(connection, "bank", "contract", name(number), 1, POLICY)
    with pytest.raises(RefusalError, match="check 9: the contract has brought 8 cohorts"):
        ledger.count_alignment(connection, "bank", "contract", name(99), 1, POLICY)


def test_all_companies_cannot_be_submitted_whatever_the_contract(connection: Connection) -> None:
    step = POLICY.max_aligned_ids // 4
    for number in range(4):
        ledger.count_alignment(connection, "bank", f"contract-{number}", name(1), step, POLICY)
    with pytest.raises(RefusalError, match="check 9: 1 more ids"):
        ledger.count_alignment(connection, "bank", "contract-9", name(1), 1, POLICY)
    ledger.count_alignment(connection, "bank", "contract-0", name(1), step, POLICY)
    assert ledger.aligned(connection, "bank") == POLICY.max_aligned_ids
    ledger.count_alignment(connection, "other", "contract-9", name(2), 1, POLICY)
    assert ledger.aligned(connection, "other") == 1
    with pytest.raises(ValueError, match="one at least"):
        ledger.count_alignment(connection, "other", "contract-9", name(3), 0, POLICY)


def test_two_processes_cannot_both_submit_the_last_ids(engines: Engines) -> None:
    ledger.METADATA.create_all(engines[0])

    def attempt(number: int, engine: Engine) -> bool:
        try:
            with engine.begin() as connection:
                ids = POLICY.max_aligned_ids * 2 // 3
                ledger.count_alignment(connection, "bank", f"contract-{number}", name(number), ids, POLICY)
        except RefusalError:
            return False
        return True

    assert sum(at_once([lambda number=number: attempt(number, engines[number % 2]) for number in range(4)])) == 1
