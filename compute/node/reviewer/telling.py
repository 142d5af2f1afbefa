"""What became of a case is an event: approved, refused by an examiner, withdrawn."""

from collections.abc import Iterator

from audit.entry import Event
from compute.node import events
from compute.node.dispatch import Journal
from compute.node.reviewer.cases import CaseStore
from compute.protocols.risk_score.case import Case
from compute.protocols.risk_score.case_states import Move


def tell(node: str, cases: CaseStore, journal: Journal) -> None:
    """Record what is not recorded yet. An event's id follows from its fact, so a repeated one is the same."""
    for case in cases.untold():
        for event in events_of(node, case):
            journal.note(event)
        cases.note_told(case)


def events_of(node: str, case: Case) -> Iterator[Event]:
    """Give the events of a case, in their order."""
    granted, refused = case.last(Move.GRANT), case.last(Move.REFUSE)
    if case.approval is not None and granted is not None:
        yield events.model_approved(node, case.approval.statement, granted.at)
    if refused is not None:
        yield events.model_refused(node, case, refused)
    if case.withdrawal is not None:
        yield events.model_withdrawn(node, case.withdrawal.statement)
