"""When a version was offered, for those who harvest the catalog."""

from typing import NamedTuple

Key = tuple[str, str, str]
"""Provider, product and version."""


class Dates(NamedTuple):
    """When a version was first listed, and when anything about its offer last changed; UTC, milliseconds."""

    issued: int
    modified: int
