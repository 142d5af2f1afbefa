"""Receipts of subjects' decisions, for whoever has the verification code. Open to everybody."""

from apiflask import APIBlueprint

from compute.market.consent_requests import ReceiptStanding
from compute.web.access import public
from compute.web.body import gives
from marketplace.api.context import exchange

routes = APIBlueprint("receipts", __name__, url_prefix="/consent-receipts")


@routes.get("/<code>")
@public
@gives(ReceiptStanding)
def receipt(code: str) -> ReceiptStanding:
    """A receipt as the marketplace signed it, by its verification code, and what became of the consent."""
    signed, standing, _ = exchange().consent_requests.receipt(code)
    return ReceiptStanding(receipt=signed, standing=standing)
