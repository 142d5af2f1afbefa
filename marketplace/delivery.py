"""Takes notices out of the database to where they are wanted: `veilmart marketplace work`.

    every second: a notice → a delivery for each webhook and each member who wants it, in one transaction
                  a due delivery → leased → sent → arrived, or due again later, or dead and told in the inbox
    every half minute: what is due in the market (`Exchange.expire`)

A crash between sending and noting it sends once more: at least once, and its receiver knows it by its id.
"""

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from sqlalchemy import Connection

from audit.errors import AuditError
from catalog.vocabulary import Language
from marketplace import calling, notice_texts
from marketplace.calling import Caller
from marketplace.commands.approvals import Staffing
from marketplace.flow import delivery as delivering
from marketplace.flow.delivery import Channel, Delivery, DeliveryState
from marketplace.flow.notice import Notice, Preference, Reader, Topic
from marketplace.gate import Gate
from marketplace.mail import DeliveryError, Post
from marketplace.store import deliveries, notices, webhooks
from marketplace.transaction import Transaction

logger = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two rounds."""
_AT_ONCE = 4
"""Deliveries that are sent side by side: a receiver that is slow holds up its own only so far."""
_BATCH = 100
_CHORES = 30
"""Rounds between two looks at what is due."""


class Deliverer:
    """Delivers notices; without `post` nothing goes by e-mail.

    `draw` gives a code that confirms an address; `expire` states in the log what is over.
    """

    def __init__(
        self,
        gate: Gate,
        staffing: Staffing,
        caller: Caller,
        post: Post | None,
        draw: Callable[[Preference], str],
        expire: Callable[[], object],
    ) -> None:
        self._gate, self._staffing, self._caller, self._post = gate, staffing, caller, post
        self._draw, self._expire = draw, expire
        self._failure = ""

    def run(self, stopped: Event) -> None:
        """Deliver until `stopped`. What fails is logged, and tried again: also a database that is away."""
        rounds = 0
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while not stopped.is_set():
                try:
                    if rounds % _CHORES == 0:
                        self._expire()
                    self.step(pool)
                except AuditError as error:
                    if str(error) != self._failure:
                        logger.error("no notice is delivered: %s", error)  # noqa: TRY400 -- the error is told whole
                    self._failure = str(error)
                else:
                    self._failure = ""
                rounds += 1
                stopped.wait(INTERVAL)

    def step(self, pool: ThreadPoolExecutor) -> int:
        """Make the deliveries of new notices, attempt those that are due, and give how many were attempted."""
        self._spread()
        leased = self._lease()
        for _ in pool.map(self._attempt, leased):
            pass
        return len(leased)

    def _spread(self) -> None:
        with self._gate.reading() as connection:
            if not notices.to_spread(connection, 1):
                return
        with self._gate.housekeeping() as step:
            for number, notice in notices.to_spread(step.connection, _BATCH):
                deliveries.add(step.connection, self._deliveries(step, number, notice))
                notices.spread(step.connection, number)

    def _deliveries(self, step: Transaction, number: int, notice: Notice) -> list[Delivery]:
        wanted = [
            (Channel.WEBHOOK, each.id)
            for each in webhooks.of(step.connection, notice.organisation)
            if each.wants(notice.topic) and notice.member is None
        ]
        if self._post is not None and notice.topic is not Topic.DELIVERY_FAILED:
            staff = self._staffing(step.connection, notice.organisation)
            wanted += [
                (Channel.EMAIL, each.member)
                for each in webhooks.preferences(step.connection, notice.organisation)
                if each.member in staff
                and each.confirmed is not None
                and notice.topic in each.topics
                and Reader(each.organisation, each.member, staff[each.member]).is_told_of(notice)
            ]
        if self._post is not None and notice.topic is Topic.ADDRESS_ENTERED and notice.member is not None:
            wanted += [(Channel.CODE, notice.member)] if _is_newest(step.connection, number, notice) else []
        if self._post is not None and notice.topic in {Topic.ACCOUNT_CHANGED, Topic.ADDRESS_REPLACED}:
            wanted += [(Channel.ADDRESS, each) for each in str(notice.data.get("addresses", "")).split()]
        return [
            Delivery(
                f"delivery-{secrets.token_hex(16)}",
                number,
                notice.organisation,
                channel,
                target,
                step.now,
                step.now,
            )
            for channel, target in wanted
        ]

    def _lease(self) -> list[tuple[Delivery, Notice]]:
        with self._gate.housekeeping() as step:
            leased = []
            for old in deliveries.due(step.connection, step.now, _BATCH):
                new = delivering.begin(old, step.now)
                deliveries.move(step.connection, old, new)
                leased.append((new, notices.numbered(step.connection, new.notice)))
            return leased

    def _attempt(self, leased: tuple[Delivery, Notice]) -> None:
        delivery, notice = leased
        try:
            self._send(delivery, notice)
        except DeliveryError as error:
            self._note(delivery, error)
        else:
            self._note(delivery, None)

    def _send(self, delivery: Delivery, notice: Notice) -> None:
        with self._gate.reading() as connection:
            webhook = webhooks.load(connection, delivery.target)
            is_newest = delivery.channel is not Channel.CODE or _is_newest(connection, delivery.notice, notice)
            wish = webhooks.preference(connection, delivery.organisation, delivery.target)
        if delivery.channel is Channel.WEBHOOK:
            if webhook is None:
                raise DeliveryError("the webhook was removed", is_final=True)
            self._caller.call(webhook.url, calling.body(delivery.id, notice))
            return
        if self._post is None:
            raise DeliveryError("nothing goes by e-mail any more", is_final=True)
        to, language, code = delivery.target, "zh", ""  # of an address, whatever its account says by now
        if delivery.channel is not Channel.ADDRESS:
            if wish is None or not is_newest or not _is_wanted(wish, delivery, notice):
                raise DeliveryError("nobody wants it any more", is_final=True)
            to, language = wish.email, wish.language
            code = f"{self._draw(wish)}\n\n" if delivery.channel is Channel.CODE else ""
        spoken: Language = "en" if language == "en" else "zh"
        title, sentence = notice_texts.title(notice.topic, spoken), notice_texts.sentence(notice, spoken)
        self._post.send(to, f"Veilmart: {title}", f"{code}{sentence}\n", delivery.id, notice.at)

    def _note(self, delivery: Delivery, error: DeliveryError | None) -> None:
        with self._gate.housekeeping() as step:
            if error is None:
                new = delivering.arrived(delivery)
            else:
                new = delivering.failed(delivery, str(error), step.now, is_final=error.is_final)
            is_ours = deliveries.move(step.connection, delivery, new)
            if not is_ours or new.state is not DeliveryState.DEAD:
                return
            named = delivery.id if delivery.channel is Channel.ADDRESS else delivery.target  # no address
            logger.warning("%s to %s is given up: %s", delivery.channel, named, new.problem)
            member = delivery.target if delivery.channel in {Channel.EMAIL, Channel.CODE} else None
            step.notify(
                delivery.organisation,
                Topic.DELIVERY_FAILED,
                named,
                member=member,
                channel=delivery.channel.value,
            )


def _is_wanted(wish: Preference, delivery: Delivery, notice: Notice) -> bool:
    """Whether the member still wants it: a code for an address that is not confirmed, all else for one that is."""
    if delivery.channel is Channel.CODE:
        return wish.confirmed is None
    return wish.confirmed is not None and notice.topic in wish.topics


def _is_newest(connection: Connection, number: int, notice: Notice) -> bool:
    """Whether the member entered no address after this one: a code goes only where it was counted for.

    Else those that wait for a server which is down, or refuses them for a while, would all go to the last one.
    """
    return notices.newest(connection, notice.organisation, str(notice.member), notice.topic) == number
