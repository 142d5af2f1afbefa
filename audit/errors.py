"""The errors of the audit log."""


class AuditError(Exception):
    """Something about the audit log cannot be relied on."""


class ProofError(AuditError):
    """A proof does not hold, or was asked for a tree that has none."""


class FormatError(AuditError):
    """Bytes or values are not in the one accepted form."""


class LogError(AuditError):
    """The log is damaged, unusable, or would have to contradict itself."""
