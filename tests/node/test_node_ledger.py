"""The leakage ledger: what scores may tell of one subject, by whatever model and whoever asks at once."""

import dataclasses

import pytest
from node.conftest import Engines
from node.statements import LATER, answer, at_once, charge, job, tombstone
from world import NOW

from audit.database import reader
from compute.binning import NumberBins
from compute.node import ledger
from compute.node.answers import AnswerStore
from compute.protocols.base import RefusalError
from compute.protocols.risk_score.charge import Affordable, Charge, millibits, name_of
from compute.signing import digest

A, B, C = "91460100MAG8UND7X2", "91460100MAYBH984XM", "91460100MAQBDL395F"
SPENT = "as much was told by scores as may be"


def score(store: AnswerStore, number: int, made: Charge) -> None:
    asked = job(number, len(made.subjects), bank=made.bank)
    store.put(asked, answer(asked), 1000, made)


def bits(engines: Engines, subject: str) -> dict[str, int]:
    with reader(engines[0]).begin() as connection:
        return ledger.spent(connection, name_of(subject, b"s" * 32))


def test_a_second_model_beyond_the_budget_is_refused_with_whom_it_is_about(
    engines: Engines,
) -> None:
    store = AnswerStore(engines[0])
    score(store, 1, charge({A: b"\0", B: b"\1"}, "first"))
    with pytest.raises(RefusalError, match=f"check 9: of 1 subjects {SPENT}") as refused:
        score(store, 2, charge({B: b"\1", C: b"\1"}, "second"))
    assert refused.value.subjects == (B,)
    assert bits(engines, A) == bits(engines, B) == {"bank": 5000}
    assert bits(engines, C) == {}  # nothing is half done
    assert store.by_nonce("bank", job(2).nonce) is None
    score(store, 3, charge({C: b"\1"}, "second"))
    score(store, 4, charge({B: b"\1"}, "third", bits=3))  # to the very budget
    with pytest.raises(RefusalError, match=SPENT):
        score(store, 5, charge({B: b"\1"}, "fourth", bits=0.001))


def test_the_same_points_again_cost_nothing_whatever_their_encryption(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    for number in range(5):
        score(store, number, charge({A: b"\0\2", B: b"\1\2"}, "same"))
    assert bits(engines, A) == {"bank": 5000}


def test_the_same_points_over_split_bins_are_charged_apart(engines: Engines) -> None:
    """The codes of two ways to bin say nothing of each other: 0 of one may be where 1 of the other was."""
    store = AnswerStore(engines[0])
    split = (NumberBins(column="x", edges=("1", "2")),)
    score(store, 1, charge({A: b"\0"}, "same"))
    with pytest.raises(RefusalError, match=SPENT):
        score(store, 2, dataclasses.replace(charge({A: b"\0"}, "same"), bins=split))
    score(store, 3, dataclasses.replace(charge({B: b"\0"}, "same"), bins=split))
    score(store, 4, dataclasses.replace(charge({B: b"\0"}, "same"), bins=split))
    assert bits(engines, A) == bits(engines, B) == {"bank": 5000}


def test_all_banks_together_have_a_budget_and_none_hears_of_another(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    score(store, 1, charge({A: b"\0"}, bank="first", bits=7))
    score(store, 2, charge({A: b"\0"}, bank="second", bits=5))
    with pytest.raises(RefusalError) as others:
        score(store, 3, charge({A: b"\0"}, bank="third", bits=1))
    with pytest.raises(RefusalError) as own:
        score(store, 4, charge({A: b"\0"}, "more", bank="second", bits=5))
    assert str(others.value) == str(own.value)
    assert bits(engines, A) == {"first": 7000, "second": 5000}


def test_one_bank_s_points_are_not_another_s(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    score(store, 1, charge({A: b"\0"}, "same", bank="first"))
    score(store, 2, charge({A: b"\0"}, "same", bank="second"))
    assert bits(engines, A) == {"first": 5000, "second": 5000}


def test_a_subject_in_another_bin_is_told_of_anew(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    score(store, 1, charge({A: b"\0\2"}))
    with pytest.raises(RefusalError, match=SPENT):  # one of two columns is as it was
        score(store, 2, charge({A: b"\0\1"}, snapshot=LATER))
    assert bits(engines, A) == {"bank": 5000}


def test_what_holds_in_no_column_any_more_is_refilled(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    score(store, 1, charge({A: b"\0\2", B: b"\0\2"}))
    score(store, 2, charge({A: b"\1\1"}, snapshot=LATER))
    assert bits(engines, A) == {"bank": 5000}
    # Under the bins of another model the old score is looked at with its own bins and the present table.
    score(store, 3, charge({B: b"\0"}, "other", snapshot=LATER, present={B: b"\1\1"}))
    assert bits(engines, B) == {"bank": 5000}
    with pytest.raises(RefusalError, match=SPENT):
        score(store, 4, charge({B: b"\1\1"}, snapshot=LATER))


def test_the_same_table_refills_nothing(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    score(store, 1, charge({A: b"\0"}))
    with pytest.raises(RefusalError, match=SPENT):
        score(store, 2, charge({A: b"\1"}))


def test_scores_at_once_spend_no_more_than_the_budget(engines: Engines) -> None:
    both = [AnswerStore(engines[0]), AnswerStore(engines[1])]

    def spends(number: int) -> bool:
        try:
            score(both[number % 2], number, charge({A: b"\0", B: b"\0"}, f"model-{number}", bits=2))
        except RefusalError:
            return False
        return True

    assert sum(at_once([lambda i=i: spends(i) for i in range(8)])) == 4  # type: ignore[misc]
    assert bits(engines, A) == bits(engines, B) == {"bank": 8000}


def test_an_abandoned_job_gives_back_what_it_alone_was_charged(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    alone, first, second = job(1, 1), job(2, 1), job(3, 1)
    store.put(alone, answer(alone), 10, charge({A: b"\0"}))
    store.put(first, answer(first), 10, charge({B: b"\0"}))
    store.put(second, answer(second), 10, charge({B: b"\0"}))  # rests on the same charge
    for asked in (alone, first):
        store.bury(tombstone(asked), NOW)
    assert bits(engines, A) == {}
    assert bits(engines, B) == {"bank": 5000}
    store.acknowledge(digest(second), NOW)


def test_affordable_is_what_can_be_put(engines: Engines) -> None:
    store = AnswerStore(engines[0])
    store.require_affordable(charge({A: b"\0"}))
    assert bits(engines, A) == {}
    score(store, 1, charge({A: b"\0"}))
    store.require_affordable(charge({A: b"\0"}))
    with pytest.raises(RefusalError, match=SPENT):
        store.require_affordable(charge({A: b"\0"}, "other"))


def test_what_was_affordable_is_looked_at_again_only_if_charges_changed(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, looked = AnswerStore(engines[0]), []
    look = ledger.require_affordable
    monkeypatch.setattr(ledger, "require_affordable", lambda *given: (looked.append(given), look(*given))[1])

    def put(number: int, made: Charge, found: Affordable) -> None:
        asked = job(number, len(made.subjects))
        store.put(asked, answer(asked), 1000, made, found)

    first, second, third = (charge({A: b"\0"}, points) for points in ("first", "second", "third"))
    found = [store.require_affordable(each) for each in (first, second, third)]
    looked.clear()
    put(1, first, found[0])
    assert looked == []
    with pytest.raises(RefusalError, match=SPENT):  # each fitted, both do not
        put(2, second, found[1])
    assert len(looked) == 1
    store.bury(tombstone(job(1)), NOW)  # gives nothing back: the job of this number has other rows
    store.bury(tombstone(job(1, 1)), NOW)
    put(3, third, found[2])
    assert len(looked) == 2
    with pytest.raises(RefusalError, match=SPENT):  # what was found of one charge says nothing of another
        put(4, second, store.require_affordable(third))
    assert bits(engines, A) == {"bank": 5000}


def test_the_ledger_names_nobody(engines: Engines) -> None:
    score(AnswerStore(engines[0]), 1, charge({A: b"\0"}))
    with reader(engines[0]).begin() as connection:
        data = "".join(str(row) for row in connection.exec_driver_sql("SELECT * FROM ledger_charges"))
    assert A not in data


@pytest.mark.parametrize(("totals", "expected"), [(1, 0), (2, 1000), (3, 1585), (125, 6966), (256, 8000)])
def test_bits_are_rounded_up(totals: int, expected: int) -> None:
    assert millibits(totals) == expected
