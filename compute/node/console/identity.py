"""Identity: the node's own record, signed by its key, for the operator to enrol."""

from typing import Any

from apiflask import APIBlueprint

from compute.node.site import Site
from compute.records import PartyRecord
from compute.signing import Signed, sign
from compute.web.body import gives


def routes(site: Site[Any]) -> APIBlueprint:
    """Give the routes of any node."""
    made = APIBlueprint("identity", __name__)
    settings = site.settings
    record = PartyRecord(
        name=settings.name,
        kind=settings.kind,
        public_key=site.key.public_key().public_bytes_raw(),
        base_url=settings.public_url,
    )

    @made.get("/identity")
    @gives(Signed[PartyRecord])
    def identity() -> Signed[PartyRecord]:
        """The party's record, signed by it: the application that the operator enrols."""
        return sign(record, settings.name, site.key)

    return made
