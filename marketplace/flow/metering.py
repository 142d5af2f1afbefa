"""What is counted of the log: uses by job, and since when a contract is in force.

It reads the very events that the nodes append about their own counters (`compute.node.answers`): a provider's
answer counts its uses, its word that the job was abandoned gives them back, whichever of the two comes first. Each
job counts once for a provider, however often it is reported. So whoever has the log has the same numbers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from audit.entry import EntryKind, Event


@dataclass(frozen=True)
class Agreement:
    """Who is charged by whom for what, by the contract's terms."""

    consumer: str
    operation: str


Agreements = Callable[[str], Agreement | None]
"""Contract → who has agreed what; None for one that there is not."""


@dataclass(frozen=True)
class Observation:
    """What one event says of one provider's part in one job."""

    contract: str
    provider: str
    job: str
    """SHA-256 of the job, in hex."""
    uses: int | None = None
    """Of an answer."""
    at: int | None = None
    """When it was given: UTC, milliseconds since 1970-01-01."""
    is_asked: bool = False
    """The consumer itself has told that it asked."""
    is_abandoned: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about."""
        return self.contract, self.provider, self.job


@dataclass(frozen=True)
class Standing:
    """Since when a contract is in force, or from when on it is not any more."""

    contract: str
    at: int
    """UTC, milliseconds since 1970-01-01."""
    begins: bool


_BEGINS = frozenset({EntryKind.CONTRACT_ACTIVATED})
_ENDS = frozenset({EntryKind.CONTRACT_TERMINATED, EntryKind.CONTRACT_EXPIRED, EntryKind.CONTRACT_REVOKED})
METERED = frozenset({EntryKind.ANSWER_SENT, EntryKind.ANSWER_ABANDONED, EntryKind.QUERY_SENT})
"""The nodes' events that are counted."""


def observed(event: Event, agreement: Agreements) -> Observation | None:
    """Give what a node's event says of a use; None if that is nothing.

    A risk score uses its subjects, an answer that holds statistics is one use (`compute.terms.Terms.max_uses`).
    What a provider reports of somebody else than the contract's consumer is no use of the consumer's.
    """
    if event.kind not in METERED or event.contract is None or event.job is None:
        return None
    agreed = agreement(event.contract)
    is_asked = event.kind is EntryKind.QUERY_SENT
    consumer, provider = (event.node, event.counterparty) if is_asked else (event.counterparty, event.node)
    if agreed is None or consumer != agreed.consumer or provider is None:
        return None
    name = event.contract, provider, event.job
    match event.kind:
        case EntryKind.ANSWER_SENT:
            rows = event.detail.get("rows", 0)
            uses = 1 if agreed.operation == "joint_statistics" else rows if isinstance(rows, int) else 0
            return Observation(*name, uses=uses, at=event.time)
        case EntryKind.ANSWER_ABANDONED:
            return Observation(*name, is_abandoned=True)
    return Observation(*name, is_asked=True)


def standing(event: Event) -> Standing | None:
    """Give what an event of the marketplace says of whether a contract is in force; None if that is nothing."""
    if event.contract is None or event.kind not in _BEGINS | _ENDS:
        return None
    return Standing(event.contract, event.time, event.kind in _BEGINS)


def merged(observations: Iterable[Observation]) -> dict[tuple[str, str, str], Observation]:
    """Give what is known of each provider's part in each job; of several answers to one job the first counts."""
    known: dict[tuple[str, str, str], Observation] = {}
    for each in observations:
        old = known.get(each.key)
        if old is None:
            known[each.key] = each
            continue
        first = old if old.at is not None else each
        is_asked, is_abandoned = old.is_asked or each.is_asked, old.is_abandoned or each.is_abandoned
        known[each.key] = Observation(*each.key, first.uses, first.at, is_asked, is_abandoned)
    return known


def agreements_of(events: Iterable[Event]) -> dict[str, Agreement]:
    """Give who has applied for what, by contract, from the marketplace's events of a whole log."""
    found = {}
    for event in events:
        if event.kind is EntryKind.APPLICATION_SUBMITTED and event.contract is not None:
            found[event.contract] = Agreement(str(event.counterparty), str(event.detail["operation"]))
    return found
