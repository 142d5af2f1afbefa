"""API keys: for the programs of one's own organisation."""

from typing import Any

from apiflask import APIBlueprint

from compute.market.members import IssuedKey, KeyDraft, KeyRecord, Keys
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange
from marketplace.api.queries import Page
from marketplace.store.paging import decode_cursor, encode_cursor

routes = APIBlueprint("api_keys", __name__, url_prefix="/api-keys")


@routes.post("")
@needs("api_key:issue")
@takes(form(KeyDraft))
@gives(IssuedKey, 201)
def issue(draft: KeyDraft) -> IssuedKey:
    """Issue a key with part of one's own permissions; the answer has its secret, once."""
    key, secret = exchange().api_keys.issue(actor(), draft.label, draft.permissions, draft.days)
    return IssuedKey(record=render.key(key), secret=secret)


@routes.get("")
@needs("api_key:list")
@routes.input(Page, location="query", arg_name="query")
@gives(Keys)
def keys(query: dict[str, Any]) -> Keys:
    """The keys of one's own organisation, by id."""
    after = "" if query["cursor"] is None else str(decode_cursor(query["cursor"], str)[0])
    items = tuple(map(render.key, exchange().api_keys.page(actor(), after, query["limit"])))
    return Keys(items=items, next=encode_cursor([items[-1].key]) if len(items) == query["limit"] else None)


@routes.post("/<key>/revoke")
@needs("api_key:revoke")
@gives(KeyRecord)
def revoke(key: str) -> KeyRecord:
    """End a key. For an administrator."""
    return render.key(exchange().api_keys.revoke(actor(), key))
