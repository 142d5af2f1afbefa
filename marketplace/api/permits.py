"""Permits: whether one stands now, and its revocation."""

from apiflask import APIBlueprint

from compute.market.contracts import IssuedPermit
from compute.market.reasons import Why
from compute.permit import PermitStatus
from compute.signing import Signed
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import Nonce
from marketplace.api.waiting import may_wait

routes = APIBlueprint("permits", __name__, url_prefix="/permits")
routes.before_request(expire_due)


@routes.get("/<permit>/status")
@needs("permit:status")
@routes.input(Nonce, location="query", arg_name="query")
@gives(Signed[PermitStatus])
def status(permit: str, query: dict[str, str]) -> Signed[PermitStatus]:
    """Whether a permit stands now, signed by the marketplace over the asker's nonce."""
    return exchange().permits.status(actor(), permit, bytes.fromhex(query["nonce"]))


@routes.post("/<permit>/revoke")
@needs("permit:revoke")
@takes(form(Why))
@may_wait
@gives(IssuedPermit)
def revoke(why: Why, permit: str) -> IssuedPermit:
    """Take a permit back for good. For its provider and the operator."""
    return render.permit(exchange().permits.revoke(actor(), permit, why))
