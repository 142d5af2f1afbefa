"""The errors of the audit log."""

from enum import StrEnum


class Damage(StrEnum):
    """What can have been done to a log."""

    ROLLED_BACK = "rolled_back"  # it has fewer entries than it had
    FORKED = "forked"  # it has another root than it had at the same size
    REWRITTEN = "rewritten"  # it has grown, but not from what it was
    DROPPED = "dropped"  # it does not give an entry that it commits to
    CHANGED = "changed"  # an entry is not the one that it commits to
    NOT_INCLUDED = "not_included"  # an entry is shown that it does not commit to
    MALFORMED = "malformed"  # an entry that it commits to is none
    BAD_TILE = "bad_tile"  # a tile does not hold the hashes of what it covers
    NOT_SIGNED = "not_signed"  # an entry, or a checkpoint, is not signed by whom it names
    NOT_ENROLLED = "not_enrolled"  # an entry is of a node that was not enrolled before
    GAP = "gap"  # an entry's counter is not the next of its node about its contract
    LEFT_OUT = "left_out"  # a selection of its entries lacks one that belongs there
    ADDED = "added"  # a selection of its entries has one that does not belong there


class AuditError(Exception):
    """Something about the audit log cannot be relied on."""


class ProofError(AuditError):
    """A proof does not hold, or was asked for a tree that has none."""


class FormatError(AuditError):
    """Bytes or values are not in the one accepted form."""


class SignatureError(AuditError):
    """Something is not signed by the key that must have signed it."""


class LogError(AuditError):
    """The log is damaged, unusable, or would have to contradict itself."""


class ErasedError(AuditError):
    """The salt that would be needed was erased, and with it whatever could name its subject."""


class TamperingError(AuditError):
    """A log is not, or no longer, the one that was committed to.

    `damage` is its kind; `index` the first entry that is concerned, None where nothing tells.
    """

    def __init__(self, damage: Damage, index: int | None, problem: str) -> None:
        super().__init__(problem)
        self.damage, self.index = damage, index


class DamageError(LogError):
    """What the log holds contradicts itself: something was changed in it or is missing; which is named.

    `index` is of the first entry, node or tile that is concerned; None where nothing tells.
    """

    def __init__(self, problem: str, index: int | None = None) -> None:
        super().__init__(problem)
        self.index = index


class UnavailableError(AuditError):
    """A log, or a file about it, cannot be read: nothing can be said of it."""


class MissingError(UnavailableError):
    """A log answers that it has not got what it was asked for."""


class IdTakenError(AuditError):
    """The id of an event is that of another event in the log."""


class CounterError(AuditError):
    """The counter of an event is not the next of its node about its contract, which is `expected`."""

    def __init__(self, problem: str, expected: int) -> None:
        super().__init__(problem)
        self.expected = expected


class WitnessError(AuditError):
    """A witness does not cosign; `status` is that of HTTP for it (C2SP tlog-witness).

    `size` is of the tree that it last cosigned, where a proof has to start from another than was given: 409.
    """

    def __init__(self, status: int, problem: str, size: int | None = None) -> None:
        super().__init__(problem)
        self.status, self.size = status, size
