"""``veilmart market demand``: say what you need, see what matches, answer others."""

from pathlib import Path

import click

from compute.market.demands import CloseReason, DemandRecord, DemandRequest, ResponseRequest
from veilmart.lazy import BilingualGroup
from veilmart.market import money_tables
from veilmart.market.opening import config, cursor_option, echo_json, echo_next, json_option, open_market
from veilmart.market.product_tables import console
from veilmart.market.request_files import file_argument, read_request

_STATES = ("draft", "posted", "answered", "closed", "expired")
_DEMAND = click.argument("name")


@click.group("demand", cls=BilingualGroup)
def demand() -> None:
    """Post what data you need, see which products match, answer others' demands.

    发布数据需求,查看匹配产品,应答他人需求。
    """


@demand.command()
@config
@file_argument
@click.option("--draft", "is_draft", is_flag=True, help="Keep it as a draft. 只存草稿。")
def post(*, config: Path, file: Path, is_draft: bool) -> None:
    """Post the demand that a file in TOML describes, and show which products match.

    发布需求(TOML 文件),并列出匹配产品。

    FILE is like examples/market/demand.toml. 文件示例见该处。
    """
    wanted = read_request(file, DemandRequest)
    with open_market(config) as market:
        made = market.demands.write(wanted)
        if not is_draft:
            made = market.demands.post(made.demand)
        found = market.demands.matches(made.demand)
    console().print(*money_tables.demand(made), money_tables.matches(found), sep="\n")


@demand.command()
@config
@_DEMAND
@file_argument
@click.option("--revision", required=True, help="Of the draft that was read. 所读草稿的修订号。")
def edit(*, config: Path, name: str, file: Path, revision: str) -> None:
    """Replace a draft.

    修改草稿。
    """
    wanted = read_request(file, DemandRequest)
    with open_market(config) as market:
        _print(market.demands.edit(name, wanted, revision), is_json=False)


@demand.command()
@config
@_DEMAND
def publish(*, config: Path, name: str) -> None:
    """Post a draft.

    发布草稿。
    """
    with open_market(config) as market:
        _print(market.demands.post(name), is_json=False)


@demand.command("list")
@config
@json_option
@click.option("--state", type=click.Choice(_STATES), help="Those in this state. 状态。")
@click.option("--own", "own_only", is_flag=True, help="Only your own. 仅本机构。")
@cursor_option
def listed(*, config: Path, is_json: bool, state: str | None, own_only: bool, cursor: str | None) -> None:
    """List the demands that you may see, the newest first.

    列出可见的需求。
    """
    with open_market(config) as market:
        page = market.demands.page(cursor, state=state, own_only=own_only)
    if is_json:
        echo_json(page)
        return
    console().print(money_tables.demands(page))
    echo_next(page.next)


@demand.command()
@config
@json_option
@_DEMAND
def show(*, config: Path, is_json: bool, name: str) -> None:
    """Show a demand.

    查看需求。
    """
    with open_market(config) as market:
        _print(market.demands.load(name), is_json=is_json)


@demand.command()
@config
@json_option
@_DEMAND
def matches(*, config: Path, is_json: bool, name: str) -> None:
    """Show the products whose fields match best, and why.

    查看匹配的产品及依据。
    """
    with open_market(config) as market:
        found = market.demands.matches(name)
    if is_json:
        echo_json(found)
    else:
        console().print(money_tables.matches(found))


@demand.command()
@config
@_DEMAND
@click.option("--product", help="Your own listed product. 本机构已上架产品。")
@click.option("--product-version", help="Its version. 产品版本。")
@click.option("--text", help="In words. 文字说明。")
def answer(*, config: Path, name: str, product: str | None, product_version: str | None, text: str | None) -> None:
    """Answer a demand with a listed product of your own, a text, or both.

    应答需求:以本机构已上架产品、文字或两者。
    """
    try:
        said = ResponseRequest(product=product, product_version=product_version, text=text)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with open_market(config) as market:
        made = market.demands.answer(name, said)
    click.echo(f"{name}  #{made.number}")


@demand.command()
@config
@_DEMAND
def answers(*, config: Path, name: str) -> None:
    """Show the answers: all to your own demand, else your own.

    查看应答。
    """
    with open_market(config) as market:
        console().print(money_tables.responses(market.demands.answers(name)))


@demand.command()
@config
@_DEMAND
@click.option("--stop", "is_stop", is_flag=True, help="Follow it no more. 取消关注。")
def follow(*, config: Path, name: str, is_stop: bool) -> None:
    """Be told of what becomes of a demand.

    关注需求。
    """
    with open_market(config) as market:
        made = market.demands.unfollow(name) if is_stop else market.demands.follow(name)
    _print(made, is_json=False)


@demand.command()
@config
@_DEMAND
@click.option(
    "--reason", type=click.Choice([each.value for each in CloseReason]), required=True, help="Why. 关闭事由。"
)
@click.option("--response", type=click.IntRange(1), help="The answer that satisfied it. 满足需求的应答编号。")
def close(*, config: Path, name: str, reason: str, response: int | None) -> None:
    """Close a demand.

    关闭需求。
    """
    with open_market(config) as market:
        _print(market.demands.close(name, CloseReason(reason), response), is_json=False)


def _print(found: DemandRecord, *, is_json: bool) -> None:
    if is_json:
        echo_json(found)
    else:
        console().print(*money_tables.demand(found), sep="\n")
