"""``veilmart market price``: see, offer and accept the prices of one contract."""

from pathlib import Path

import click

from catalog.price import MAX_FEN
from veilmart.lazy import BilingualGroup
from veilmart.market import money_tables
from veilmart.market.opening import config, echo_json, json_option, open_market
from veilmart.market.product_tables import both, console

_AMOUNT = click.option(
    "--amount", "amount_fen", type=click.IntRange(1, MAX_FEN), required=True, help="In whole fen. 金额,单位分。"
)
_CONTRACT = click.argument("contract")


@click.group("price", cls=BilingualGroup)
def price() -> None:
    """See what a contract's data cost; offer and accept a price that is negotiated.

    查看合约价格;协商计价的,报价和接受报价。
    """


@price.command()
@config
@json_option
@_CONTRACT
def show(*, config: Path, is_json: bool, contract: str) -> None:
    """Show the prices under an application or contract.

    查看使用申请或合约的价格。
    """
    with open_market(config) as market:
        found = market.prices.of(contract)
    if is_json:
        echo_json(found)
    else:
        console().print(money_tables.prices(found))


@price.command()
@config
@_AMOUNT
@_CONTRACT
def offer(*, config: Path, contract: str, amount_fen: int) -> None:
    """Offer your own part of an application for an amount, as a provider.

    数据提供方报价(整个合约期的总价)。
    """
    with open_market(config) as market:
        made = market.prices.offer(contract, amount_fen)
    click.echo(f"{contract}  {money_tables.yuan(made.amount_fen)}  {both('price_state', made.state)}")


@price.command()
@config
@_AMOUNT
@_CONTRACT
@click.argument("provider")
def accept(*, config: Path, contract: str, provider: str, amount_fen: int) -> None:
    """Accept a provider's offer of this amount, as the consumer.

    数据使用方接受报价;金额须与所读报价一致。
    """
    with open_market(config) as market:
        made = market.prices.accept(contract, provider, amount_fen)
    click.echo(f"{contract}  {provider}  {money_tables.yuan(made.amount_fen)}  {both('price_state', made.state)}")
