"""What one is told: the inbox, e-mail, and an organisation's webhooks."""

from collections.abc import Sequence

from compute.client.base import Noun
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


class Notices(Noun):
    """The routes about notices."""

    def page(self, cursor: str | None = None, limit: int = 20, *, unread: bool = False) -> NoticePage:
        """Give what one is told, the newest first."""
        return self._get("/notices", NoticePage, cursor=cursor, limit=limit, unread="true" if unread else None)

    def unread(self) -> int:
        """Give how many notices one has not read."""
        return self._get("/notices/unread", NoticeCount).notices

    def read(self, number: int) -> NoticeRecord:
        """Note a notice as read."""
        return self._post(f"/notices/{number}/read", NoticeRecord)

    def read_all(self, up_to: int) -> int:
        """Note all notices up to one as read, and give how many were not."""
        return self._post("/notices/read", NoticeCount, ReadUpTo(up_to=up_to)).notices

    def preference(self) -> NoticePreferenceRecord:
        """Give of what one is told by e-mail, as a member."""
        return self._get("/notice-preference", NoticePreferenceRecord)

    def prefer(self, made: NoticePreference) -> NoticePreferenceRecord:
        """Be told of these topics by e-mail, and of no others."""
        return self._send("PUT", "/notice-preference", NoticePreferenceRecord, made, None)

    def confirm(self, code: str) -> NoticePreferenceRecord:
        """Confirm one's own address by the code that was sent there."""
        return self._post("/notice-preference/confirm", NoticePreferenceRecord, AddressConfirmation(code=code))

    # --- webhooks ---------------------------------------------------------------------------------------------

    def webhooks(self) -> Sequence[WebhookRecord]:
        """Give the organisation's webhooks."""
        return self._get("/webhooks", WebhookList).items

    def add_webhook(self, url: str, topics: Sequence[str] = ()) -> WebhookRecord:
        """Have the organisation's notices of these topics, or all, sent to a URL of its own."""
        return self._post("/webhooks", WebhookRecord, WebhookRequest(url=url, topics=tuple(topics)))

    def remove_webhook(self, webhook: str) -> WebhookRecord:
        """Send nothing there any more."""
        return self._post(f"/webhooks/{webhook}/remove", WebhookRecord)

    def deliveries(self, webhook: str) -> Sequence[DeliveryRecord]:
        """Give the latest deliveries to a webhook, the newest first."""
        return self._get(f"/webhooks/{webhook}/deliveries", DeliveryList).items
