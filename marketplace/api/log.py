"""The transparency log over HTTPS, as C2SP tlog-tiles: open to everybody, for an entry names no person.

Nothing here is signed as a request or an answer: entries are signed by their nodes, checkpoints by the log, and
all else is proven by them. So whoever holds the policy verifies without an account, and a cache may stand before.
"""

from collections.abc import Sequence

import flask
from apiflask import APIBlueprint

from audit.checkpoint import parse as parse_checkpoint
from audit.entry import Entry, parse
from audit.errors import MissingError
from audit.tile import bundle_split
from audit.verifying.files import LogFiles
from audit.witness import MAX_REQUEST
from compute.market.log import EntryIndices
from compute.web.access import public
from compute.web.body import Form, Raw, answers, gives, takes
from marketplace.api.context import exchange, publication
from marketplace.errors import missing

IMMUTABLE = "public, max-age=31536000, immutable"
"""A tile and a bundle never change, partial ones neither: a longer one has another path."""
FOR_A_SECOND = "public, max-age=1"
TEXT, OCTETS = "text/plain; charset=utf-8", "application/octet-stream"
NOTE = Raw("text/plain")

routes = APIBlueprint("log", __name__, url_prefix="/log")


def _entries(bundle: bytes) -> Sequence[Entry]:
    return [parse(each) for each in bundle_split(bundle)]


ENTRIES: Form[Sequence[Entry]] = Form(OCTETS, _entries, bytes)
"""1 to 256 entries in the form of an entry bundle."""


@routes.post("/entries")
@public
@takes(ENTRIES)
@gives(EntryIndices, 201)
def append(entries: Sequence[Entry]) -> EntryIndices:
    """Record events that one node has signed, durably, all or none; a retry gets the same indices."""
    return EntryIndices(indices=tuple(exchange().append_events(entries)))


@routes.get("/checkpoint")
@public
@answers({200: NOTE})
def checkpoint() -> flask.Response:
    """The newest checkpoint with a quorum of witnesses; before the first such, the newest that the log signed."""
    return _text(exchange().log.published().encode())


@routes.get("/candidate")
@public
@answers({200: NOTE})
def candidate() -> flask.Response:
    """The checkpoint that waits for witnesses, with the cosignatures so far: what they fetch and cosign."""
    return _text(exchange().log.candidate().encode())


@routes.post("/cosignatures")
@public
@answers({200: NOTE, 400: None, 413: None})
def cosignatures() -> flask.Response:
    """Hand in the candidate with cosignatures of witnesses: what a witness has cosigned that nobody asked.

    It is a signed note. 200 with the candidate as it stands then.
    """
    flask.request.max_content_length = MAX_REQUEST
    publication().add_cosignatures(parse_checkpoint(flask.request.get_data()))
    return _text(exchange().log.candidate().encode())


@routes.get("/receipts/<int:index>")
@public
@answers({200: NOTE})
def receipt(index: int) -> flask.Response:
    """The receipt of an entry (C2SP tlog-proof): under the checkpoint with a quorum if it covers the entry."""
    log = exchange().log
    published = log.published()
    found = log.receipt(index, published if index < published.size else None)
    return _text(found.encode())


@routes.get("/<path:path>")
@public
@answers({200: Raw(OCTETS)})
def tile(path: str) -> flask.Response:
    """A tile `tile/L/N[.p/W]` or an entry bundle `tile/entries/N[.p/W]`."""
    try:
        data = LogFiles(exchange().log).read(path)
    except MissingError as error:
        raise missing("tile", path) from error
    return _cached(data, OCTETS, IMMUTABLE)


def _text(data: bytes) -> flask.Response:
    return _cached(data, TEXT, FOR_A_SECOND)


def _cached(data: bytes, content_type: str, how_long: str) -> flask.Response:
    return flask.Response(data, content_type=content_type, headers={"Cache-Control": how_long})
