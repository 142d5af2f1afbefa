"""What an ETag is made of: the revision of a thing changes with whatever is said of it."""

import hashlib
from dataclasses import astuple
from typing import Any


def revision_of(thing: Any) -> str:  # noqa: ANN401 -- any frozen dataclass of texts, numbers and tuples
    """Give the revision of a thing, 64 hex digits."""
    return hashlib.sha256(repr(astuple(thing)).encode()).hexdigest()
