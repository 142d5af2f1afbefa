"""What a provider wants to see before it gives out an answer's key: the bank's own event, in the log."""

from audit import entry as entries
from audit import receipt as receipts
from audit.entry import Entry, EntryKind
from audit.errors import AuditError
from audit.policy import Policy
from compute.protocols.base import RefusalError
from compute.protocols.closed_answer.messages import Acknowledge, Acknowledgement
from compute.signing import Pins

REMEDY = "record that the answer came, then send its receipt from the log"


def check_logged(message: Acknowledge, provider: str, pins: Pins, log: Policy, now: int) -> None:
    """Return if the log holds the bank's word that it received this answer, or raise :class:`RefusalError`.

    Checks 1 and 2 (signature, answer) are the caller's; ``now`` is in milliseconds.

    3. The event says that this very answer came from this provider, and the bank's pinned key signed it.
    4. The receipt leads from the event to a checkpoint of the log that is known here.

    A quorum is not asked for: the bank has signed the event and the receipt for the answer, so whatever tree the
    log shows, the bank cannot deny; and the answer's own event has a quorum or must get one (docs/adr/0020).
    """
    said = message.acknowledgement.statement
    try:
        event = entries.parse(message.entry)
        entries.verify_signature(event, pins[said.bank].key)  # 3
        _require_same(event, said, provider)  # 3
        receipts.verify(message.entry, receipts.parse(message.receipt), log, now // 1000)  # 4
    except AuditError as error:
        raise RefusalError(4, f"the answer is not logged as received: {error}", REMEDY) from error


def _require_same(event: Entry, said: Acknowledgement, provider: str) -> None:
    told = (event.kind, event.node, event.counterparty, event.job, event.detail.get("answer"))
    if told != (EntryKind.ANSWER_RECEIVED, said.bank, provider, said.job.hex(), said.answer.hex()):
        raise RefusalError(3, "the event does not say that this answer was received", REMEDY)
