"""Permits: whether one stands now, and its revocation."""

from apiflask import APIBlueprint

from compute.market import IssuedPermit
from compute.permit import PermitStatus
from compute.signing import Signed
from compute.web.body import gives
from marketplace.api import render
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import Nonce

routes = APIBlueprint("permits", __name__, url_prefix="/permits")
routes.before_request(expire_due)


@routes.get("/<permit>/status")
@routes.input(Nonce, location="query", arg_name="query")
@gives(Signed[PermitStatus])
def status(permit: str, query: dict[str, str]) -> Signed[PermitStatus]:
    """Whether a permit stands now, signed by the marketplace over the asker's nonce."""
    return exchange().permit_status(actor(), permit, bytes.fromhex(query["nonce"]))


@routes.post("/<permit>/revoke")
@gives(IssuedPermit)
def revoke(permit: str) -> IssuedPermit:
    """Take a permit back for good. For its provider and the operator."""
    return render.permit(exchange().revoke_permit(actor(), permit))
