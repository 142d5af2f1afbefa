"""What a reviewer's worker does beside its jobs: what the clock wants, events that wait, withdrawals to deliver.

Not a job: one would hold the node's only worker for as long as a single provider is down.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from compute.node.journal import EventJournal
from compute.node.reviewer.cases import CaseStore
from compute.node.reviewer.desk import open_office
from compute.node.reviewer.telling import tell
from compute.node.reviewer.withdrawals import deliver
from compute.node.settings import ReviewerSettings
from compute.node.site import Site
from compute.node.transport import PeerTransport
from compute.protocols.base import Transport
from compute.protocols.risk_score.desk import ModelDesk

PAUSE = 2.0
"""Seconds between two rounds."""


@contextmanager
def open_upkeep(site: Site[ReviewerSettings]) -> Iterator[Callable[[], None]]:
    """Give what does one round of it."""
    settings = site.settings
    desk, cases = open_office(site)
    with PeerTransport(settings.name, site.key, settings.authority, site.directory) as transport:
        yield lambda: round_(desk, cases, site.journal, transport)


def round_(desk: ModelDesk, cases: CaseStore, journal: EventJournal, transport: Transport) -> None:
    """Do one round; what could not be done waits for the next one."""
    desk.keep_up()
    # Points that were erased while somebody read the database, or just before a crash, are in its log until now.
    cases.wipe_rest()
    tell(desk.office.name, cases, journal)
    deliver(cases, transport)
