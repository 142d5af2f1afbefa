"""The head of a log, as its one row has it: how far it has come, what it signed last, whether it may go on.

What is signed next follows from this row alone, so it carries a digest: over a damaged row nothing is signed.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from audit.errors import DamageError
from audit.merkle import HASH_SIZE, Frontier
from audit.storage import tables

_HEAD = select(tables.head)


@dataclass(frozen=True)
class Head:
    """The row."""

    size: int
    edge: bytes  # hashes of the largest complete subtrees, from the left
    checkpoint: bytes  # a signed note over size and root
    signed_at: int  # UTC, milliseconds since 1970-01-01
    halted: str | None = None  # why nothing may be signed any more

    @property
    def tree(self) -> Frontier:
        """The tree, to go on from."""
        edge = [self.edge[first : first + HASH_SIZE] for first in range(0, len(self.edge), HASH_SIZE)]
        return Frontier.at(self.size, edge)

    @property
    def row(self) -> dict[str, Any]:
        """The columns."""
        return {**vars(self), "digest": self._digest()}

    def _digest(self) -> bytes:
        return hashlib.sha256(repr(self).encode()).digest()


def load(connection: Connection) -> Head:
    """The head; raises DamageError if it is not as it was stored."""
    row = connection.execute(_HEAD).one_or_none()
    if row is None:
        raise DamageError("the head is missing")
    stored = row._asdict()
    digest = stored.pop("digest")
    del stored["id"]
    head = Head(**stored)
    if head.row["digest"] != digest:
        raise DamageError("the head is not as it was stored")
    return head
