"""Requests to subjects for their consent."""

from compute.client.base import Noun
from compute.market.consent_requests import (
    ConsentRequestDraft,
    ConsentRequestMade,
    ConsentRequestRecord,
    ConsentRequests,
    ReceiptStanding,
)


class ConsentRequestsClient(Noun):
    """The routes under /consent-requests, for a contract's consumer; and receipts, for everybody."""

    def ask(self, draft: ConsentRequestDraft) -> ConsentRequestMade:
        """Ask one subject; give the link for it, which is told this once."""
        return self._post("/consent-requests", ConsentRequestMade, draft)

    def page(self, cursor: str | None = None, limit: int = 100) -> ConsentRequests:
        """Give one's requests behind a cursor, in the order in which they last changed."""
        return self._get("/consent-requests", ConsentRequests, cursor=cursor, limit=limit)

    def load(self, request: str) -> ConsentRequestRecord:
        """Give one request, with the receipt once it was decided."""
        return self._get(f"/consent-requests/{request}", ConsentRequestRecord)

    def cancel(self, request: str) -> ConsentRequestRecord:
        """Take a request back that nobody has decided."""
        return self._post(f"/consent-requests/{request}/cancel", ConsentRequestRecord)

    def power_of_attorney(self, request: str) -> bytes:
        """Give the document by which an agent granted a request."""
        return self._bytes(f"/consent-requests/{request}/power-of-attorney")

    def receipt(self, code: str) -> ReceiptStanding:
        """Give a receipt by its verification code, and what became of the consent."""
        return self._get(f"/consent-receipts/{code}", ReceiptStanding)
