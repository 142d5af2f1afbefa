"""``veilmart market mandate``: what an authority lets the operator charge for public data."""

from pathlib import Path

import click

from compute.market.mandates import MandateRequest
from veilmart.lazy import BilingualGroup
from veilmart.market import money_tables
from veilmart.market.opening import config, echo_json, json_option, open_market
from veilmart.market.product_tables import console
from veilmart.market.request_files import file_argument, read_request

_MANDATE = click.argument("name")


@click.group("mandate", cls=BilingualGroup)
def mandate() -> None:
    """Enter and read mandates of public data: ceilings of prices, and of a year's revenue.

    公共数据授权运营:上限收费标准与最高准许收入的登记和查看。
    """


@mandate.command()
@config
@file_argument
def enter(*, config: Path, file: Path) -> None:
    """Enter the mandate that a file in TOML describes, as an authority.

    授权主体登记授权运营(TOML 文件)。
    """
    terms = read_request(file, MandateRequest)
    with open_market(config) as market:
        made = market.mandates.enter(terms)
    console().print(*money_tables.mandate(made), sep="\n")


@mandate.command("list")
@config
def listed(*, config: Path) -> None:
    """List all mandates.

    列出全部授权运营。
    """
    with open_market(config) as market:
        found = list(market.mandates.all())
    console().print(money_tables.mandates(found))


@mandate.command()
@config
@json_option
@_MANDATE
def show(*, config: Path, is_json: bool, name: str) -> None:
    """Show a mandate with its ceilings.

    查看授权运营及其上限收费标准。
    """
    with open_market(config) as market:
        found = market.mandates.load(name)
    if is_json:
        echo_json(found)
    else:
        console().print(*money_tables.mandate(found), sep="\n")


@mandate.command()
@config
@_MANDATE
@click.option("--reason", required=True, help="Why. 理由。")
def end(*, config: Path, name: str, reason: str) -> None:
    """End a mandate before its time, as its authority: no fee is charged from then on.

    授权主体提前终止授权运营;此后不得收费。
    """
    with open_market(config) as market:
        made = market.mandates.end(name, reason)
    console().print(*money_tables.mandate(made), sep="\n")


@mandate.command()
@config
@_MANDATE
@click.argument("year", type=click.IntRange(2000, 2099))
def revenue(*, config: Path, name: str, year: int) -> None:
    """Say what was charged under a mandate in a year, of how much it may be.

    查看某年度已计收入与最高准许收入。
    """
    with open_market(config) as market:
        found = market.mandates.revenue(name, year)
    click.echo(f"{money_tables.yuan(found.charged_fen)} / {money_tables.yuan(found.revenue_cap_fen)}")
