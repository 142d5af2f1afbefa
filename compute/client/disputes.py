"""Disputes of subjects."""

from compute.client.base import Noun
from compute.market.disputes import DisputeAnswer, DisputeCorrection, DisputeRecord, Disputes


class DisputesClient(Noun):
    """The routes under /disputes, for organisations that have to answer."""

    def page(self, cursor: str | None = None, limit: int = 100) -> Disputes:
        """Give a page of those that one has to answer, the oldest first."""
        return self._get("/disputes", Disputes, cursor=cursor, limit=limit)

    def load(self, number: str) -> DisputeRecord:
        """Give one dispute with what was written in it."""
        return self._get(f"/disputes/{number}", DisputeRecord)

    def answer(self, number: str, text: str) -> DisputeRecord:
        """Answer the subject."""
        return self._post(f"/disputes/{number}/answer", DisputeRecord, DisputeAnswer(text=text))

    def correct(self, number: str, snapshot_date: str, text: str) -> DisputeRecord:
        """State that data were corrected in the table of this day, as their provider."""
        asked = DisputeCorrection(text=text, snapshot_date=snapshot_date)
        return self._post(f"/disputes/{number}/correct", DisputeRecord, asked)
