"""``veilmart bank dispute``: what subjects object to, and the answers; a department's staff use it as well."""

from pathlib import Path

import click

from compute.node.console.consent_messages import DisputeReply
from veilmart.asking import open_node
from veilmart.bank.showing import add_cells, new_table, wide_console
from veilmart.lazy import lazily
from veilmart.market.opening import echo_json, json_option
from veilmart.market.product_tables import both
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
        standing = f"{both('dispute_matter', each.matter)}\n{both('dispute_state', each.state)}"
        add_cells(table, f"{each.number}\n{each.subject or ''}", standing, time_of(each.due))
    wide_console().print(table)


@click.command()
@config_option(EXAMPLE)
@json_option
@click.argument("number")
def show(*, config: Path, is_json: bool, number: str) -> None:
    """Show one dispute with what was written in it.

    显示一件异议及往来文字。
    """
    with open_node(config) as node:
        found = node.dispute(number)
    if is_json:
        echo_json(found)
        return
    about = new_table("异议 Dispute", ("项目 Item", "内容 Content"), (), keep_first=True)
    add_cells(about, "编号 Number", found.number)
    add_cells(about, "合约 Contract", found.contract)
    add_cells(about, "主体 Subject", found.subject or "已删除 erased")
    add_cells(about, "事由 Matter", both("dispute_matter", found.matter))
    add_cells(about, "状态 State", both("dispute_state", found.state))
    add_cells(about, "提出 Opened", time_of(found.at))
    add_cells(about, "答复期限 Due", time_of(found.due))
    if found.snapshot_date is not None:
        add_cells(about, "更正数据日期 Corrected as of", found.snapshot_date)
    said = new_table("往来文字 What was written", ("时间 At", "何人 By", "内容 Text"), (), keep_first=True)
    for each in found.words:
        add_cells(said, time_of(each.at), each.author or "主体 subject", each.text)
    wide_console().print(about, said)


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
        made = node.answer_dispute(number, DisputeReply(text=text, snapshot_date=snapshot_date))
    click.echo(both("dispute_state", made.state))
