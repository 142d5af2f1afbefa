"""The disclosure ledger: what statistics cost, whoever asks at once, and what is left of an abandoned job."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from node.conftest import AT_REST, Engines
from node.statements import at_once
from sqlalchemy import Connection, Engine

from compute.at_rest import AtRestError
from compute.disclosure.atoms import admit, cohort_pattern
from compute.disclosure.errors import DisclosureError
from compute.disclosure.policy import EXAMPLE, read_policy
from compute.disclosure.refresh import KeptColumn, unknown
from compute.node.provider import disclosure_ledger as ledger
from compute.node.provider import universe
from compute.node.provider.disclosure_ledger import OutdatedError, Release
from compute.protocols.base import RefusalError

POLICY = read_policy(Path(__file__).parents[2] / EXAMPLE)
FULL = "budget for statistics has no room"
ROWS = 400


def release(number: int, milliepsilon: int = 3000, bank: str = "bank", job: int | None = None) -> Release:
    name = number if job is None else job
    return Release(bytes([number]) * 32, bank, bytes([100 + name]) * 32, milliepsilon, b"content %d" % number)


@contextmanager
def opened(engine: Engine) -> Iterator[Connection]:
    ledger.METADATA.create_all(engine)
    universe.METADATA.create_all(engine)
    with engine.begin() as connection:
        yield connection


def spend(engine: Engine, made: Release) -> None:
    with opened(engine) as connection:
        ledger.spend(connection, AT_REST, made, POLICY)


def spent(engine: Engine, bank: str = "bank") -> tuple[int, int]:
    with opened(engine) as connection:
        return ledger.spent(connection, bank)


def rest(engine: Engine, made: Release) -> bytes | None:
    with opened(engine) as connection:
        return ledger.stored(connection, AT_REST, made.bank, made.question, made.job)


def refund(engine: Engine, made: Release) -> None:
    with opened(engine) as connection:
        ledger.refund(connection, made.job)


def test_a_bank_s_budget_is_spent_to_the_very_end_and_no_further(engines: Engines) -> None:
    for number in range(4):
        spend(engines[0], release(number))
    assert spent(engines[1]) == (12000, 12000)
    with pytest.raises(RefusalError, match=f"check 9: the {FULL}"):
        spend(engines[0], release(9, 100))
    assert spent(engines[0]) == (12000, 12000)
    assert rest(engines[0], release(9)) is None
    spend(engines[0], release(10, 0))  # exact, under the control of atoms


def test_one_question_costs_no_more_than_one_may(engines: Engines) -> None:
    with pytest.raises(RefusalError, match="may not cost this much"):
        spend(engines[0], release(1, 3001))
    with pytest.raises(RefusalError, match="may not cost this much"):
        spend(engines[0], release(1, -3000))
    assert spent(engines[0]) == (0, 0)


def test_all_banks_together_have_a_budget_and_none_hears_of_another(engines: Engines) -> None:
    for bank in ("a", "b", "c"):
        for number in range(4):
            spend(engines[0], release(number, bank=bank))
    assert spent(engines[0], "a") == (12000, 36000)
    assert spent(engines[0], "d") == (0, 36000)
    with pytest.raises(RefusalError) as others:
        spend(engines[0], release(1, 100, bank="d"))
    with pytest.raises(RefusalError) as own:
        spend(engines[0], release(20, 100, bank="a"))
    assert str(others.value) == str(own.value)


def test_averaging_the_noise_out(engines: Engines) -> None:
    """A repeated question is answered with what is stored; others like it end with the budget."""
    spend(engines[0], release(1))
    for job in range(50):
        assert rest(engines[job % 2], release(1, job=job)) == b"content 1"
    assert spent(engines[0]) == (3000, 3000)
    for number in (2, 3, 4):
        spend(engines[0], release(number))
    with pytest.raises(RefusalError, match=FULL):
        spend(engines[0], release(5))
    assert rest(engines[0], release(1, bank="other")) is None  # another bank's answer is not this one's


def test_a_tombstone_gives_back_what_no_other_job_rests_on(engines: Engines) -> None:
    spend(engines[0], release(1))
    spend(engines[0], release(2))
    refund(engines[0], release(1))
    refund(engines[0], release(1))  # said twice
    assert spent(engines[0]) == (3000, 3000)
    assert rest(engines[0], release(1, job=7)) is None
    spend(engines[0], release(1, job=7))  # asked again, it is charged anew
    assert spent(engines[0]) == (6000, 6000)


def test_an_answer_that_another_job_has_read_is_not_given_back(engines: Engines) -> None:
    first, second = release(1, job=1), release(1, job=2)
    spend(engines[0], first)
    assert rest(engines[0], second) == b"content 1"
    refund(engines[0], first)
    assert spent(engines[0]) == (3000, 3000)
    assert rest(engines[0], release(1, job=3)) == b"content 1"
    refund(engines[0], second)
    refund(engines[0], release(1, job=3))
    assert spent(engines[0]) == (0, 0)


def test_two_processes_cannot_both_spend_the_last_of_a_budget(engines: Engines) -> None:
    for number in range(3):
        spend(engines[0], release(number))

    def attempt(number: int) -> bool:
        try:
            spend(engines[number % 2], release(50 + number, 2000))
        except RefusalError:
            return False
        return True

    assert sum(at_once([lambda number=number: attempt(number) for number in range(6)])) == 1
    assert spent(engines[0]) == (11000, 11000)


def test_two_processes_cannot_both_answer_one_question(engines: Engines) -> None:
    """Each has drawn noise of its own: the mean of both would be better than what was paid for."""

    def attempt(job: int) -> bool:
        try:
            spend(engines[job % 2], dataclasses.replace(release(1, job=job), content=b"noise %d" % job))
        except OutdatedError:
            return False
        return True

    won = at_once([lambda job=job: attempt(job) for job in range(6)])
    assert sum(won) == 1
    assert rest(engines[0], release(1, job=60)) == b"noise %d" % won.index(True)
    assert spent(engines[0]) == (3000, 3000)


def test_a_crash_before_the_commit_spends_and_tells_nothing(engines: Engines) -> None:
    codes = np.zeros(ROWS, dtype=np.uint8)
    made = dataclasses.replace(release(1), columns={"x": unknown(codes)})

    def crash() -> None:
        with opened(engines[0]) as connection:
            ledger.spend(connection, AT_REST, made, POLICY)
            universe.rows(connection, AT_REST, ["91460100MAG8UND7X2"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crash()
    assert spent(engines[1]) == (0, 0)
    with opened(engines[1]) as connection:
        assert ledger.kept(connection, AT_REST, "bank", "x") is None
        assert ledger.answered(connection, AT_REST, "bank", made.question) is None
        assert universe.count(connection) == 0
    spend(engines[1], made)  # as the next process does


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("atoms", [3, 255, 256, 65_536])
def test_a_column_is_kept_as_it_was(engines: Engines, dtype: type, atoms: int) -> None:
    codes = np.arange(70_000).astype(dtype)
    numbers = (np.arange(70_000) % (atoms + 1)).astype(np.int32)
    spend(engines[0], dataclasses.replace(release(1), columns={"x": KeptColumn(codes, numbers)}))
    with opened(engines[1]) as connection:
        found = ledger.kept(connection, AT_REST, "bank", "x")
        assert ledger.kept(connection, AT_REST, "other", "x") is None
    assert found is not None
    assert (found.codes.dtype, found.atoms.dtype, found.version) == (np.dtype(dtype), np.dtype(np.int32), 1)
    assert np.array_equal(found.codes, codes)
    assert np.array_equal(found.atoms, numbers)


def test_two_processes_cannot_differ_in_what_was_told(engines: Engines) -> None:
    """Cohorts that differ in a row, asked at once: each is admissible alone, no second one after the first."""
    codes, everywhere = np.zeros(ROWS, dtype=np.uint8), np.ones(ROWS, dtype=bool)

    def ask(number: int, engine: Engine) -> bool:
        pattern = cohort_pattern(codes, 1, np.arange(ROWS) < 200 + number, everywhere)
        while True:
            with opened(engine) as connection:
                kept = ledger.kept(connection, AT_REST, "bank", "x") or unknown(codes)
            try:
                atoms = admit(kept.atoms, [pattern], POLICY.min_cohort)
                new = KeptColumn(codes, atoms, kept.version)
                spend(engine, dataclasses.replace(release(number, 100), columns={"x": new}))
            except OutdatedError:
                continue
            except DisclosureError:
                return False
            return True

    told = at_once([lambda number=number: ask(number, engines[number % 2]) for number in range(4)])
    assert sum(told) == 1
    with opened(engines[0]) as connection:
        kept = ledger.kept(connection, AT_REST, "bank", "x")
    assert kept is not None
    assert kept.version == 1
    assert sorted(np.bincount(kept.atoms)[1:].tolist()) == sorted([200 + told.index(True), 200 - told.index(True)])


def test_rows_are_numbered_once_for_ever(engines: Engines) -> None:
    a, b, c = "91460100MAG8UND7X2", "91460100MAYBH984XM", "91460100MAQBDL395F"
    with opened(engines[0]) as connection:
        assert universe.rows(connection, AT_REST, [b, a]).tolist() == [0, 1]
    with opened(engines[1]) as connection:
        assert universe.rows(connection, AT_REST, [a, c, b, c]).tolist() == [1, 2, 0, 2]
        assert universe.rows(connection, AT_REST, []).tolist() == []
        assert universe.count(connection) == 3


def test_what_is_kept_is_sealed_in_its_place(engines: Engines, tmp_path: Path) -> None:
    subject, codes = "91460100MAG8UND7X2", np.full(ROWS, 77, dtype=np.uint8)
    made = dataclasses.replace(release(1), columns={"x": KeptColumn(codes, np.full(ROWS, 7, dtype=np.int32))})
    spend(engines[0], made)
    spend(engines[0], dataclasses.replace(release(2), columns={"y": unknown(codes)}))
    with opened(engines[0]) as connection:
        universe.rows(connection, AT_REST, [subject])
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (subject.encode(), codes.tobytes()[:16], b"\7" * 16, made.content):
        assert secret not in written
    with opened(engines[0]) as connection:
        moved = (
            "UPDATE disclosure_columns SET codes = (SELECT codes FROM disclosure_columns WHERE \"column\" = 'x')"
        )
        connection.exec_driver_sql(moved)
        connection.exec_driver_sql("UPDATE disclosure_releases SET content = zeroblob(99)")
    with opened(engines[0]) as connection:
        with pytest.raises(AtRestError, match="disclosure_columns codes bank y"):
            ledger.kept(connection, AT_REST, "bank", "y")
        with pytest.raises(AtRestError, match="disclosure_releases content bank"):
            ledger.answered(connection, AT_REST, "bank", made.question)
