"""Prices of applications and contracts."""

from compute.client.base import Noun
from compute.market.prices import ContractPrices, PriceAcceptance, PriceOfferRequest, PriceRecord


class Prices(Noun):
    """What the parties of one contract have offered, accepted and agreed; amounts are whole fen."""

    def of(self, contract: str, case: str | None = None) -> ContractPrices:
        """Give the prices under an application or contract that one may see; a supervisor names the case."""
        return self._get(f"/prices/{contract}", ContractPrices, case=case)

    def offer(self, contract: str, amount_fen: int) -> PriceRecord:
        """Offer one's own part for an amount, as a provider whose price is negotiated."""
        return self._post(f"/prices/{contract}/offer", PriceRecord, PriceOfferRequest(amount_fen=amount_fen))

    def accept(self, contract: str, provider: str, amount_fen: int) -> PriceRecord:
        """Accept a provider's offer of this amount, as the consumer."""
        accepted = PriceAcceptance(amount_fen=amount_fen)
        return self._post(f"/prices/{contract}/{provider}/accept", PriceRecord, accepted)
