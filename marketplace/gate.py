"""The gate that every command passes: who commands is admitted, and a refusal is recorded before it is told."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from audit.log import Log
from audit.storage.batch import Batch, Signer
from compute.signing import LOG_KEY, Pin, derived_key
from marketplace.errors import MarketplaceError
from marketplace.flow.actor import Actor
from marketplace.flow.event import refused
from marketplace.flow.party import admit
from marketplace.flow.states import Role
from marketplace.settings import Settings
from marketplace.store import parties
from marketplace.transaction import Transaction


@dataclass(frozen=True)
class Setting:
    """Who the marketplace is. The operator's private key, which admits parties, is not here."""

    market: str
    """The name that signs permits and status statements, and that reports events."""
    key: Ed25519PrivateKey
    operator: str
    operator_key: bytes
    """Ed25519 public key, raw."""
    clock: Callable[[], int]
    """UTC, milliseconds since 1970-01-01."""
    origin: str
    """The name of the log."""

    @classmethod
    def of(cls, settings: Settings, key: Ed25519PrivateKey) -> Self:
        """The marketplace that these settings name; `key` is its own."""
        operator_key, origin = settings.operator_key, settings.log_origin
        return cls(settings.name, key, settings.operator, operator_key, _milliseconds, origin)

    @property
    def signer(self) -> Signer:
        """Who signs the log's checkpoints and the marketplace's events in it, with the log's own key."""
        return Signer(self.origin, self.market, derived_key(self.key, LOG_KEY), self.clock)

    @property
    def pins(self) -> dict[str, Pin]:
        """The marketplace's and the operator's own."""
        return {
            self.market: Pin("operator", self.key.public_key().public_bytes_raw()),
            self.operator: Pin("operator", self.operator_key),
        }


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


class Gate:
    """Opens a transaction for each command. Its name is that of the command in the log."""

    def __init__(self, log: Log, setting: Setting) -> None:
        self._log, self._setting = log, setting

    @contextmanager
    def command(self, name: str, actor: str, *, suspended_too: bool = False) -> Iterator[Transaction]:
        """Open a transaction that writes; a suspended party passes only where `suspended_too`."""
        with self.refusing(name, actor), self._log.transaction() as batch:
            admitted = self._admit(batch.connection, actor, suspended_too=suspended_too)
            yield self._step(batch.connection, admitted, batch)

    @contextmanager
    def query(self, name: str, actor: str) -> Iterator[Transaction]:
        """Open a transaction that reads one moment and waits for no writer."""
        with self.refusing(name, actor), self._log.snapshot() as connection:
            yield self._step(connection, self._admit(connection, actor, suspended_too=False), None)

    @contextmanager
    def housekeeping(self) -> Iterator[Transaction]:
        """Open a transaction that writes, for what the marketplace does by itself."""
        with self._log.transaction() as batch:
            yield self._step(batch.connection, Actor(self._setting.market, None, Role.MARKET), batch)

    @contextmanager
    def refusing(self, name: str, actor: str) -> Iterator[None]:
        """Record a refusal of the actor's command: it is durable before anybody hears of it."""
        now = self._setting.clock()
        try:
            yield  # a transaction that is opened within is rolled back by now
        except MarketplaceError as error:
            event = refused(self._setting.market, actor, name, error, now)
            self._log.grouped(lambda batch: batch.report(event))
            raise

    def _step(self, connection: Connection, actor: Actor, batch: Batch | None) -> Transaction:
        return Transaction(connection, actor, self._setting.clock(), self._setting.market, batch)

    def _admit(self, connection: Connection, actor: str, *, suspended_too: bool) -> Actor:
        if actor == self._setting.operator:
            return Actor(actor, None, Role.OPERATOR)
        return admit(actor, parties.load(connection, actor), suspended_too=suspended_too)
