"""Notices of tests: what is told, and one round of the worker that delivers it."""

import ipaddress
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from market import KEYS, NOW, TAX, Market
from office import open_office, person
from receivers import Receiver
from sqlalchemy import delete

from marketplace.calling import Caller
from marketplace.flow.notice import Topic
from marketplace.flow.webhook import Address
from marketplace.gate import Gate
from marketplace.mail import Post
from marketplace.store.notice_tables import notices

PIN = KEYS["market"].public_key().public_bytes_raw()


ALL: frozenset[Topic] = frozenset()


def tell(market: Market, organisation: str = TAX, topic: Topic = Topic.CONTRACT_DRAFTED, **to: str | None) -> None:
    with Gate(market.exchange.log, market.setting).housekeeping() as step:
        step.notify(organisation, topic, "contract-1", role=to.get("role"), member=to.get("member"), due=NOW)


def here(_host: str, _port: int) -> list[Address]:
    return [ipaddress.ip_address("127.0.0.1")]


def a_caller(receiver: Receiver, *, allow_private: bool = True) -> Caller:
    return Caller(
        "market", KEYS["market"], allow_private=allow_private, authority=receiver.authority, resolve=here
    )


def deliver(market: Market, caller: Caller, post: Post | None = None) -> int:
    """One round of the worker; gives how many deliveries were attempted."""
    with ThreadPoolExecutor(2) as pool:
        return market.exchange.deliverer(caller, post).step(pool)


# --- the inbox ------------------------------------------------------------------------------------------------


def about(market: Market, member: str | None, organisation: str = TAX) -> list[str]:
    reader = organisation if member is None else person(member, organisation)
    return [held.notice.topic for held in market.exchange.notices.page(reader, None, 20, unread=False)]


@contextmanager
def open_desk(place: Path | str) -> Iterator[Market]:
    """A marketplace over this database whose webhooks may be on this machine, before anybody is told anything."""
    with open_office(place) as market:
        market.exchange.notices._allow_private = True
        with market.exchange.log.transaction() as batch:
            batch.connection.execute(delete(notices))  # of who was admitted
        yield market
