"""Small products in two languages, as descriptions and as listings."""

from catalog.description import parse_product
from marketplace.flow.product import Listing
from marketplace.flow.states import ProductState

_FIELDS = """
[[fields]]
name = "uscc"
type = "key"
grade = "general_1"
meaning = { zh = "企业代码", en = "Code of the business" }
[[fields]]
name = "%s"
type = "text"
grade = "%s"
meaning = { zh = "%s", en = "%s" }
"""


def description(  # noqa: PLR0913 -- what a description has
    name: str,
    zh: str = "产品",
    en: str = "Product",
    *,
    provider: str = "market-regulation",
    version: str = "1.0.0",
    field: tuple[str, str, str] = ("value", "取值", "Value"),
    summary: tuple[str, str] | None = None,
    grade: str = "general_2",
    kind: str = "dataset",
    delivery: tuple[str, ...] = ("encrypted",),
    theme: str | None = "industry",
    refresh: str | None = None,
    price: str | None = None,
) -> str:
    lines = [
        f'id = "{name}"',
        f'provider = "{provider}"',
        f'version = "{version}"',
        f'kind = "{kind}"',
        f'grade = "{grade}"',
        f"delivery = {list(delivery)}",
        f'title = {{ zh = "{zh}", en = "{en}" }}',
    ]
    lines += [] if theme is None else [f'theme = "{theme}"']
    lines += [] if refresh is None else [f'refresh = "{refresh}"']
    lines += [] if price is None else [f"price = {price}"]
    lines += [] if summary is None else [f'summary = {{ zh = "{summary[0]}", en = "{summary[1]}" }}']
    return "\n".join(lines) + _FIELDS % (field[0], grade, *field[1:])


def listing(text: str, state: ProductState = ProductState.LISTED) -> Listing:
    return Listing(parse_product(text.encode()), text, state)
