"""What an auditor's rules find in a log: the tags of risk, and what became of a finding."""

TAGS = (
    "unusual_hours",
    "beyond_minimum",
    "burst",
    "expiring",
    "unmatched",
    "refused_repeatedly",
)
DISPOSITIONS = ("justified", "warned", "escalated")
