"""A provider's and a bank's alignments in their databases: matched, resumed, counted, sealed, erased."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from aligned import BANK, LIMITS, NOW, PROVIDER, RIVAL, Office, asked, begun, companies
from node.conftest import AT_REST, Engines
from node.statements import at_once

from audit.database import truncate_wal
from compute.canonical import HOUR
from compute.node.bank.alignments import BankAlignmentStore
from compute.node.provider.alignments import OPEN_FOR, AlignmentStore
from compute.protocols.alignment.bank import BankAlignment, align, give_back
from compute.protocols.alignment.messages import Align
from compute.protocols.alignment.provider import Held, Limits
from compute.protocols.base import RefusalError
from compute.protocols.holding import Holding, Snapshot

ALL = companies(60)
HELD = ALL[:40]


def refusal(act: Callable[[], object]) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        act()
    return caught.value


def statements(rows: list[int], contract: str = "contract-1", bank: str = BANK) -> list[Align]:
    return [begun(ALL[:count], asked(contract), bank)[1] for count in rows]


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_each_place_has_the_row_of_its_subject_or_none(engines: Engines) -> None:
    office = Office(engines[0], HELD)
    for cohort in (ALL[20:], ALL[40:], HELD, ALL, ALL[39:40]):
        office.now += HOUR  # another contract each, since one has three
        alignment = office.align(cohort, asked(f"contract-{office.now}"))
        assert sorted(alignment.subjects) == sorted(cohort)
        shared = set(cohort) & set(HELD)
        assert office.matched(alignment) == {subject: subject for subject in shared}
        kept = office.store.cohort(alignment.name)
        assert kept is not None
        assert (kept.bank, kept.product, kept.product_version) == (BANK, "register", "1.0.0")
        assert len(kept.subjects) == len(cohort)


def test_the_orders_that_travel_are_drawn_anew(engines: Engines) -> None:
    office = Office(engines[0], HELD)
    first, message = begun(HELD)
    second, _ = begun(HELD)
    assert first.subjects != second.subjects
    assert HELD not in {first.subjects, second.subjects}
    office.aligner.align(message)
    kept = office.store.find(first.name)
    assert kept is not None
    assert kept.session is not None
    assert kept.session.order != HELD
    assert sorted(kept.session.order) == sorted(HELD)


def test_who_stands_in_an_earlier_snapshot_only_is_aligned_too(engines: Engines) -> None:
    """A question may be about the values of an earlier day."""
    none = pd.DataFrame()
    holding = Holding(
        product="register",
        product_version="1.0.0",
        snapshot="0" * 64,
        snapshot_date="2026-02-01",
        scales={},
        subjects=ALL[:20],
        select=lambda _subjects, _columns: none,
        history=(Snapshot("1" * 64, "2026-01-01", ALL[10:30], lambda _subjects, _columns: none),),
    )
    assert Held.of(holding) == Held("register", "1.0.0", ALL[:30])
    office = Office(engines[0], Held.of(holding).subjects)
    assert set(office.matched(office.align(ALL))) == set(ALL[:30])


def test_a_message_that_comes_again_gets_the_same_reply_in_any_process(engines: Engines) -> None:
    one, other = (Office(engine, HELD) for engine in engines)
    alignment, message = begun(ALL[30:])
    reply = one.aligner.align(message)
    other.now += 5 * HOUR  # a job of the worker's may have waited
    assert other.aligner.align(message) == reply
    returned = give_back(alignment, reply, 40)
    accepted = one.aligner.complete(returned)
    assert accepted.at == NOW
    assert other.aligner.complete(returned) == accepted
    late = refusal(lambda: other.aligner.align(message))
    assert (late.check, late.reason) == (7, "the alignment is complete")
    assert set(one.matched(alignment)) == set(ALL[30:40])
    assert one.store.aligned_ids(BANK) == 30


def test_two_workers_at_once_end_with_one_session(engines: Engines) -> None:
    offices = [Office(engine, HELD) for engine in engines]
    alignment, message = begun(ALL[30:])
    replies = at_once([lambda i=i: offices[i % 2].aligner.align(message) for i in range(4)])  # type: ignore[misc]
    assert len({reply.points for reply in replies}) == 1
    offices[0].aligner.complete(give_back(alignment, replies[0], 40))
    assert set(offices[1].matched(alignment)) == set(ALL[30:40])


def test_what_broke_off_between_count_and_session_goes_on_without_another_count(engines: Engines) -> None:
    office = Office(engines[0], HELD)
    alignment, message = begun(ALL[30:])
    assert office.aligner.check(message) is None
    assert office.store.aligned_ids(BANK) == 30
    office.now += 2 * HOUR
    align(office, alignment, message, 40)
    assert office.store.aligned_ids(BANK) == 30
    assert set(office.matched(alignment)) == set(ALL[30:40])


def test_the_bank_goes_on_after_each_place_where_it_may_break_off(engines: Engines) -> None:
    office, store = Office(engines[0], HELD), BankAlignmentStore(engines[1], AT_REST)
    alignment, message = begun(ALL[30:])
    store.add(alignment)

    def resumed() -> BankAlignment:
        found = store.unfinished("contract-1", PROVIDER, "loans")
        assert found is not None
        assert found == alignment
        assert found.message() == message
        return found

    align_once = office.aligner.align(resumed().message())
    assert align_once.alignment == alignment.name
    align(office, resumed(), message, 40)
    sent = len(office.sent)
    align(office, resumed(), message, 40)  # the provider's Accepted had been lost
    assert b'"check":7' in office.sent[sent]
    assert len(office.sent) == sent + 1
    assert store.find("contract-1", PROVIDER, "loans") is None
    store.complete(alignment.name, NOW)
    assert store.unfinished("contract-1", PROVIDER, "loans") is None
    assert store.find("contract-1", PROVIDER, "loans") == alignment.name
    assert store.subjects(alignment.name) == alignment.subjects
    with pytest.raises(LookupError, match="no alignment 0000"):
        store.subjects(bytes(32))


def test_an_alignment_that_is_given_up_is_not_gone_on_with_nor_found(engines: Engines) -> None:
    store = BankAlignmentStore(engines[0], AT_REST)
    alignment, _ = begun(ALL)
    store.add(alignment)
    store.give_up(alignment.name)
    store.complete(alignment.name, NOW)
    assert store.unfinished("contract-1", PROVIDER, "loans") is None
    assert store.find("contract-1", PROVIDER, "loans") is None


def test_ids_are_counted_for_each_bank_over_all_contracts_and_never_too_many_at_once(engines: Engines) -> None:
    stores = [AlignmentStore(engine, AT_REST) for engine in engines]
    limits = Limits(contract_alignments=3, bank_ids=100)
    asked_for = [message for i in range(8) for message in statements([30], f"contract-{i}")]
    told = at_once(
        [
            lambda i=i, m=m: stores[i % 2].count(m.statement.statement, limits, NOW)  # type: ignore[misc]
            for i, m in enumerate(asked_for)
        ]
    )
    assert sorted(told, key=str) == ["30 ids asked, 10 left of bank's 100"] * 5 + [None] * 3
    assert stores[0].aligned_ids(BANK) == 90
    (of_rival,) = statements([60], bank=RIVAL)
    assert stores[0].count(of_rival.statement.statement, limits, NOW) is None
    (exactly,) = statements([10], "contract-9")
    assert stores[0].count(exactly.statement.statement, limits, NOW) is None
    assert (stores[0].aligned_ids(BANK), stores[0].aligned_ids(RIVAL)) == (100, 60)
    again = asked_for[told.index(None)].statement.statement
    assert stores[1].count(again, limits, NOW) is None
    assert stores[1].aligned_ids(BANK) == 100


def test_a_contract_has_so_many_alignments_and_another_bank_s_take_none_of_them(engines: Engines) -> None:
    office = Office(engines[0], HELD)
    for message in [*statements([1] * 3), *statements([1], bank=RIVAL), *statements([1], "contract-2")]:
        office.aligner.align(message)
    (fourth,) = statements([1])
    refused = refusal(lambda: office.aligner.align(fourth))
    assert (refused.check, refused.reason) == (
        4,
        f"bank has had {LIMITS.contract_alignments} alignments under contract-1, as many as may be",
    )
    assert office.store.aligned_ids(BANK) == 4


def test_what_does_not_come_back_in_time_lapses_and_what_came_stays(engines: Engines) -> None:
    office = Office(engines[0], HELD)
    done = office.align(ALL)
    alignment, message = begun(ALL[:5])
    reply = office.aligner.align(message)
    assert office.store.lapse(NOW + OPEN_FOR) == 0
    assert office.store.lapse(NOW + OPEN_FOR + 1) == 1
    assert office.store.lapse(NOW + OPEN_FOR + 1) == 0
    returned = give_back(alignment, reply, 40)
    refused = refusal(lambda: office.aligner.complete(returned))
    assert (refused.check, refused.reason) == (6, "bank has no such alignment open here")
    refused = refusal(lambda: office.aligner.align(message))
    assert (refused.check, refused.reason) == (6, "the alignment has lapsed")
    assert office.store.cohort(alignment.name) is None
    assert set(office.matched(done)) == set(HELD)
    assert office.store.aligned_ids(BANK) == 65


def test_the_files_name_nobody_and_the_session_is_overwritten(engines: Engines, tmp_path: Path) -> None:
    """Subjects lie sealed at both; once an alignment is complete not even the sealed secret is left."""
    office, store = Office(engines[0], HELD), BankAlignmentStore(engines[0], AT_REST)
    alignment, message = begun(ALL[30:])
    store.add(alignment)
    reply = office.aligner.align(message)
    with engines[0].connect() as connection:
        session = connection.exec_driver_sql("SELECT session FROM alignments").scalar_one()
        secret = connection.exec_driver_sql("SELECT secret FROM bank_alignments").scalar_one()
        connection.rollback()
    parts = [session[at : at + 64] for at in range(0, len(session), 512)]
    assert any(part in files(tmp_path) for part in parts)
    assert secret in files(tmp_path)
    office.aligner.complete(give_back(alignment, reply, 40))
    store.complete(alignment.name, NOW)
    assert truncate_wal(engines[0])
    left = files(tmp_path)
    assert not any(part in left for part in parts)
    assert secret not in left
    assert not any(subject.encode() in left for subject in ALL)
    assert alignment.secret not in left
    assert b"register" in left  # the file holds what it is about
