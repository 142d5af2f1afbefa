"""What organisations and their members are told: an inbox, e-mail, and webhooks."""

from typing import Any

from apiflask import APIBlueprint

from catalog.vocabulary import identifiers
from compute.market.notices import (
    AddressConfirmation,
    DeliveryList,
    DeliveryRecord,
    NoticeCount,
    NoticePage,
    NoticePreference,
    NoticePreferenceRecord,
    NoticeRecord,
    ReadUpTo,
    WebhookList,
    WebhookRecord,
    WebhookRequest,
)
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace import notice_texts
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.queries import NoticeQuery
from marketplace.errors import InvalidError, missing
from marketplace.flow.delivery import Delivery
from marketplace.flow.notice import Preference, Topic
from marketplace.flow.webhook import Webhook
from marketplace.store.notices import Held
from marketplace.store.paging import decode_cursor, encode_cursor

routes = APIBlueprint("notices", __name__)


@routes.get("/notices")
@needs("notice:list")
@routes.input(NoticeQuery, location="query", arg_name="query")
@gives(NoticePage)
def notices(query: dict[str, Any]) -> NoticePage:
    """What the asker is told, the newest first."""
    limit, cursor = query["limit"], query["cursor"]
    before = None if cursor is None else int(decode_cursor(cursor, int)[0])
    found = exchange().notices.page(actor(), before, limit + 1, unread=query["unread"])
    last = found[limit - 1].id if len(found) > limit else None
    return NoticePage(
        items=tuple(map(_notice, found[:limit])), next=None if last is None else encode_cursor((last,))
    )


@routes.get("/notices/unread")
@needs("notice:list")
@gives(NoticeCount)
def unread() -> NoticeCount:
    """How many notices the asker has not read."""
    return NoticeCount(notices=exchange().notices.unread(actor()))


@routes.post("/notices/<int:number>/read")
@needs("notice:read")
@gives(NoticeRecord)
def read(number: int) -> NoticeRecord:
    """Note a notice as read."""
    return _notice(exchange().notices.read(actor(), number))


@routes.post("/notices/read")
@needs("notice:read")
@takes(form(ReadUpTo))
@gives(NoticeCount)
def read_all(asked: ReadUpTo) -> NoticeCount:
    """Note all notices up to one as read; tells how many were not."""
    return NoticeCount(notices=exchange().notices.read_all(actor(), asked.up_to))


@routes.get("/notice-preference")
@needs("notice:prefer")
@gives(NoticePreferenceRecord)
def preference() -> NoticePreferenceRecord:
    """Of what the member is told by e-mail."""
    found = exchange().notices.preference(actor())
    if found is None:
        raise missing("preference", "of yours")
    return _preference(found)


@routes.put("/notice-preference")
@needs("notice:prefer")
@takes(form(NoticePreference))
@gives(NoticePreferenceRecord)
def prefer(asked: NoticePreference) -> NoticePreferenceRecord:
    """Have the member told of these topics by e-mail, and of no others; a new address is sent a code first."""
    return _preference(exchange().notices.prefer(actor(), asked.email, asked.language, _topics(asked.topics)))


@routes.post("/notice-preference/confirm")
@needs("notice:prefer")
@takes(form(AddressConfirmation))
@gives(NoticePreferenceRecord)
def confirm(asked: AddressConfirmation) -> NoticePreferenceRecord:
    """Confirm the member's address by the code that was sent there: once, within half an hour, in five tries."""
    return _preference(exchange().addresses.confirm(actor(), asked.code))


@routes.get("/webhooks")
@needs("webhook:list")
@gives(WebhookList)
def webhooks() -> WebhookList:
    """The organisation's webhooks."""
    return WebhookList(items=tuple(map(_webhook, exchange().notices.webhooks(actor()))))


@routes.post("/webhooks")
@needs("webhook:add")
@takes(form(WebhookRequest))
@gives(WebhookRecord, 201)
def add_webhook(asked: WebhookRequest) -> WebhookRecord:
    """Have the organisation's notices sent to an address of its own, signed by the marketplace."""
    return _webhook(exchange().notices.add_webhook(actor(), asked.url, _topics(asked.topics)))


@routes.post("/webhooks/<webhook>/remove")
@needs("webhook:add")
@gives(WebhookRecord)
def remove_webhook(webhook: str) -> WebhookRecord:
    """Send nothing there any more."""
    return _webhook(exchange().notices.remove_webhook(actor(), webhook))


@routes.get("/webhooks/<webhook>/deliveries")
@needs("webhook:list")
@gives(DeliveryList)
def deliveries(webhook: str) -> DeliveryList:
    """The latest deliveries to a webhook, the newest first."""
    return DeliveryList(items=tuple(map(_delivery, exchange().notices.deliveries(actor(), webhook))))


def _notice(held: Held) -> NoticeRecord:
    notice = held.notice
    return NoticeRecord(
        id=held.id,
        topic=notice.topic.value,
        about=notice.about,
        at=notice.at,
        data=notice.shown,
        is_read=held.is_read,
        zh=notice_texts.sentence(notice, "zh"),
        en=notice_texts.sentence(notice, "en"),
    )


def _preference(found: Preference) -> NoticePreferenceRecord:
    return NoticePreferenceRecord(
        email=found.email,
        language="zh" if found.language == "zh" else "en",
        topics=tuple(sorted(found.topics)),
        is_confirmed=found.confirmed is not None,
    )


def _webhook(found: Webhook) -> WebhookRecord:
    return WebhookRecord(id=found.id, url=found.url, topics=tuple(sorted(found.topics)), created=found.created)


def _delivery(found: Delivery) -> DeliveryRecord:
    return DeliveryRecord(
        id=found.id,
        notice=found.notice,
        state=found.state.value,
        attempts=found.attempts,
        created=found.created,
        due=found.due,
        problem=found.problem,
    )


def _topics(names: tuple[str, ...]) -> frozenset[Topic]:
    if unknown := sorted(set(names) - {*Topic}):
        told = f"Unknown: {', '.join(unknown)}."
        raise InvalidError(
            f"there is no topic {unknown[0]}", f"choose of {', '.join(identifiers('topic'))}", {"topics": told}
        )
    return frozenset(map(Topic, names))
