"""Mandates of public data."""

from collections.abc import Iterator

from compute.client.base import Noun
from compute.market.mandates import MandateEnd, MandateRecord, MandateRequest, MandateRevenue
from compute.market.mandates import Mandates as MandatePage


class Mandates(Noun):
    """What authorities let the operator charge; all can read it."""

    def enter(self, mandate: MandateRequest) -> MandateRecord:
        """Enter a mandate, as an authority."""
        return self._post("/mandates", MandateRecord, mandate)

    def end(self, mandate: str, reason: str) -> MandateRecord:
        """End a mandate before its time, as its authority."""
        return self._post(f"/mandates/{mandate}/end", MandateRecord, MandateEnd(reason=reason))

    def load(self, mandate: str) -> MandateRecord:
        """Give one mandate."""
        return self._get(f"/mandates/{mandate}", MandateRecord)

    def page(self, cursor: str | None = None, limit: int = 20) -> MandatePage:
        """Give a page of mandates, by name."""
        return self._get("/mandates", MandatePage, cursor=cursor, limit=limit)

    def all(self) -> Iterator[MandateRecord]:
        """Give all mandates, page after page."""
        page = self.page(limit=100)
        yield from page.items
        while page.next is not None:
            page = self.page(page.next, 100)
            yield from page.items

    def revenue(self, mandate: str, year: int) -> MandateRevenue:
        """Give what was charged under a mandate in a calendar year, to its authority and the offices."""
        return self._get(f"/mandates/{mandate}/revenue/{year}", MandateRevenue)
