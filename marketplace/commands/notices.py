"""What organisations are told: their inbox, what goes out by e-mail, and to which addresses of their own."""

import secrets

from marketplace.commands.addresses import Addresses, member_of
from marketplace.commands.approvals import Staffing
from marketplace.errors import ConflictError, InvalidError, missing
from marketplace.flow import webhook as calling
from marketplace.flow.actor import Principal
from marketplace.flow.delivery import Delivery
from marketplace.flow.notice import Preference, Reader, Topic
from marketplace.flow.webhook import Webhook
from marketplace.gate import Gate
from marketplace.store import deliveries, notices, webhooks
from marketplace.store.notices import Held
from marketplace.transaction import Transaction

_LATEST = 50
"""Deliveries that are shown of a webhook."""


class Notices:
    """The commands about notices. With `allow_private` webhooks may be in the operator's own network."""

    def __init__(self, gate: Gate, staffing: Staffing, addresses: Addresses, *, allow_private: bool) -> None:
        self._gate, self._staffing, self._allow_private = gate, staffing, allow_private
        self._addresses = addresses

    # --- the inbox --------------------------------------------------------------------------------------------

    def page(self, actor: str | Principal, before: int | None, limit: int, *, unread: bool) -> list[Held]:
        """What the reader is told, the newest first."""
        with self._gate.query("notices", actor) as step:
            return notices.page(step.connection, self._reader(step), before, limit, unread=unread)

    def unread(self, actor: str | Principal) -> int:
        """How many notices the reader has not read."""
        with self._gate.query("unread_notices", actor) as step:
            return notices.unread(step.connection, self._reader(step))

    def read(self, actor: str | Principal, number: int) -> Held:
        """Note one notice as read, and give it."""
        with self._gate.command("read_notice", actor, enrolled=False) as step:
            reader = self._reader(step)
            notices.mark_read(step.connection, reader, number=number)
            found = notices.load(step.connection, reader, number)
            if found is None:
                raise missing("notice", str(number))
            return found

    def read_all(self, actor: str | Principal, up_to: int) -> int:
        """Note all notices up to a number as read, and give how many were not."""
        with self._gate.command("read_notices", actor, enrolled=False) as step:
            return notices.mark_read(step.connection, self._reader(step), up_to=up_to)

    # --- e-mail -----------------------------------------------------------------------------------------------

    def preference(self, actor: Principal) -> Preference | None:
        """What the member is told by e-mail."""
        with self._gate.query("notice_preference", actor) as step:
            return webhooks.preference(step.connection, step.actor.name, member_of(step.actor))

    def prefer(self, actor: Principal, email: str, language: str, topics: frozenset[Topic]) -> Preference:
        """Have the member told of these topics by e-mail, once the address is confirmed (`Addresses.confirm`)."""
        with self._gate.command("prefer_notices", actor, enrolled=False) as step:
            return self._addresses.enter(
                step, Preference(step.actor.name, member_of(step.actor), email, language, topics)
            )

    # --- webhooks ---------------------------------------------------------------------------------------------

    def add_webhook(self, actor: str | Principal, url: str, topics: frozenset[Topic]) -> Webhook:
        """Have the organisation's notices of these topics, or all, sent to a URL."""
        with self._gate.command("add_webhook", actor, enrolled=False) as step:
            calling.check_url(url, allow_private=self._allow_private)
            if Topic.DELIVERY_FAILED in topics:
                raise InvalidError(
                    "what could not be delivered is told in the inbox only",
                    "leave delivery_failed out",
                    {"topics": "delivery_failed is not sent."},
                )
            if webhooks.count(step.connection, step.actor.name) >= calling.MAX_WEBHOOKS:
                raise ConflictError(
                    f"{step.actor.name} has {calling.MAX_WEBHOOKS} webhooks", "remove one that is not used"
                )
            name = f"webhook-{secrets.token_hex(16)}"
            made = Webhook(name, step.actor.name, url, topics, step.now)
            webhooks.add(step.connection, made)
            return made

    def remove_webhook(self, actor: str | Principal, name: str) -> Webhook:
        """Send nothing to it any more."""
        with self._gate.command("remove_webhook", actor, enrolled=False) as step:
            found = self._webhook(step, name)
            webhooks.remove(step.connection, name)
            return found

    def webhooks(self, actor: str | Principal) -> list[Webhook]:
        """The organisation's webhooks."""
        with self._gate.query("webhooks", actor) as step:
            return webhooks.of(step.connection, step.actor.name)

    def deliveries(self, actor: str | Principal, name: str) -> list[Delivery]:
        """The latest deliveries to a webhook, the newest first."""
        with self._gate.query("webhook", actor) as step:
            self._webhook(step, name)
            return deliveries.of(step.connection, name, _LATEST)

    def _webhook(self, step: Transaction, name: str) -> Webhook:
        found = webhooks.load(step.connection, name)
        if found is None or found.organisation != step.actor.name:
            raise missing("webhook", name)
        return found

    def _reader(self, step: Transaction) -> Reader:
        actor = step.actor
        if actor.member is None:
            return Reader(actor.name)
        staff = self._staffing(step.connection, actor.name)
        return Reader(actor.name, actor.member, staff.get(actor.member, frozenset()))
