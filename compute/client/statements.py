"""Monthly statements."""

from compute.client.base import Noun
from compute.market.statements import (
    DisputeReason,
    StatementCorrection,
    StatementDispute,
    StatementRead,
    StatementRecord,
)
from compute.market.statements import Statements as StatementPage


class Statements(Noun):
    """One's own statements; the operator's are all. A digest is that of the version that was read."""

    def page(
        self, month: str | None = None, state: str | None = None, cursor: str | None = None, limit: int = 20
    ) -> StatementPage:
        """Give a page of statements, the latest month first."""
        return self._get("/statements", StatementPage, month=month, state=state, cursor=cursor, limit=limit)

    def load(self, statement: str, version: int | None = None) -> StatementRecord:
        """Give the last version of a statement, or the one asked for."""
        return self._get(f"/statements/{statement}", StatementRecord, version=version)

    def confirm(self, statement: str, digest: str) -> StatementRecord:
        """Confirm the version with this digest, as one of its sides."""
        return self._post(f"/statements/{statement}/confirm", StatementRecord, StatementRead(digest=digest))

    def dispute(self, statement: str, digest: str, reason: DisputeReason, text: str) -> StatementRecord:
        """Dispute the version with this digest, as one of its sides."""
        said = StatementDispute(digest=digest, reason=reason, text=text)
        return self._post(f"/statements/{statement}/dispute", StatementRecord, said)

    def correct(
        self, statement: str, digest: str, note: str, waived_uses: int = 0, *, waives_all: bool = False
    ) -> StatementRecord:
        """Replace a disputed version by the next, as the operator; so many uses, or all amounts, are given up."""
        said = StatementCorrection(digest=digest, note=note, waived_uses=waived_uses, waives_all=waives_all)
        return self._post(f"/statements/{statement}/correct", StatementRecord, said)

    def csv(self, month: str, language: str = "zh") -> bytes:
        """Give all of a month's statements as CSV, with columns named in `zh` or `en`."""
        return self._bytes(f"/statements/files/{month}/csv", language=language)

    def excel(self, month: str, language: str = "zh") -> bytes:
        """Give the same for Excel."""
        return self._bytes(f"/statements/files/{month}/xlsx", language=language)
