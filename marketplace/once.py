"""Commands that are sent twice and happen once: what their sender named by an idempotency key.

The key stands in the command's own transaction, so a command and its key commit together or not at all. The answer
is kept right after; where a crash lost it, the sender is told that the command has happened.
"""

from contextvars import ContextVar
from dataclasses import dataclass

KEPT = 24 * 3600 * 1000
"""Milliseconds for which a key is remembered."""


@dataclass(frozen=True)
class Once:
    """A request that is to happen once."""

    owner: str
    """The organisation that sent it, and who of it: a person, or a program by its key."""
    key: str
    """The sender's own name for the request."""
    fingerprint: bytes
    """SHA-256 of the request, so that one key never stands for two."""


@dataclass(frozen=True)
class Answer:
    """What the first request was answered."""

    status: int
    content_type: str
    etag: str | None
    body: bytes


WANTED: ContextVar[Once | None] = ContextVar("WANTED", default=None)
"""The request that is being served, until a command has taken it into its transaction."""
