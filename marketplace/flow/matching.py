"""Which products have fields like those that a demand wants, and why: words in common, counted.

    wanted "缴费人数"     → 缴费 费人 人数
    field  "参保缴费人数"  → 参保 保缴 缴费 费人 人数        3 of 3: 1000 permille

A word or pair of characters in the field's own name, meaning or unit counts whole, one in the product's title only
half, and at least one has to be the field's own. English words match by their beginning, from four letters on, so
that plurals do. A type other than wanted halves the score.
"""

from collections.abc import Iterable, Sequence

from catalog.errors import SearchError
from catalog.field import Field
from catalog.product import Product
from catalog.search.terms import index_terms, query_terms
from compute.market.demands import DemandRequest, FieldMatch, Match, WantedField
from marketplace.errors import InvalidError

LEAST = 300
"""Permille: a wanted field with less is not met."""
LEAST_OF_ALL = 200
"""Permille of the mean: a product with less does not match."""
_BEGINNING = 4
"""Letters from which on a word matches by its beginning."""
_MARKS = "=^"


def terms_of(wanted: WantedField) -> tuple[str, ...]:
    """Give the terms of what is wanted; raise `InvalidError` if it has no word."""
    try:
        found = query_terms(f"{wanted.words} ")  # the space: its last word is whole
    except SearchError as error:
        raise InvalidError(
            f"the wanted field {wanted.words!r}: {error}", "write it in words", {"fields": str(error)}
        ) from error
    return tuple(f"^{term[1:]}" if term[0] == "=" and len(term) > _BEGINNING else term for term in found)


def match(demand: DemandRequest, product: Product) -> Match | None:
    """Give how a product meets a demand; None if it hardly does."""
    title = index_terms(" ".join((product.title.zh, product.title.en)))
    fields = [(each, index_terms("\n".join(_words(each)))) for each in product.fields if each is not product.key]
    met = [found for wanted in demand.fields if (found := _best(wanted, fields, title)) is not None]
    permille = sum(each.permille for each in met) // len(demand.fields)
    if permille < LEAST_OF_ALL:
        return None
    return Match(
        provider=product.provider,
        product=product.id,
        version=product.version,
        title_zh=product.title.zh,
        title_en=product.title.en,
        permille=permille,
        fields=tuple(met),
    )


def ranked(matches: Iterable[Match]) -> list[Match]:
    """Give the matches, the best first; of equal ones by provider, product and version."""
    return sorted(matches, key=lambda each: (-each.permille, each.provider, each.product, each.version))


def _best(
    wanted: WantedField, fields: Sequence[tuple[Field, frozenset[str]]], title: frozenset[str]
) -> FieldMatch | None:
    terms = terms_of(wanted)
    scored = [_scored(wanted, terms, field, own, title) for field, own in fields]
    best = max(scored, key=lambda each: each.permille, default=None)  # the first of equal ones
    return best if best is not None and best.permille >= LEAST else None


def _scored(
    wanted: WantedField, terms: Sequence[str], field: Field, own: frozenset[str], title: frozenset[str]
) -> FieldMatch:
    common = [term for term in terms if term in own]
    halves = 2 * len(common) + sum(term in title for term in terms if term not in own) if common else 0
    permille = halves * 1000 // (2 * len(terms))
    fits = None if wanted.field_type is None else wanted.field_type is field.type
    return FieldMatch(
        wanted=wanted.words,
        field=field.name,
        permille=permille // 2 if fits is False else permille,
        terms=tuple(term.lstrip(_MARKS) for term in common),
        type_fits=fits,
    )


def _words(field: Field) -> Iterable[str]:
    yield field.name
    for text in (field.meaning, field.unit):
        if text is not None:
            yield from (text.zh, text.en)
