"""What a bank's worker watches beside its jobs: that jobs stop, and what is left goes, with a contract."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from compute.canonical import FormatError, decode
from compute.market.contracts import Kept
from compute.node import stopping
from compute.node.bank.alignments import BankAlignmentStore
from compute.node.bank.kinds import KINDS
from compute.node.bank.label_sets import LabelSetStore
from compute.node.console.messages import ModelRegistration, Scoring
from compute.node.console.statistics_messages import LabelRegistration
from compute.node.console.statistics_order import StatisticsOrder
from compute.node.contract_watch import rounds
from compute.node.settings import BankSettings
from compute.node.site import Site
from compute.web.errors import PeerProblemError

PAUSE = stopping.PAUSE
"""Seconds between two rounds."""


@contextmanager
def open_upkeep(site: Site[BankSettings]) -> Iterator[Callable[[], None]]:
    """Give what does one round."""
    kept = {
        Kept.LABEL_SETS: LabelSetStore(site.engine, site.at_rest).destroy,
        Kept.ALIGNMENTS: BankAlignmentStore(site.engine, site.at_rest).destroy,
    }
    yield rounds(site, KINDS, kept, contract_of, lambda contract: in_force(site, contract))


def contract_of(_kind: str, parameters: bytes) -> str | None:
    """Give the contract that a job rests on by its request; None for one that needs none."""
    try:
        request = decode(parameters, Scoring | ModelRegistration | LabelRegistration | StatisticsOrder)  # type: ignore[arg-type]
    except FormatError:
        return None
    return str(request.contract)


def in_force(site: Site[BankSettings], contract: str) -> bool:
    """Whether the marketplace has the contract in force; raises PeerUnreachableError."""
    try:
        return site.market.contract(contract).state == "active"
    except PeerProblemError:
        return False
