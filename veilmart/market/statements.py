"""``veilmart market statement``: read, confirm, dispute, correct, and take away monthly statements."""

import re
from pathlib import Path

import click

from compute.market.statements import DisputeReason, StatementRecord
from compute.web.files import write_atomically
from veilmart.lazy import BilingualGroup
from veilmart.market import money_tables
from veilmart.market.opening import config, cursor_option, echo_json, echo_next, json_option, open_market
from veilmart.market.product_tables import console

_MODE = 0o600
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_STATES = ("issued", "confirmed_by_one", "confirmed", "disputed")
_STATEMENT = click.argument("name")
_DIGEST = click.option("--digest", required=True, help="SHA-256 of the version that was read. 所读版本的摘要。")


@click.group("statement", cls=BilingualGroup)
def statement() -> None:
    """Read monthly statements, confirm or dispute them, take them away as files.

    查看对账单,确认或提出异议,导出文件。
    """


@statement.command("list")
@config
@json_option
@click.option("--month", help="YYYY-MM. 账期。")
@click.option("--state", type=click.Choice(_STATES), help="Those in this state. 状态。")
@cursor_option
def listed(*, config: Path, is_json: bool, month: str | None, state: str | None, cursor: str | None) -> None:
    """List your own statements, the latest month first.

    列出本机构对账单。
    """
    with open_market(config) as market:
        page = market.statements.page(month, state, cursor)
    if is_json:
        echo_json(page)
        return
    console().print(money_tables.statements(page))
    echo_next(page.next)


@statement.command()
@config
@json_option
@_STATEMENT
@click.option("--version", type=click.IntRange(1), help="The last if not given. 版本,默认最新。")
def show(*, config: Path, is_json: bool, name: str, version: int | None) -> None:
    """Show a statement with its lines.

    查看对账单明细。
    """
    with open_market(config) as market:
        found = market.statements.load(name, version)
    _print(found, is_json=is_json)


@statement.command()
@config
@_DIGEST
@_STATEMENT
def confirm(*, config: Path, name: str, digest: str) -> None:
    """Confirm the version that you have read.

    确认所读版本的对账单。
    """
    with open_market(config) as market:
        _print(market.statements.confirm(name, digest), is_json=False)


@statement.command()
@config
@_DIGEST
@_STATEMENT
@click.option(
    "--reason",
    type=click.Choice([each.value for each in DisputeReason]),
    required=True,
    help="What is wrong. 事由。",
)
@click.option("--text", required=True, help="In your own words. 说明。")
def dispute(*, config: Path, name: str, digest: str, reason: str, text: str) -> None:
    """Say what is wrong with the version that you have read.

    对所读版本提出异议。
    """
    with open_market(config) as market:
        _print(market.statements.dispute(name, digest, DisputeReason(reason), text), is_json=False)


@statement.command()
@config
@_DIGEST
@_STATEMENT
@click.option("--note", required=True, help="What both sides are told. 更正说明。")
@click.option("--waive-uses", type=click.IntRange(0), default=0, help="So many uses are given up. 减免次数。")
@click.option("--waive-all", is_flag=True, help="All amounts are given up. 全部减免。")
def correct(*, config: Path, name: str, digest: str, note: str, waive_uses: int, waive_all: bool) -> None:
    """Replace a disputed version by the next, counted anew from the log, as the operator.

    运营机构更正有异议的对账单:按日志重新计量,出具新版本。
    """
    with open_market(config) as market:
        made = market.statements.correct(name, digest, note, waive_uses, waives_all=waive_all)
    _print(made, is_json=False)


@statement.command()
@config
@click.argument("month")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", help="Of the columns. 列名语言。")
def export(*, config: Path, month: str, file: Path, language: str) -> None:
    """Write all of a month's statements to FILE, whose name ends in .csv or .xlsx; MONTH is YYYY-MM.

    导出某账期(YYYY-MM)全部对账单为 .csv 或 .xlsx 文件。
    """
    if not _MONTH.fullmatch(month):
        raise click.UsageError(f"{month!r} is no month; write it as 2026-11 账期须写作 2026-11")
    suffix = file.suffix.removeprefix(".")
    if suffix not in {"csv", "xlsx"}:
        raise click.UsageError(f"{file}: give a name that ends in .csv or .xlsx")
    with open_market(config) as market:
        as_file = market.statements.csv if suffix == "csv" else market.statements.excel
        data, is_empty = as_file(month, language), not market.statements.page(month, None, None).items
    write_atomically(file, data, mode=_MODE)
    click.echo(str(file))
    if is_empty:
        click.echo(
            f"It has heads only: no statement of {month} is there; a month's are issued once it is over.\n"
            f"仅有表头:{month} 账期尚无对账单;账期结束后出具。",
            err=True,
        )


def _print(found: StatementRecord, *, is_json: bool) -> None:
    if is_json:
        echo_json(found)
    else:
        console().print(*money_tables.statement(found), sep="\n")
