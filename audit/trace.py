"""What the entries about a contract say together: each use of data is recorded by both of its sides.

The provider's node records the answer that it sent, the consumer's node that it has received that answer.
Neither can record the other's half, so a half that stays alone is a question to its two parties.
"""

from collections.abc import Iterable, Iterator, Sequence

from audit.entry import Entry, EntryKind


def entries_of(contract: str, entries: Iterable[tuple[int, Entry]]) -> Iterator[tuple[int, Entry]]:
    """Give the entries about a contract, with their indices."""
    return ((index, entry) for index, entry in entries if entry.contract == contract)


def unacknowledged(entries: Sequence[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
    """The answers sent, with their indices, of which the consumer has not recorded that very answer.

    Only the consumer's own word counts: that the provider has heard of a receipt is the provider's.
    """
    received = {
        (entry.node, entry.job, entry.detail["answer"])
        for _, entry in entries
        if entry.kind is EntryKind.ANSWER_RECEIVED and "answer" in entry.detail
    }
    return [
        (index, entry)
        for index, entry in entries
        if entry.kind is EntryKind.ANSWER_SENT
        and (entry.counterparty, entry.job, entry.detail.get("answer")) not in received
    ]
