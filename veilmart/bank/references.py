"""A request's own name, for people who give none."""

from datetime import UTC, datetime


def reference_now(what: str) -> str:
    """Give a name that tells when it was asked, to the microsecond."""
    return f"{what}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
