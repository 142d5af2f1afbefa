"""Prices of applications and contracts: offered and accepted where they are negotiated, fixed with the draft."""

from apiflask import APIBlueprint

from compute.market.prices import ContractPrices, PriceAcceptance, PriceOfferRequest, PriceRecord
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render_market
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import Under

routes = APIBlueprint("prices", __name__, url_prefix="/prices")
routes.before_request(expire_due)


@routes.get("/<contract>")
@needs("price:read")
@routes.input(Under, location="query", arg_name="query")
@gives(ContractPrices)
def prices(contract: str, query: dict[str, str | None]) -> ContractPrices:
    """The prices under a contract or application: all for its consumer and the offices, a provider its own."""
    found = exchange().prices.of(actor(), contract, query["case"])
    return ContractPrices(contract=contract, prices=tuple(map(render_market.price, found)))


@routes.post("/<contract>/offer")
@needs("price:offer")
@takes(form(PriceOfferRequest))
@gives(PriceRecord)
def offer(request: PriceOfferRequest, contract: str) -> PriceRecord:
    """Offer one's own part for an amount, where its price is negotiated. For a provider of the application."""
    return render_market.price(exchange().prices.offer(actor(), contract, request.amount_fen))


@routes.post("/<contract>/<provider>/accept")
@needs("price:accept")
@takes(form(PriceAcceptance))
@gives(PriceRecord)
def accept(request: PriceAcceptance, contract: str, provider: str) -> PriceRecord:
    """Accept a provider's offer, by the amount that was read. For the application's consumer."""
    return render_market.price(exchange().prices.accept(actor(), contract, provider, request.amount_fen))
