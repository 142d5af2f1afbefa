"""The context over a link that only notes: how often it writes, when it stops."""

import pytest
from bank_desk import Notes

from compute.node.jobs.context import Cancelled, JobContext


def test_many_reports_become_few_and_the_last_is_not_lost() -> None:
    notes = Notes()
    context = JobContext(b"", {}, notes)
    for done in range(1, 1001):
        context.progress("step", done, 1000)
    context.flush()
    context.flush()
    assert len(notes.reports) < 20
    assert (notes.reports[0].done, notes.reports[-1].done) == (1, 1000)


def test_a_run_stops_at_its_next_report_or_once_its_checkpoint_is_kept() -> None:
    notes = Notes(stop=True)
    context = JobContext(b"", {"a": b"1"}, notes)
    with pytest.raises(Cancelled):
        context.progress("step", 1, 2)
    with pytest.raises(Cancelled):
        context.checkpoint("b", b"2")
    assert notes.saved == {"b": b"2"}
    assert context.checkpoints() == {"a": b"1", "b": b"2"}
    assert not issubclass(Cancelled, Exception)
