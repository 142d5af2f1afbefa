"""``veilmart bank dispute``: what subjects object to, and the answers; a department's staff use it as well."""

from pathlib import Path

import click

from compute.canonical import encode
from compute.node.console.consent_messages import DisputeReply
from veilmart.asking import open_node
from veilmart.bank.showing import add_cells, new_table, wide_console
from veilmart.lazy import lazily
from veilmart.person import EXAMPLE
from veilmart.serving import config_option
from veilmart.times import time_of

COMMANDS = {
    "answer": ("veilmart.bank.disputes", "answer"),
    "list": ("veilmart.bank.disputes", "listed"),
    "show": ("veilmart.bank.disputes", "show"),
}
_COLUMNS = ("编号、主体 Number, subject", "事由、状态 Matter, state", "期限 Due")


@click.group(cls=lazily(COMMANDS))
def dispute() -> None:
    """See and answer what subjects object to.

    查看并答复主体的异议。
    """


@click.command()
@config_option(EXAMPLE)
def listed(*, config: Path) -> None:
    """List the disputes that you have to answer.

    列出待本机构答复的异议。
    """
    with open_node(config) as node:
        found = node.disputes()
    table = new_table("异议 Disputes", _COLUMNS, (), keep_first=True)
    for each in found:
        add_cells(table, f"{each.number}\n{each.subject or ''}", f"{each.matter}\n{each.state}", time_of(each.due))
    wide_console().print(table)


@click.command()
@config_option(EXAMPLE)
@click.argument("number")
def show(*, config: Path, number: str) -> None:
    """Show one dispute with what was written in it, as JSON.

    显示一件异议及往来文字(JSON)。
    """
    with open_node(config) as node:
        click.echo(encode(node.dispute(number)))


@click.command()
@config_option(EXAMPLE)
@click.option("--snapshot-date", help="Day of the table that has the correction. 已更正数据的日期。")
@click.argument("number")
@click.argument("text")
def answer(*, config: Path, snapshot_date: str | None, number: str, text: str) -> None:
    """Answer one; with the day of a corrected table, as a department, state the correction.

    答复异议;部门可注明已更正数据的日期。
    """
    with open_node(config) as node:
        click.echo(node.answer_dispute(number, DisputeReply(text=text, snapshot_date=snapshot_date)).state)
