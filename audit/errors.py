"""The errors of the audit log."""


class AuditError(Exception):
    """Something about the audit log cannot be relied on."""


class ProofError(AuditError):
    """A proof does not hold, or was asked for a tree that has none."""


class FormatError(AuditError):
    """Bytes or values are not in the one accepted form."""


class SignatureError(AuditError):
    """A note is not signed by a key that it must be signed by, or bears a false signature of one."""


class LogError(AuditError):
    """The log is damaged, unusable, or would have to contradict itself."""


class TamperingError(AuditError):
    """A log is not, or no longer, the one that was committed to.

    `damage` is its kind, of `audit.verify.Damage`; `index` the first entry that is concerned, None where nothing
    tells.
    """

    def __init__(self, damage: str, index: int | None, problem: str) -> None:
        super().__init__(problem)
        self.damage, self.index = damage, index


class DamageError(LogError):
    """What the log holds contradicts itself: something was changed in it or is missing; which is named."""
