"""``veilmart market catalog``: find products, and write the catalog down for other portals."""

import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import IO, cast

import click

from catalog.delivery import Delivery
from catalog.grade import Grade
from catalog.kind import ProductKind
from catalog.price import Plan
from catalog.search.document import Sort
from catalog.theme import Refresh, Theme
from compute.client.catalog import PAGE, Form
from veilmart.lazy import BilingualGroup
from veilmart.market.opening import config, cursor_option, json_option, open_market
from veilmart.market.showing import show_found


def _facet(name: str, values: type[StrEnum], text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give the option of a facet, which may stand several times."""
    return click.option(f"--{name}", multiple=True, type=click.Choice([each.value for each in values]), help=text)


@click.group(cls=BilingualGroup)
def catalog() -> None:
    """Find products by words and facets; export the catalog as DCAT.

    按关键词和分面查找产品;以 DCAT 导出目录。
    """


@catalog.command()
@config
@click.argument("text", default="")
@_facet("theme", Theme, "Theme. 主题,可多次。")
@_facet("kind", ProductKind, "Kind. 产品形态,可多次。")
@click.option("--provider", multiple=True, metavar="PARTY", help="Department. 提供部门,可多次。")
@_facet("grade", Grade, "Grade. 数据级别,可多次。")
@_facet("delivery", Delivery, "Delivery mode. 交付方式,可多次。")
@_facet("price", Plan, "Plan of the price. 计价方式,可多次。")
@_facet("refresh", Refresh, "How often it is renewed. 更新频率,可多次。")
@click.option("--sort", type=click.Choice([each.value for each in Sort]), help="Order. 排序。")
@click.option("--all-versions", is_flag=True, help="Earlier versions too. 包括较早版本。")
@cursor_option
@click.option(
    "--limit", type=click.IntRange(1, PAGE), default=20, show_default=True, help="Products. 每页产品数。"
)
@json_option
def search(
    *,
    config: Path,
    text: str,
    sort: str | None,
    all_versions: bool,
    cursor: str | None,
    limit: int,
    is_json: bool,
    **facets: Iterable[str],
) -> None:
    """Find listed products that have all words of TEXT, in Chinese or English; the last may be unfinished.

    查找含有全部关键词的已上架产品,中英文均可,最后一个词可不完整。

    Of an option given several times any value will do: --theme tourism --theme industry. 多次给出为“或”。
    """
    with open_market(config) as market:
        versions = "all" if all_versions else "latest"
        page = market.catalog.search(text, sort=sort, versions=versions, cursor=cursor, limit=limit, **facets)
    show_found(page, is_json=is_json)


@catalog.command()
@config
@click.option(
    "--format",
    "form",
    type=click.Choice(["turtle", "jsonld"]),
    default="turtle",
    show_default=True,
    help="Form. 格式。",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file. 输出文件(覆盖)。",
)
def export(*, config: Path, form: str, out: Path) -> None:
    """Write the whole catalog to a file, as DCAT-AP 3.0.1 in Turtle or JSON-LD.

    将整个目录以 DCAT-AP 3.0.1 写入文件,格式为 Turtle 或 JSON-LD。

    The file is written beside and takes its name once it is whole. 文件写完整后才改为所给文件名。
    """
    wanted = cast("Form", form)
    part = out.with_name(f"{out.name}.part")
    try:
        with open_market(config) as market, part.open("wb") as file:
            pages = _write(file, market.catalog.harvest(wanted), wanted)
        part.replace(out)
    except OSError as error:
        raise click.ClickException(f"{error.filename or out}: {error.strerror}; choose another place") from error
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"{out}: {pages} pages 页")


def _write(file: IO[bytes], pages: Iterable[bytes], form: Form) -> int:
    """Write pages as one document, one at a time, and give their number."""
    count = 0
    if form == "turtle":  # documents in Turtle, one after the other, are one
        for count, page in enumerate(pages, 1):  # noqa: B007 -- the last is the number
            file.write(page)
        return count
    between = b""
    for count, page in enumerate(pages, 1):
        document = json.loads(page)
        if count == 1:
            file.write(b'{"@context":' + _json(document["@context"]) + b',"@graph":[\n')
        for node in document["@graph"]:
            file.write(between + _json(node))
            between = b",\n"
    file.write(b"\n]}\n")
    return count


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
