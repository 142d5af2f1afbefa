"""``veilmart market resource``: what the registrar did to the data resources that products come from."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from compute.market.resources import ResourceChange, ResourceEntry, ResourcePage, ResourceRecord
from veilmart.lazy import BilingualGroup
from veilmart.market import product_tables
from veilmart.market.opening import config, cursor_option, echo_json, json_option, open_market

R = TypeVar("R", ResourceEntry, ResourceChange)
_CODE = click.argument("code")
_PROVIDER = click.argument("provider")


def _registration(command: Callable[..., None]) -> Callable[..., None]:
    """Add the registrar's words: name, first and last day."""
    for option in (
        click.option("--until", "last_day", metavar="YYYY-MM-DD", help="Last day; none: no end. 有效期至。"),
        click.option("--from", "first_day", metavar="YYYY-MM-DD", required=True, help="First day. 有效期自。"),
        click.option("--name", required=True, help="The registrar's name of it. 登记名称。"),
    ):
        command = option(command)
    return command


@click.group("resource", cls=BilingualGroup)
def resource() -> None:
    """Enter data resources as their registrar has them.

    录入登记机构登记的数据资源。
    """


@resource.command()
@config
@_CODE
@_registration
@click.option(
    "--state",
    type=click.Choice(["registered", "changed", "corrected"]),
    default="registered",
    show_default=True,
    help="What the registrar did last. 登记状态。",
)
def enter(*, config: Path, code: str, name: str, first_day: str, last_day: str | None, state: str) -> None:
    """Enter a resource under the registrar's number.

    按登记结果查询码录入数据资源。
    """
    members = {"code": code, "name": name, "state": state, "first_day": first_day, "last_day": last_day}
    entry = _made(members, ResourceEntry)
    with open_market(config) as market:
        _say(market.resources.enter(entry))


@resource.command("list")
@config
@json_option
@cursor_option
def listed(*, config: Path, is_json: bool, cursor: str | None) -> None:
    """List one's own resources; the operator's list has all.

    列出本机构的数据资源;运营机构可见全部。
    """
    with open_market(config) as market:
        page = market.resources.page(cursor)
    if is_json:
        echo_json(page)
        return
    more = () if page.next is None else (f"--cursor {page.next}",)
    product_tables.console().print(product_tables.resources(page), *more, sep="\n")


@resource.command()
@config
@_PROVIDER
@_CODE
@_registration
def change(*, config: Path, provider: str, code: str, name: str, first_day: str, last_day: str | None) -> None:
    """Enter that the registrar changed or renewed it.

    录入变更或续期。
    """
    entry = _made({"name": name, "first_day": first_day, "last_day": last_day}, ResourceChange)
    with open_market(config) as market:
        _say(market.resources.change(provider, code, entry))


@resource.command()
@config
@_PROVIDER
@_CODE
@_registration
def correct(*, config: Path, provider: str, code: str, name: str, first_day: str, last_day: str | None) -> None:
    """Enter that the registrar corrected it.

    录入更正。
    """
    entry = _made({"name": name, "first_day": first_day, "last_day": last_day}, ResourceChange)
    with open_market(config) as market:
        _say(market.resources.correct(provider, code, entry))


@resource.command()
@config
@_PROVIDER
@_CODE
def cancel(*, config: Path, provider: str, code: str) -> None:
    """Enter that the registrar cancelled it: what comes from it is suspended.

    录入注销:来源于它的产品随即暂停。
    """
    with open_market(config) as market:
        _say(market.resources.cancel(provider, code))


def _made(members: dict[str, str | None], expected: type[R]) -> R:
    try:
        return msgspec.convert(members, expected)
    except msgspec.ValidationError as error:
        raise click.UsageError(f"{error}") from error


def _say(record: ResourceRecord) -> None:
    page = ResourcePage(items=(record,), next=None)
    product_tables.console().print(product_tables.resources(page))
