"""The demand board."""

from compute.client.base import Noun
from compute.market.demands import (
    CloseReason,
    DemandClose,
    DemandRecord,
    DemandRequest,
    Matches,
    Response,
    ResponseRequest,
    Responses,
)
from compute.market.demands import Demands as DemandPage


class Demands(Noun):
    """What somebody needs, as one may see it."""

    def write(self, wanted: DemandRequest) -> DemandRecord:
        """Write a draft."""
        return self._post("/demands", DemandRecord, wanted)

    def edit(self, demand: str, wanted: DemandRequest, revision: str) -> DemandRecord:
        """Replace the draft of this revision."""
        return self._put(f"/demands/{demand}", DemandRecord, wanted, revision)

    def post(self, demand: str) -> DemandRecord:
        """Post a draft."""
        return self._post(f"/demands/{demand}/post", DemandRecord)

    def page(
        self,
        cursor: str | None = None,
        limit: int = 20,
        *,
        state: str | None = None,
        theme: str | None = None,
        own_only: bool = False,
    ) -> DemandPage:
        """Give a page of demands, the newest first."""
        own = "1" if own_only else None
        return self._get("/demands", DemandPage, cursor=cursor, limit=limit, state=state, theme=theme, own=own)

    def load(self, demand: str) -> DemandRecord:
        """Give one demand."""
        return self._get(f"/demands/{demand}", DemandRecord)

    def matches(self, demand: str) -> Matches:
        """Give the listed products whose fields match best, with the reasons."""
        return self._get(f"/demands/{demand}/matches", Matches)

    def answer(self, demand: str, said: ResponseRequest) -> Response:
        """Answer with a listed product of one's own, a text, or both."""
        return self._post(f"/demands/{demand}/responses", Response, said)

    def answers(self, demand: str) -> Responses:
        """Give the answers: all to who posted it and the operator, to others their own."""
        return self._get(f"/demands/{demand}/responses", Responses)

    def follow(self, demand: str) -> DemandRecord:
        """Be told of what becomes of it."""
        return self._post(f"/demands/{demand}/follow", DemandRecord)

    def unfollow(self, demand: str) -> DemandRecord:
        """Be told no more."""
        return self._post(f"/demands/{demand}/unfollow", DemandRecord)

    def close(self, demand: str, reason: CloseReason, response: int | None = None) -> DemandRecord:
        """Close it, as who posted it, or as the operator for its content."""
        return self._post(f"/demands/{demand}/close", DemandRecord, DemandClose(reason=reason, response=response))
