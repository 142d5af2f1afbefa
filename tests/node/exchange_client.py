"""The marketplace in this process, with the methods of its client: what a node asks it, and how it refuses."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from market import Market

from compute.permit import PermitStatus
from compute.records import Consents, PartyRecord
from compute.signing import Signed
from compute.web.errors import PeerProblemError
from marketplace.errors import MarketplaceError


@dataclass
class ExchangeClient:
    """`compute.client.marketplace.MarketplaceClient` over the exchange, as one party; counts what it is asked."""

    market: Market
    party: str
    asked: int = 0

    def directory(self) -> Sequence[Signed[PartyRecord]]:
        with self._asking():
            return self.market.exchange.directory(self.party)

    def permit_status(self, permit: str, nonce: bytes) -> Signed[PermitStatus]:
        with self._asking():
            return self.market.exchange.permits.status(self.party, permit, nonce)

    def consents(self, contract: str, batches: int = 0, withdrawals: int = 0) -> Consents:
        with self._asking():
            return self.market.exchange.consents.of(self.party, contract, batches, withdrawals)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self.asked += 1
        try:
            yield
        except MarketplaceError as error:
            problem = {"title": "Refused", "detail": error.problem, "remedy": error.remedy}
            raise PeerProblemError("market", 422, dict(problem)) from error
