"""The gate that every command passes: who commands is admitted, and a refusal is recorded before it is told."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from audit.log import Log
from audit.storage.batch import Batch, Signer
from compute.signing import LOG_KEY, Pin, derived_key
from marketplace import refusals
from marketplace.command import Command
from marketplace.errors import MarketplaceError
from marketplace.flow.actor import Actor, Principal
from marketplace.flow.event import refused
from marketplace.flow.party import admit
from marketplace.flow.states import Role
from marketplace.flow.subject import Acting
from marketplace.identity.desk import IdentityDesk
from marketplace.once import WANTED
from marketplace.settings import Settings
from marketplace.store import once, parties, revision
from marketplace.subjects import SubjectSetting
from marketplace.throttle import subject
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
    subjects: SubjectSetting | None = None
    """How subjects are known and told; without, no consent can be asked for or registered."""
    allow_private: bool = False
    """Whether webhooks may be in private networks."""

    @classmethod
    def of(cls, settings: Settings, key: Ed25519PrivateKey) -> Self:
        """The marketplace that these settings name; `key` is its own.

        Raises `compute.settings.SettingsError` and `compute.web.secret.SecretFileError` for files of the identity
        adapters that cannot be used.
        """
        operator_key, origin = settings.operator_key, settings.log_origin
        subjects = None
        if settings.identity is not None:
            subjects = SubjectSetting.of(IdentityDesk.of(settings.identity), settings.public_url, key)
        return cls(
            settings.name,
            key,
            settings.operator,
            operator_key,
            _milliseconds,
            origin,
            subjects,
            settings.webhooks.allow_private,
        )

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


_JOINED: ContextVar[Transaction | None] = ContextVar("_JOINED", default=None)
"""The transaction of a command that carries out another one."""


class Office(Protocol):
    """What stands before the commands that organisations may have steps of their own for."""

    def intercept(self, command: Command, actor: str | Principal, arguments: msgspec.Struct) -> None:
        """Return if the command is to go on; raise `ApprovalStarted` if it waits for the organisation's steps."""


def _whose(actor: str | Principal | Acting) -> tuple[str | None, str]:
    """Give the organisation that a refusal is recorded of, none for a subject; and who is bounded by itself."""
    match actor:
        case Principal(organisation, member, key):
            return organisation, subject("refused", organisation, member or key or "")
        case Acting():
            return None, subject("refused", actor.tag.hex())
        case _:
            return actor, subject("refused", actor, "")


class Gate:
    """Opens a transaction for each command. Its name is that of the command in the log."""

    def __init__(self, log: Log, setting: Setting) -> None:
        self._log, self._setting = log, setting
        self.office: Office | None = None
        """Has organisations' own steps come before their commands; without it there are none."""

    @contextmanager
    def command(
        self, name: str, actor: str | Principal, *, suspended_too: bool = False, enrolled: bool = True
    ) -> Iterator[Transaction]:
        """Open a transaction that writes.

        A suspended organisation, or one that has not accepted the entry agreement, passes only where
        `suspended_too`; one without a node only where not `enrolled`: what is signed, published or computed
        rests on its key, what its people decide does not. A plain name stands for a party by itself.
        A command that another one carries out is part of that one's transaction.
        """
        if (outer := _JOINED.get()) is not None:
            admitted = self._admit(outer.connection, actor, suspended_too=suspended_too, enrolled=enrolled)
            yield replace(outer, actor=admitted)
            return
        with self.refusing(name, actor), self._log.transaction() as batch:
            admitted = self._admit(batch.connection, actor, suspended_too=suspended_too, enrolled=enrolled)
            step = self._step(batch.connection, admitted, batch)
            if (wanted := WANTED.get()) is not None:
                once.claim(batch.connection, wanted, step.now)
            yield step
        WANTED.set(None)  # it is committed

    @contextmanager
    def query(
        self, name: str, actor: str | Principal, *, suspended_too: bool = False, enrolled: bool = False
    ) -> Iterator[Transaction]:
        """Open a transaction that reads one moment and waits for no writer; for whom, `command` says.

        Reading rests on no key; what tells what would become of a command is for those who can give it.
        """
        if (outer := _JOINED.get()) is not None:
            admitted = self._admit(outer.connection, actor, suspended_too=suspended_too, enrolled=enrolled)
            yield replace(outer, actor=admitted)
            return
        with self.refusing(name, actor), self._log.snapshot() as connection:
            admitted = self._admit(connection, actor, suspended_too=suspended_too, enrolled=enrolled)
            yield self._step(connection, admitted, None)

    @contextmanager
    def by_subject(self, name: str, acting: Acting) -> Iterator[Transaction]:
        """Open a transaction that writes, for somebody who was identified as acting for a subject.

        A refusal is recorded, and of nobody: the log names no subject.
        """
        market = self._setting.market
        with self.refusing(name, acting), self._log.transaction() as batch:
            yield self._step(batch.connection, Actor(market, None, Role.SUBJECT), batch)

    @contextmanager
    def by_anybody(self) -> Iterator[Transaction]:
        """Open a transaction that writes and records nothing: what strangers try could fill the log."""
        with self._log.transaction() as batch:
            yield self._step(batch.connection, Actor(self._setting.market, None, None), None)

    @contextmanager
    def glance(self) -> Iterator[Transaction]:
        """Open a transaction that reads, for a page that shows what its reader may see."""
        with self._log.snapshot() as connection:
            yield self._step(connection, Actor(self._setting.market, None, Role.SUBJECT), None)

    @contextmanager
    def housekeeping(self) -> Iterator[Transaction]:
        """Open a transaction that writes, for what the marketplace does by itself."""
        with self._log.transaction() as batch:
            yield self._step(batch.connection, Actor(self._setting.market, None, Role.MARKET), batch)

    @contextmanager
    def unproven(self) -> Iterator[Transaction]:
        """Open a transaction that writes, for who takes no part yet or is not known yet: applicants, logins.

        Their refusals are nobody's in particular, so they are not recorded here: the log is public and for ever,
        and whoever can write into it could fill it.
        """
        with self._log.transaction() as batch:
            yield self._step(batch.connection, Actor(self._setting.market, None, Role.APPLICANT), batch)

    @contextmanager
    def unproven_glance(self) -> Iterator[Transaction]:
        """Open a transaction that reads, for the same."""
        with self._log.snapshot() as connection:
            yield self._step(connection, Actor(self._setting.market, None, Role.APPLICANT), None)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection that reads one moment, for what comes before a command."""
        with self._log.snapshot() as connection:
            yield connection

    @contextmanager
    def joined(self, step: Transaction) -> Iterator[None]:
        """Have the commands within the block be part of this transaction; what they refuse, it refuses."""
        token = _JOINED.set(step)
        try:
            yield
        finally:
            _JOINED.reset(token)

    @property
    def is_joined(self) -> bool:
        """Whether a command is being carried out by another one."""
        return _JOINED.get() is not None

    @contextmanager
    def refusing(self, name: str, actor: str | Principal | Acting) -> Iterator[None]:
        """Record a refusal of the actor's command, or count it among many: durable before anybody hears of it."""
        now = self._setting.clock()
        try:
            yield  # a transaction that is opened within is rolled back by now
        except MarketplaceError as error:
            who, source = _whose(actor)
            event = refused(self._setting.market, who, name, error, now)
            self._log.grouped(lambda batch: refusals.record(batch, event, source))
            raise

    def _step(self, connection: Connection, actor: Actor, batch: Batch | None) -> Transaction:
        revision.require(connection)
        return Transaction(connection, actor, self._setting.clock(), self._setting.market, batch)

    def _admit(
        self, connection: Connection, actor: str | Principal, *, suspended_too: bool, enrolled: bool
    ) -> Actor:
        who = Principal(actor) if isinstance(actor, str) else actor
        if who.organisation == self._setting.operator:
            admitted = Actor(who.organisation, None, Role.OPERATOR)
        else:
            name, now = who.organisation, self._setting.clock()
            standing = parties.standing(connection, name)
            admitted = admit(name, standing, now, suspended_too=suspended_too, enrolled=enrolled)
        return replace(admitted, member=who.member, permissions=who.permissions)
