"""What becomes of the rows of revision 0002 in 0003, and back; written against the columns of then, for ever."""

import tomllib
from collections.abc import Iterator

import sqlalchemy as sa

from audit.storage.tables import Big

_TERM = 20 * 24 * 3600 * 1000
"""For which a dispute waits for its answer: milliseconds."""
_NOUN = "dispute"
_WERE_LISTED = ("listed", "suspended", "delisted")

_products = sa.table(
    "products", *(sa.column(name, sa.Text) for name in ("provider", "id", "version", "state", "description"))
)
_OF = ("provider", "id", "version", "source_provider", "source_id", "source_version")
_sources = sa.table("product_sources", *(sa.column(name, sa.Text) for name in _OF))
_disputes = sa.table(
    "disputes",
    *(sa.column(name, sa.Text) for name in ("number", "contract", "respondent", "state")),
    sa.column("due", Big),
)
_deadlines = sa.table(
    "deadlines",
    *(sa.column(name, sa.Text) for name in ("noun", "name", "holder", "contract")),
    *(sa.column(name, Big) for name in ("started", "due", "term", "level")),
)


def link_sources(connection: sa.Connection) -> None:
    """Write down which versions that were ever listed were derived from which, as their descriptions say."""
    query = sa.select(_products).where(_products.c.state.in_(_WERE_LISTED))
    rows = connection.execute(query.order_by(_products.c.provider, _products.c.id, _products.c.version)).all()
    there = {(row.provider, row.id, row.version) for row in rows}
    made = [
        dict(zip(_OF, (row.provider, row.id, row.version, *source), strict=True))
        for row in rows
        for source in _named(row.description)
        if source in there
    ]
    if made:
        connection.execute(sa.insert(_sources), made)


def _named(description: str) -> Iterator[tuple[str, str, str]]:
    for source in tomllib.loads(description).get("derivation", {}).get("sources", ()):
        yield source["provider"], source["product"], source["version"]


def start_clocks(connection: sa.Connection) -> None:
    """Have each dispute that waits for an answer wait among what is due."""
    waiting = sa.select(_disputes).where(_disputes.c.state == "opened").order_by(_disputes.c.number)
    made = [
        {
            "noun": _NOUN,
            "name": row.number,
            "holder": row.respondent,
            "contract": row.contract,
            "started": row.due - _TERM,
            "due": row.due,
            "term": _TERM,
            "level": 0,
        }
        for row in connection.execute(waiting)
    ]
    if made:
        connection.execute(sa.insert(_deadlines), made)


def stop_clocks(connection: sa.Connection) -> None:
    """Take them out again."""
    connection.execute(sa.delete(_deadlines).where(_deadlines.c.noun == _NOUN))
