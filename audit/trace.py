"""Which entries of a log are about one contract, and what they say together: each use of data has two halves.

The provider's node records the answer that it released, the consumer's node that it has received that answer.
Neither can record the other's half, so a half that stays alone is a question to its two parties.
"""

from collections.abc import Iterable, Iterator, Sequence

from audit.entry import Entry, EntryKind


def entries_of(contract: str, entries: Iterable[tuple[int, Entry]]) -> Iterator[tuple[int, Entry]]:
    """Give the entries about a contract, with their indices, of all entries of a log from its first on, in order.

    1. The marketplace's own name the contract. They tell its parties, who have signed it, and its permits.
    2. A node's names one of these permits.
    3. A node's names no permit but a job, the node is a party's, and the first entry that named the job with a
       permit named one of these.

    The log alone decides, so nobody who shows some of its entries can leave one out. Keeps, beside what it gives,
    the jobs that were named with a permit: some 100 bytes for each.
    """
    parties: set[str | None] = set()
    permits: set[str] = set()
    jobs: dict[bytes, bool] = {}
    for index, entry in entries:
        permit = entry.permit_id
        job = None if entry.job is None else bytes.fromhex(entry.job)
        if entry.detail.get("contract") == contract:  # 1
            if entry.kind is EntryKind.CONTRACT_SIGNED:
                parties.add(entry.counterparty)
            if entry.kind is EntryKind.PERMIT_ISSUED and permit is not None:
                permits.add(permit)
            yield index, entry
        elif permit is not None:
            if job is not None:
                jobs.setdefault(job, permit in permits)
            if permit in permits:  # 2
                yield index, entry
        elif job is not None and entry.node in parties and jobs.get(job, False):  # 3
            yield index, entry


def unacknowledged(entries: Sequence[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
    """The answers released, with their indices, of which the consumer has not acknowledged that very answer.

    Only the consumer's own word counts: that the provider has heard of a receipt is the provider's.
    """
    acknowledged = {
        (entry.node, entry.job, entry.detail["answer"])
        for _, entry in entries
        if entry.kind is EntryKind.ANSWER_ACKNOWLEDGED and "answer" in entry.detail
    }
    return [
        (index, entry)
        for index, entry in entries
        if entry.kind is EntryKind.ANSWER_RELEASED
        and (entry.counterparty, entry.job, entry.detail.get("answer")) not in acknowledged
    ]
