"""A log verified from outside: what is in it, entry for entry, and what is conspicuous about it."""

from dataclasses import replace
from pathlib import Path

import log_story as story
import pytest
from log_story import BANK, CONTRACT, LABOUR, MARKET, TAX, Teller, lay
from log_verified import LEAVES, damage, verified

from audit.entry import EntryKind, encode, parse, sign
from audit.errors import Damage


def committed(folder: Path, entries: list[bytes]) -> tuple[Damage, int | None]:
    """What is found of a log that has signed these entries."""
    return damage(lay(folder, entries))


def test_what_is_no_entry_is_named(tmp_path: Path) -> None:
    assert committed(tmp_path / "a", [*LEAVES[:300], b"{}", *LEAVES[301:]]) == (Damage.MALFORMED, 300)
    assert committed(tmp_path / "b", [b""]) == (Damage.MALFORMED, 0)


@pytest.mark.parametrize("index", [0, 1, 2, 3, 255, 256, 500, 599])
def test_an_entry_that_its_node_has_not_signed_is_named(tmp_path: Path, index: int) -> None:
    entry = parse(LEAVES[index])
    forged = encode(sign(entry, entry.counter, story.KEYS["stranger"]))
    assert committed(tmp_path, [*LEAVES[:index], forged, *LEAVES[index + 1 :]]) == (Damage.NOT_SIGNED, index)


def test_an_entry_whose_detail_was_changed_is_named(tmp_path: Path) -> None:
    index = next(index for index, leaf in enumerate(LEAVES) if b'"rows":3' in leaf and index > 256)
    forged = LEAVES[index].replace(b'"rows":3', b'"rows":4')
    assert committed(tmp_path, [*LEAVES[:index], forged, *LEAVES[index + 1 :]]) == (Damage.NOT_SIGNED, index)


@pytest.mark.parametrize("index", [3, 256, 300, 590])
def test_an_entry_left_out_of_the_middle_leaves_a_gap(tmp_path: Path, index: int) -> None:
    kind, found = committed(tmp_path, [*LEAVES[:index], *LEAVES[index + 1 :]])
    assert kind is Damage.GAP
    assert index <= (found or 0) < index + 8  # its node's next about the contract


def test_an_entry_twice_is_no_next(tmp_path: Path) -> None:
    assert committed(tmp_path, [*LEAVES[:300], LEAVES[299], *LEAVES[300:]]) == (Damage.GAP, 300)


def test_a_node_that_nobody_enrolled_is_named(tmp_path: Path) -> None:
    teller = Teller()
    leaves = [teller.enrol(BANK), teller.tell(TAX, EntryKind.REFUSED)]
    assert committed(tmp_path / "b", [encode(each) for each in leaves]) == (Damage.NOT_ENROLLED, 1)


def test_an_enrolment_that_the_operator_has_not_signed_is_named(tmp_path: Path) -> None:
    teller = Teller()
    forged = [teller.enrol(BANK), teller.enrol(TAX, by=MARKET)]
    assert committed(tmp_path / "a", [encode(each) for each in forged]) == (Damage.NOT_ENROLLED, 1)
    teller = Teller()
    twice = [teller.enrol(BANK), teller.enrol(BANK)]
    assert committed(tmp_path / "b", [encode(each) for each in twice]) == (Damage.NOT_ENROLLED, 1)
    teller = Teller()
    first = teller.enrol(BANK)
    by_bank = sign(replace(teller.enrol(TAX), node=BANK), 1, story.KEYS[BANK])
    assert committed(tmp_path / "c", [encode(first), encode(by_bank)]) == (Damage.NOT_ENROLLED, 1)


# --- findings -------------------------------------------------------------------------------------------------


def test_a_refused_query_has_no_further_halves(tmp_path: Path) -> None:
    teller = Teller()
    entries = [teller.enrol(BANK), teller.enrol(TAX)]
    for provider, job in ((TAX, "aa" * 32), (LABOUR, "aa" * 32), (TAX, "bb" * 32)):
        entries.append(teller.tell(BANK, EntryKind.QUERY_SENT, provider, CONTRACT, job))
    entries.append(teller.tell(TAX, EntryKind.REFUSED, BANK, job="aa" * 32))
    found = verified(lay(tmp_path, [encode(each) for each in entries]))
    assert [each.index for each in found.findings] == [3, 4]


def test_halves_that_stay_alone_are_findings_and_no_damage(tmp_path: Path) -> None:
    teller = Teller()
    entries = [teller.enrol(BANK), teller.enrol(TAX)]
    job, other = f"{1:064x}", "ee" * 32
    entries += teller.use(1)[:3]
    teller.counters[BANK, CONTRACT] -= 1
    entries.append(teller.tell(BANK, EntryKind.ANSWER_RECEIVED, TAX, CONTRACT, job, answer=other))
    entries.append(teller.tell(TAX, EntryKind.ANSWER_SENT, BANK, CONTRACT, "bb" * 32, answer=other))
    entries.append(
        teller.tell(BANK, EntryKind.QUERY_SENT, TAX, CONTRACT, "cc" * 32, rows=2, subjects_root="aa" * 32)
    )
    entries.append(
        teller.tell(TAX, EntryKind.QUERY_RECEIVED, BANK, CONTRACT, "cc" * 32, rows=3, subjects_root="ab" * 32)
    )
    found = verified(lay(tmp_path, [encode(each) for each in entries]))
    assert [(each.index, each.other, each.differing) for each in found.findings] == [
        (4, 5, ("answer",)),
        (5, 4, ("answer",)),
        (6, None, ()),
        (8, 7, ("rows", "subjects_root")),
    ]
    assert found.is_fresh
