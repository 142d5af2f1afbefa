"""Halves of uses meet, whoever repeats or denies them."""

import time

from log_story import BANK, CONTRACT, TAX, Teller

from audit.entry import Entry, EntryKind
from audit.tracing.uses import uses
from audit.verifying.halves import Finding, Halves, half_of

JOB = "ab" * 32


def found(entries: list[Entry]) -> list[Finding]:
    halves = Halves()
    for index, entry in enumerate(entries):
        if (half := half_of(entry)) is not None:
            halves.take(index, half)
    return halves.findings()


def test_a_half_repeated_without_end_costs_its_length_only() -> None:
    """A party could otherwise keep every verifier busy for ever with one job."""
    half = half_of(Teller().tell(BANK, EntryKind.QUERY_SENT, TAX, CONTRACT, JOB, rows=1))
    assert half is not None
    halves, start = Halves(), time.process_time()
    for index in range(60_000):
        halves.take(index, half)
    assert len(halves.findings()) == 60_000
    assert time.process_time() - start < 10  # and not hours


def test_a_refusal_does_not_deny_an_answer_that_came() -> None:
    """A provider that answers without recording it cannot excuse itself by having refused."""
    teller = Teller()
    sent = teller.tell(BANK, EntryKind.QUERY_SENT, TAX, CONTRACT, JOB, rows=1)
    refused = teller.tell(TAX, EntryKind.REFUSED, BANK, None, JOB, check=9)
    assert found([sent, refused]) == []
    came = teller.tell(BANK, EntryKind.ANSWER_RECEIVED, TAX, CONTRACT, JOB, rows=1)
    entries = [sent, refused, came]
    assert [finding.index for finding in found(entries)] == [2]
    (use,) = uses(enumerate(entries))
    assert use.refusal is not None
    assert not use.is_matched
