"""Finding products, and the catalog as other portals read it."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from compute.client.base import Noun
from compute.market.product_search import FoundProducts, ProductCard
from compute.web.errors import ResponseError

PAGE = 100
Form = Literal["turtle", "jsonld"]

_PATHS: dict[Form, str] = {"turtle": "/catalog.ttl", "jsonld": "/catalog.jsonld"}
_NEXT = re.compile(rb"^ +hydra:next <([^<>\s]+)>", re.MULTILINE)


class Catalog(Noun):
    """The public catalog."""

    def search(
        self,
        text: str | None = None,
        *,
        sort: str | None = None,
        versions: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        **facets: Iterable[str],
    ) -> FoundProducts:
        """Give a page of the listed products that have all words of a text, and facets with counts.

        `facets` are theme, kind, provider, grade, delivery, price and refresh, each with the values to choose
        from; `sort` is relevance, newest, title, title_en or price; `versions` is latest or all.
        """
        asked = {"text": text, "sort": sort, "versions": versions, "cursor": cursor, "limit": limit}
        given = {name: value for name, value in asked.items() if value is not None}
        values = {name: list(wanted) for name, wanted in facets.items()}
        return self._get(f"/products?{urlencode(given | values, doseq=True)}", FoundProducts)

    def all(
        self, text: str | None = None, *, versions: str | None = None, **facets: Iterable[str]
    ) -> Iterator[ProductCard]:
        """Give every product that is found, page after page, the newest first."""
        cursor = None
        while True:
            page = self.search(text, sort="newest", versions=versions, cursor=cursor, limit=PAGE, **facets)
            yield from page.items
            if (cursor := page.next) is None:
                return

    def harvest(self, form: Form, limit: int = PAGE) -> Iterator[bytes]:
        """Give the whole catalog as DCAT, page after page, each a document of its own.

        Raises ResponseError for a page that leads to one that was there already, which would never end.
        """
        cursor: str | None = None
        seen: set[str | None] = set()
        while cursor not in seen:
            seen.add(cursor)
            page = self._bytes(_PATHS[form], limit=limit, cursor=cursor)
            yield page
            following = _next(page, form)
            if following is None:
                return
            cursor = parse_qs(urlsplit(following).query).get("cursor", [None])[0]
        raise ResponseError(f"the catalog leads from page {len(seen)} back to an earlier one; ask its operator")


def _next(page: bytes, form: Form) -> str | None:
    """Give the address of the next page, which a page says in the words of Hydra."""
    if form == "turtle":
        found = _NEXT.search(page)
        return None if found is None else found[1].decode()
    try:
        nodes = json.loads(page)["@graph"]
        addresses = [node["hydra:next"]["@id"] for node in nodes if "hydra:next" in node]
    except (ValueError, KeyError, TypeError) as error:
        raise ResponseError(f"the marketplace answered with something else than a catalog: {error!r}") from error
    return addresses[0] if addresses else None
