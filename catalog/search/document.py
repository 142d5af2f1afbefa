"""What finding needs of a version of a product beside its terms: what it is filtered and sorted by."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from catalog.search.terms import normalise


class Facet(StrEnum):
    """What products are narrowed down by; a product may have several values of a facet."""

    THEME = "theme"
    KIND = "kind"
    PROVIDER = "provider"
    GRADE = "grade"
    DELIVERY = "delivery"
    PRICE = "price"
    REFRESH = "refresh"


class Sort(StrEnum):
    """The orders of products. Equal ones stand in that of `NEWEST`."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    TITLE = "title"  # the Chinese one, by pinyin
    TITLE_EN = "title_en"
    PRICE = "price"  # free ones first, those to be negotiated last


Selection = Mapping[Facet, frozenset[str]]
"""The values that are asked for; several of one facet are alternatives."""


@dataclass(frozen=True)
class Document:
    """One version of a product. `number` is given when it is first listed, and only ever rises."""

    number: int
    is_listed: bool
    is_latest: bool
    """Of the listed versions of its product."""
    values: Mapping[Facet, tuple[str, ...]]
    title: bytes
    title_en: bytes
    price: int
    """What prices are sorted by: `price_key`."""


NEGOTIATED = (1 << 62) - 1
"""The price key of what is to be negotiated: behind every amount."""


KEY_BYTES = 96
"""So many bytes of a title are compared; of titles alike in them the newer goes first. A cursor holds them."""


def title_key(title: str) -> bytes:
    """Give what Chinese titles are sorted by: their first bytes in GB 18030.

    Its level 1, 3,755 characters of GB 2312-1980 that make up nearly all of running text, stands in the order of
    pinyin there; others follow by radical and stroke. Letters and digits go first.
    """
    return normalise(title).encode("gb18030")[:KEY_BYTES]


def title_en_key(title: str) -> bytes:
    """Give what English titles are sorted by: their code points, without case."""
    return normalise(title).encode()[:KEY_BYTES]
