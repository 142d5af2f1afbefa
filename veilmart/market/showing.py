"""What was found, on a terminal: in both languages, or in JSON."""

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.vocabulary import identifiers
from compute.canonical import encode
from compute.market.product_search import FacetCounts, FacetValue, FoundProducts, PriceTag
from veilmart.market.opening import echo_next
from veilmart.market.tables import add, table

TABLE_WIDTH = 120
"""Characters, where the output is no terminal, which has a width of its own."""
_VOCABULARIES = {"kind": "product_kind", "price": "plan"}
_FACETS = {
    "theme": "主题 Theme",
    "kind": "形态 Kind",
    "provider": "部门 Department",
    "grade": "级别 Grade",
    "delivery": "交付 Delivery",
    "price": "计价 Price",
    "refresh": "更新 Refresh",
}


def show_found(page: FoundProducts, *, is_json: bool) -> None:
    """Print a page of products, the facets with their counts, and how to go on."""
    if is_json:
        click.echo(encode(page))
        return
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, TABLE_WIDTH)
    console.print(_products(page))
    for facet in page.facets:
        if facet.values:
            console.print(Text(f"{_FACETS.get(facet.facet, facet.facet)}: {_counted(facet)}"))
    click.echo(f"{page.total} products 个产品")
    echo_next(page.next)


def _products(page: FoundProducts) -> Table:
    made = table("产品 Product", "名称 Title", "主题 Theme", "级别 Grade", "交付 Delivery", "价格 Price")
    for card in page.items:
        cells = (
            f"{card.provider}\n{card.product} {card.version}",
            f"{card.title.zh}\n{card.title.en}",
            "—" if card.theme is None else _label("theme", card.theme),
            _label("grade", card.grade),
            "\n".join(_label("delivery", mode) for mode in card.delivery),
            _price(card.price),
        )
        add(made, *cells)
    return made


def _counted(facet: FacetCounts) -> str:
    return ", ".join(f"{_called(facet.facet, each)}{each.value} {each.products}" for each in facet.values)


def _called(facet: str, each: FacetValue) -> str:
    """Give what a value is called, to stand before it; nothing for a department that has told no title."""
    if facet != "provider":
        return f"{_label(facet, each.value)} "
    return "" if each.title is None or each.title.zh == each.value else f"{each.title.zh} {each.title.en} "


def _price(price: PriceTag | None) -> str:
    if price is None:
        return "—"
    amount = "" if price.amount_fen is None else f" ¥{price.amount_fen // 100}.{price.amount_fen % 100:02d}"
    return f"{_label('price', price.plan)}{amount}"


def _label(facet: str, value: str) -> str:
    """Give what a value is called in Chinese; one that a later version of the marketplace has, as it is."""
    labels = identifiers(_VOCABULARIES.get(facet, facet))
    return labels[value].zh if value in labels else value
