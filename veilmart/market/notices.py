"""``veilmart market notice`` and ``veilmart market webhook``: what one is told, and where else than here."""

from datetime import datetime
from pathlib import Path
from typing import Literal, cast

import click

from catalog.vocabulary import identifiers
from compute.market.notices import NoticePreference, NoticePreferenceRecord
from marketplace.flow.working_days import SHANGHAI
from veilmart.lazy import BilingualGroup
from veilmart.market.opening import config, cursor_option, echo_json, echo_next, json_option, open_market
from veilmart.market.product_tables import both

_TOPICS = click.option(
    "--topic",
    "topics",
    multiple=True,
    type=click.Choice(list(identifiers("topic"))),
    help="Again for more. 事由,可重复。",
)


@click.group("notice", cls=BilingualGroup)
def notice() -> None:
    """Read what you are told, and choose what comes by e-mail too.

    查看通知,选择由电子邮件送达的事由。
    """


@notice.command("list")
@config
@json_option
@click.option("--unread", is_flag=True, help="Only what is not read. 仅未读。")
@cursor_option
def listed(*, config: Path, is_json: bool, unread: bool, cursor: str | None) -> None:
    """List notices, the newest first.

    列出通知,最新在前。
    """
    with open_market(config) as market:
        page = market.notices.page(cursor, unread=unread)
    if is_json:
        echo_json(page)
        return
    for each in page.items:
        at = datetime.fromtimestamp(each.at / 1000, SHANGHAI).strftime("%Y-%m-%d %H:%M")
        click.echo(f"{each.id:>6} {' ' if each.is_read else '*'} {at}  {each.zh}\n{'':26}{each.en}")
    echo_next(page.next)


@notice.command()
@config
@click.option("--all", "is_all", is_flag=True, help="All up to this one. 此前全部。")
@click.argument("number", type=click.IntRange(1))
def read(*, config: Path, number: int, is_all: bool) -> None:
    """Note a notice as read, or all up to it.

    标为已读。
    """
    with open_market(config) as market:
        click.echo(market.notices.read_all(number) if is_all else market.notices.read(number).zh)


@notice.command()
@config
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", help="语言。")
@_TOPICS
@click.argument("address")
def email(*, config: Path, address: str, language: str, topics: tuple[str, ...]) -> None:
    """Be told of these topics by e-mail at ADDRESS, and of no others; without any, of nothing.

    指定事由由电子邮件送达;不指定则不发送。

    A new address is sent a code; nothing else goes there before `notice confirm`. 新邮箱须先以验证码确认。
    """
    wish = NoticePreference(email=address, language=cast("Literal['zh', 'en']", language), topics=topics)
    with open_market(config) as market:
        made = market.notices.prefer(wish)
    _say(made)


@notice.command()
@config
def confirm(*, config: Path) -> None:
    """Confirm your e-mail address by the code that was sent there; asks for it.

    以验证码确认邮箱。
    """
    code = click.prompt("Code 验证码")  # no argument: a shell keeps those
    with open_market(config) as market:
        _say(market.notices.confirm(code.strip()))


def _say(made: NoticePreferenceRecord) -> None:
    topics = ", ".join(both("topic", each) for each in made.topics) or "–"
    told = "" if made.is_confirmed else "  unconfirmed, a code is on its way 待确认,验证码已发出"
    click.echo(f"{made.email}: {topics}{told}")


@click.group("webhook", cls=BilingualGroup)
def webhook() -> None:
    """Have your organisation's notices sent to an address of its own, signed by the marketplace.

    将本机构通知推送到自有地址,由数据产品超市签名。
    """


@webhook.command()
@config
@_TOPICS
@click.argument("url")
def add(*, config: Path, url: str, topics: tuple[str, ...]) -> None:
    """Send notices of these topics, or all, to URL (https).

    向 URL(https)推送指定事由或全部通知。
    """
    with open_market(config) as market:
        click.echo(market.notices.add_webhook(url, topics).id)


@webhook.command("list")
@config
def listed_webhooks(*, config: Path) -> None:
    """List your organisation's webhooks.

    列出本机构推送地址。
    """
    with open_market(config) as market:
        for each in market.notices.webhooks():
            click.echo(f"{each.id}  {each.url}  {' '.join(each.topics) or '*'}")


@webhook.command()
@config
@click.argument("name")
def deliveries(*, config: Path, name: str) -> None:
    """Show the latest deliveries to a webhook.

    查看最近的推送情况。
    """
    with open_market(config) as market:
        for each in market.notices.deliveries(name):
            click.echo(f"{each.id}  {each.notice}  {each.state}  {each.attempts}  {each.problem or ''}".rstrip())


@webhook.command()
@config
@click.argument("name")
def remove(*, config: Path, name: str) -> None:
    """Send nothing there any more.

    停止推送。
    """
    with open_market(config) as market:
        market.notices.remove_webhook(name)
