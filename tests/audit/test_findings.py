"""Each rule of risk at its threshold: what fires, what just does not; and what auditors make of it."""

from typing import Any

import pytest
from ledger import HOUR, MINUTE, Ledger, busy_ledger, hex_of
from market import BANK, DAY, LABOUR, NOW, OTHER, SUPERVISOR, TAX

from audit.entry import EntryKind
from audit.errors import FormatError
from audit.tracing.findings import TAGS, Finding, disposal_of, disposals, named
from audit.tracing.rules import Rules, find
from compute.permit import permit_name

ONE, MODEL = "contract-1", "a0" * 32
MONDAY = 1_795_363_200_000  # 2026-11-23T00:00:00+08:00
NOON = MONDAY + 12 * HOUR


@pytest.fixture
def ledger() -> Ledger:
    """Everything is in order, on a Monday at noon in Shanghai."""
    made = Ledger(now=NOON)
    made.publish()
    made.ready(ONE, MODEL)
    return made


def found(ledger: Ledger, now: int = NOON, tag: str | None = None, **thresholds: Any) -> list[Finding]:
    all_found = find(ledger.indexed, Rules(**{"idle_uses": 10_000, **thresholds}), now)
    assert {each.tag for each in all_found} <= set(TAGS)
    return [each for each in all_found if tag in {None, each.tag}]


def jobs(count: int) -> list[str]:
    return [hex_of("job", number) for number in range(count)]


def test_an_ordinary_use_is_no_finding(ledger: Ledger) -> None:
    ledger.use(ONE, jobs(1)[0])
    assert found(ledger) == []


# --- unusual hours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        (MONDAY + 7 * HOUR - 1, True),
        (MONDAY + 7 * HOUR, False),
        (MONDAY + 21 * HOUR - 1, False),
        (MONDAY + 21 * HOUR, True),
        (MONDAY + 5 * DAY - 4 * HOUR, False),  # Friday, 20:00
        (MONDAY + 5 * DAY + 12 * HOUR, True),  # Saturday
        (MONDAY + 6 * DAY + 12 * HOUR, True),
        (MONDAY + 7 * DAY + 12 * HOUR, False),
    ],
)
def test_hours_and_days_are_those_of_the_time_zone(ledger: Ledger, at: int, fires: bool) -> None:  # noqa: FBT001
    ledger.now = at
    indices = ledger.use(ONE, jobs(1)[0])
    unusual = found(ledger, at, "unusual_hours")
    assert bool(unusual) is fires
    if fires:
        assert unusual[0].indices == tuple(indices.values())
        assert "Asia/Shanghai" in unusual[0].zh
        assert unusual[0].parties == {BANK, TAX}


def test_another_zone_has_other_hours(ledger: Ledger) -> None:
    ledger.use(ONE, jobs(1)[0])
    assert found(ledger, time_zone="America/New_York") != []  # it is 23:00 there, on Sunday
    assert found(ledger, time_zone="America/New_York", opens=0, closes=24, days=(7,)) == []


# --- beyond the minimum ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("uses", "fires"), [(9, False), (10, True), (11, True)])
def test_a_granted_field_that_no_use_took(ledger: Ledger, uses: int, fires: bool) -> None:  # noqa: FBT001
    for job in jobs(uses):
        ledger.use(ONE, job, said={"fields": ("naics",)})
    idle = found(ledger, tag="beyond_minimum", idle_uses=10)
    assert bool(idle) is fires
    if fires:
        (index,) = idle[0].indices
        assert ledger.entries[index].permit_id == permit_name(ONE, TAX)
        assert idle[0].en == f"granted, and not taken by any of {uses} uses: franchise"


def test_a_field_that_one_use_took_is_not_idle(ledger: Ledger) -> None:
    for job in jobs(12):
        ledger.use(ONE, job, said={"fields": ("naics",)})
    ledger.use(ONE, hex_of("last"))
    assert found(ledger, idle_uses=10) == []


def test_a_field_that_is_not_granted(ledger: Ledger) -> None:
    ledger.use(ONE, jobs(1)[0], said={"fields": ("naics", "revenue")})
    (beyond,) = found(ledger)
    assert beyond.tag == "beyond_minimum"
    assert beyond.en == "fields that are not granted: revenue"


@pytest.mark.parametrize(("rows", "fires"), [(1000, False), (1001, True)])
def test_more_subjects_than_consents(ledger: Ledger, rows: int, fires: bool) -> None:  # noqa: FBT001
    ledger.use(ONE, jobs(1)[0], rows=rows)
    assert bool(found(ledger, tag="beyond_minimum")) is fires
    assert found(ledger, rows_percent=101) == []


def test_only_consents_that_stand_before_the_use_count(ledger: Ledger) -> None:
    withdrawn = {"consents": 500}
    ledger.add(EntryKind.CONSENT_WITHDRAWN, "market", ONE, counterparty=BANK, detail=withdrawn)
    ledger.use(ONE, jobs(1)[0], rows=501)
    ledger.consent(ONE, 100)
    ledger.use(ONE, jobs(2)[1], rows=501)
    (beyond,) = found(ledger)
    assert beyond.en == "used for 501 subjects, of whom 500 consents stood"


@pytest.mark.parametrize(
    ("at", "fires"), [(NOW - DAY - 1, True), (NOW - DAY, False), (NOON - 1, False), (NOON, True), (NOON + 1, True)]
)
def test_a_use_outside_the_term(at: int, fires: bool) -> None:  # noqa: FBT001
    ledger = Ledger(now=NOW)
    ledger.agree(ONE, not_before=NOW - DAY, not_after=NOON)
    ledger.consent(ONE, 10)
    ledger.now = at
    ledger.use(ONE, jobs(1)[0])
    assert [each.en for each in found(ledger, tag="beyond_minimum")] == ["outside the contract's term"] * fires


ENDS = [
    (EntryKind.CONTRACT_SUSPENDED, {}, "the contract was not in force"),
    (EntryKind.CONTRACT_TERMINATED, {}, "the contract was not in force"),
    (EntryKind.CONTRACT_EXPIRED, {}, "the contract was not in force"),
    (EntryKind.PERMIT_REVOKED, {"permit_id": permit_name(ONE, TAX)}, "the permit had ended"),
    (EntryKind.PERMIT_EXPIRED, {"permit_id": permit_name(ONE, TAX)}, "the permit had ended"),
]


@pytest.mark.parametrize(("kind", "members", "said"), ENDS)
def test_a_use_after_the_end(ledger: Ledger, kind: EntryKind, members: dict[str, Any], said: str) -> None:
    before, after = jobs(2)
    ledger.use(ONE, before)
    ledger.add(kind, "market", ONE, **members)
    assert found(ledger) == []
    indices = ledger.use(ONE, after)
    (beyond,) = found(ledger)
    assert (beyond.en, beyond.indices) == (said, tuple(indices.values()))


def test_a_use_after_a_suspension_ended(ledger: Ledger) -> None:
    ledger.add(EntryKind.CONTRACT_SUSPENDED, "market", ONE)
    ledger.add(EntryKind.CONTRACT_REINSTATED, "market", ONE)
    ledger.use(ONE, jobs(1)[0])
    assert found(ledger) == []


def test_a_use_without_any_permit_or_contract() -> None:
    ledger = Ledger(now=NOON)
    ledger.use(ONE, jobs(1)[0], rows=0)
    assert [each.en for each in found(ledger)] == ["no permit had been issued", "the contract was not in force"]


# --- bursts ---------------------------------------------------------------------------------------------------


def test_a_burst_is_one_finding_until_it_ends(ledger: Ledger) -> None:
    thresholds: dict[str, Any] = {"burst_uses": 3, "burst_minutes": 10, "tag": "burst"}
    first, *others = jobs(8)
    ledger.use(ONE, first)
    for job in others[:3]:  # a use every three minutes: four lie within nine
        ledger.now += 3 * MINUTE
        indices = ledger.use(ONE, job)
    (burst,) = found(ledger, **thresholds)
    assert burst.indices == tuple(indices.values())
    assert burst.en == "4 uses within 10 minutes, more than 3"
    ledger.now += 1
    ledger.use(ONE, others[3])
    assert len(found(ledger, **thresholds)) == 1
    ledger.now += 20 * MINUTE
    for job in others[4:]:
        ledger.use(ONE, job)
    assert len(found(ledger, **thresholds)) == 1
    ledger.use(ONE, hex_of("last"))
    assert len(found(ledger, **thresholds)) == 2


def test_a_use_as_old_as_the_window_is_not_in_it(ledger: Ledger) -> None:
    for job in jobs(4):
        ledger.use(ONE, job)
        ledger.now += 5 * MINUTE
    assert found(ledger, burst_uses=2, burst_minutes=10) == []
    assert len(found(ledger, burst_uses=2, burst_minutes=11)) == 1


def test_other_pairs_are_counted_apart(ledger: Ledger) -> None:
    for job in jobs(2):
        ledger.use(ONE, job, TAX)
        ledger.use(ONE, job, LABOUR)
    assert found(ledger, burst_uses=2) == []
    assert len(found(ledger, burst_uses=1)) == 2


# --- expiring -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "fires"), [(30 * DAY + 1, False), (30 * DAY, True), (1, True), (0, False), (-DAY, False)]
)
def test_a_permit_that_ends_soon(ledger: Ledger, left: int, fires: bool) -> None:  # noqa: FBT001
    ends = NOW + 365 * DAY
    expiring = found(ledger, ends - left)
    assert [each.tag for each in expiring] == ["expiring"] * 2 * fires
    ledger.add(EntryKind.PERMIT_REVOKED, "market", ONE, permit_id=permit_name(ONE, TAX))
    assert len(found(ledger, ends - left)) == fires


# --- unmatched ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "fires"), [(60 * MINUTE, False), (60 * MINUTE + 1, True)])
def test_a_half_that_is_missing_after_the_grace(ledger: Ledger, later: int, fires: bool) -> None:  # noqa: FBT001
    indices = ledger.use(ONE, jobs(1)[0], without=[EntryKind.ANSWER_RECEIVED])
    lone = found(ledger, NOON + later)
    assert bool(lone) is fires
    if fires:
        assert (lone[0].tag, lone[0].indices) == ("unmatched", tuple(indices.values()))
        assert lone[0].en == "not recorded: answer_received"
    ledger.add(EntryKind.REFUSED, TAX, counterparty=BANK, job=jobs(1)[0])
    assert found(ledger, NOON + later) == []


def test_a_contradiction_needs_no_grace(ledger: Ledger) -> None:
    ledger.use(ONE, jobs(1)[0], without=[EntryKind.ANSWER_RECEIVED])
    other = {"counterparty": TAX, "job": jobs(1)[0], "detail": {"answer": "00" * 32}}
    ledger.add(EntryKind.ANSWER_RECEIVED, BANK, ONE, **other)
    (lone,) = found(ledger)
    assert lone.en == "both sides say otherwise: answer"


# --- refused repeatedly ---------------------------------------------------------------------------------------


def test_refusals_are_repeated_from_the_threshold_on(ledger: Ledger) -> None:
    indices = []
    for number in range(4):
        ledger.now = NOON + number * 14 * MINUTE
        indices.append(ledger.add(EntryKind.REFUSED, TAX, counterparty=BANK))
        assert found(ledger) == []
    ledger.now = NOON + 60 * MINUTE - 1
    indices.append(ledger.add(EntryKind.REFUSED, TAX, counterparty=BANK))
    (repeated,) = found(ledger)
    assert (repeated.tag, repeated.indices) == ("refused_repeatedly", tuple(indices))
    assert repeated.en == f"{TAX} refused {BANK} 5 times within 60 minutes"
    assert repeated.parties == {TAX, BANK}
    ledger.add(EntryKind.REFUSED, TAX, counterparty=BANK)
    assert len(found(ledger)) == 1


def test_refusals_of_others_or_long_ago_are_not_repeated(ledger: Ledger) -> None:
    for number in range(4):
        ledger.add(EntryKind.REFUSED, TAX, counterparty=BANK)
        ledger.add(EntryKind.REFUSED, TAX, counterparty=OTHER)
        ledger.add(EntryKind.REFUSED, LABOUR, counterparty=BANK)
        ledger.add(EntryKind.REFUSED, "market", counterparty=f"party-{number}")
    ledger.now += 60 * MINUTE
    ledger.add(EntryKind.REFUSED, TAX, counterparty=BANK)
    assert found(ledger) == []


# --- thresholds -----------------------------------------------------------------------------------------------


def test_thresholds_are_read_from_toml() -> None:
    read = Rules.parse('time_zone = "UTC"\ndays = [6, 7]\nburst_uses = 3')
    assert read == Rules(time_zone="UTC", days=(6, 7), burst_uses=3)
    assert Rules.parse("") == Rules()


@pytest.mark.parametrize(
    ("text", "named_key"),
    [
        ("burst = 3", "'burst'"),
        ("burst_uses = -1", "burst_uses"),
        ("burst_uses = 1.5", "burst_uses"),
        ("refusals = true", "refusals"),
        ('time_zone = "Mars/Olympus"', "time_zone"),
        ("time_zone = 8", "time_zone"),
        ('time_zone = "../etc/passwd"', "time_zone"),
        ("opens = 21\ncloses = 21", "opens, closes"),
        ("closes = 25", "opens, closes"),
        ("days = [0]", "days"),
        ("days = 5", "days"),
        ("=", "TOML"),
    ],
)
def test_a_threshold_that_cannot_be_is_named(text: str, named_key: str) -> None:
    with pytest.raises(FormatError, match=named_key):
        Rules.parse(text)


# --- dispositions ---------------------------------------------------------------------------------------------


def test_the_last_word_of_somebody_outside_counts(ledger: Ledger) -> None:
    indices = list(ledger.use(ONE, jobs(1)[0], rows=5000).values())
    (finding,) = found(ledger)
    assert named([finding], "beyond_minimum", indices[2]) is finding
    assert named([finding], "burst", indices[2]) is named([finding], "beyond_minimum", 0) is None

    def dispose(auditor: str, disposition: str, tag: str = "beyond_minimum", index: int = indices[-1]) -> None:
        said = {"index": index, "tag": tag, "disposition": disposition}
        ledger.add(EntryKind.FINDING_DISPOSED, auditor, detail=said)

    def standing() -> str | None:
        disposal = disposal_of(finding, disposals(ledger.indexed))
        return None if disposal is None else f"{disposal.auditor} {disposal.disposition}"

    dispose(BANK, "justified")  # whom it is about
    dispose(SUPERVISOR, "justified", "burst")
    dispose(SUPERVISOR, "justified", index=0)
    assert standing() is None
    dispose(SUPERVISOR, "warned")
    dispose(OTHER, "escalated", index=indices[0])
    dispose(BANK, "justified")
    assert standing() == f"{OTHER} escalated"


def test_a_large_log_has_the_findings_that_were_put_into_it() -> None:
    ledger = busy_ledger(500)
    everything = Rules(opens=0, closes=24, days=(1, 2, 3, 4, 5, 6, 7))
    lone = find(ledger.indexed, everything, ledger.now + DAY)
    missing = [use for use in ledger.entries if use.kind is EntryKind.ANSWER_SENT]
    received = {(use.job, use.counterparty) for use in ledger.entries if use.kind is EntryKind.ANSWER_RECEIVED}
    expected = [entry for entry in missing if (entry.job, entry.node) not in received]
    assert len(expected) > 5
    assert [each.tag for each in lone] == ["unmatched"] * len(expected)
