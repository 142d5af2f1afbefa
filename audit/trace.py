"""What the entries about one contract say together: each use of data has two halves.

The provider's node records the answer that it released, the consumer's node that it has received that answer.
Neither can record the other's half, so a half that stays alone is a question to its two parties.
"""

from collections.abc import Sequence

from audit.entry import Entry, EntryKind


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
