"""What every process of a node works with: its settings and key, its database, the market, the log."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from audit.cosignature import cosigner_name
from audit.policy import Policy
from audit.witness import Witness
from compute.at_rest import AtRest
from compute.client.marketplace import MarketplaceClient
from compute.log_client import LogClient
from compute.membership import connect, connect_log, load_policy
from compute.node.database import open_database
from compute.node.directory import Directory
from compute.node.following import Follower
from compute.node.journal import EventJournal
from compute.node.quorums import QuorumStore
from compute.node.settings import NodeSettings
from compute.signing import WITNESS_KEY, Pin, derived_key
from compute.web import keyfile
from compute.web.client import DEADLINE

TIMEOUT = 10.0
"""Seconds that a server waits for an answer of the marketplace; its worker waits longer, DEADLINE."""

S = TypeVar("S", bound=NodeSettings)


@dataclass(frozen=True)
class Site(Generic[S]):
    """One process of a node."""

    settings: S
    key: Ed25519PrivateKey
    engine: Engine
    at_rest: AtRest
    """Seals and opens what is secret in the database."""
    market: MarketplaceClient
    log: LogClient
    policy: Policy
    directory: Directory
    journal: EventJournal
    follower: Follower
    """Follows the log, with the node's witness."""


def clock() -> int:
    """Give the time: UTC, milliseconds since 1970-01-01."""
    return time.time_ns() // 1_000_000


@contextmanager
def open_site(settings: S, patience: float = 0) -> Iterator[Site[S]]:
    """Open what a process needs; it waits `patience` seconds for the marketplace to take an event.

    Raises `compute.settings.SettingsError` and `compute.web.secret.SecretFileError`.
    """
    with ExitStack() as stack:
        key = keyfile.load_or_make(settings.key, settings.unlock.secret)
        timeout = DEADLINE if patience else TIMEOUT
        market = stack.enter_context(connect(settings, key, timeout))
        policy = load_policy(settings.policy)
        log = stack.enter_context(connect_log(settings, policy, timeout))
        engine, at_rest = open_database(settings.database, key)
        stack.callback(engine.dispose)
        own = Pin(settings.kind.signing_role, key.public_key().public_bytes_raw())
        # Its own key is pinned too: nobody else may sign a contract in its name, whatever the operator says.
        directory = Directory(market, settings.pins | {settings.name: own}, settings.operator.name)
        journal = EventJournal(engine, log, key, patience)
        witness = Witness(engine, cosigner_name(settings.name), derived_key(key, WITNESS_KEY), policy.log, clock)
        follower = Follower(log, witness, policy, QuorumStore(engine), clock)
        yield Site(settings, key, engine, at_rest, market, log, policy, directory, journal, follower)
