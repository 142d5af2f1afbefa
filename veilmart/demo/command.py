"""``veilmart demo``."""

import csv
import io
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from catalog.errors import CatalogError
from compute.paillier.public import DEFAULT_BITS, MAXIMUM_BITS, MINIMUM_BITS
from compute.protocols.base import ProtocolError
from compute.protocols.risk_score.leakage import leaked_bits
from compute.protocols.risk_score.scorecard import Scorecard, ScorecardError
from compute.settings import SettingsError
from compute.statistics.released import StatisticsError
from compute.web.errors import WebError
from connectors.errors import ConnectorError
from veilmart.audit.command import audit
from veilmart.bank.recipe_file import RecipeError
from veilmart.bank.scorecard_tables import information_table, remarks
from veilmart.demo import anybody
from veilmart.demo.accounts import HANDLER, configuration, open_accounts
from veilmart.demo.clear import scores_in_the_clear
from veilmart.demo.data import EXAMPLES, DemoError
from veilmart.demo.development import MILLIEPSILON, Developed, load_loans, walk_from_loans
from veilmart.demo.processes import Process, running
from veilmart.demo.sites import BANK, OUTBOX, SUBJECTS, Sites, claimed, lay_out
from veilmart.demo.story import Outcome
from veilmart.steps import Steps

TABLE_WIDTH = 110
"""Characters: what the two languages need side by side, also where the output is no terminal."""
_TOLD = (
    *(CatalogError, ConnectorError, DemoError, ProtocolError, RecipeError, ScorecardError, SettingsError),
    *(StatisticsError, WebError),
)
"""What ends the demo in one line."""
_LOOK = 1.0
"""Seconds between two looks at whether all processes run."""


def _even(_context: click.Context, _parameter: click.Parameter, bits: int) -> int:
    if bits % 2:
        raise click.BadParameter(f"{bits} bits do not make two primes of equal length; give an even number")
    return bits


@click.command()
@click.option("--once", is_flag=True, help="Stop after scoring instead of staying up. 评分后即退出。")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Working directory; an earlier demo in it is removed. 工作目录,其中旧的演示将被清除。",
)
@click.option(
    "--data",
    "examples",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=EXAMPLES,
    help="The departments' and the bank's files; examples/sba if not given. 示例数据目录。",
)
@click.option(
    "--bits",
    type=click.IntRange(MINIMUM_BITS, MAXIMUM_BITS),
    default=DEFAULT_BITS,
    callback=_even,
    show_default=True,
    help="Length of the bank's Paillier modulus, even. 密钥长度。",
)
def demo(*, once: bool, directory: Path, examples: Path, bits: int) -> None:
    """Run a whole market of real processes and score real loan applicants without showing a row.

    One marketplace, two departments, a bank, a model reviewer and a supervisor on this machine, over TLS. At the
    end the log is verified by a program that is copied out and runs alone.

    在本机运行完整的数据产品超市:两个部门、一家银行、一个模型审查方、一个监督管理方,各为独立进程;原始数据不出域,
    银行模型不外泄。最后由复制出来独立运行的程序验证日志。
    """
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    for number in (signal.SIGINT, signal.SIGTERM):  # also where the shell had SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        loans = load_loans(examples)
        with ExitStack() as stack:
            stack.enter_context(claimed(directory))
            with Steps() as watch:
                watch("start processes 启动进程", 0, 1, None)
                sites = lay_out(directory, examples, bits)
                processes = stack.enter_context(running(sites))
                watch("start processes 启动进程", 1, 1, None)
                developed, outcome = walk_from_loans(sites, examples, loans, watch)
                if not once:
                    open_accounts(sites, watch)
            rows = _check(outcome, examples, developed.scorecard)
            console.print(information_table(developed.card))
            for line in (*remarks(developed.card), f"Scorecard 评分卡 {developed.path}"):
                console.print(line, soft_wrap=True, markup=False, highlight=False)
            console.print(_effort(developed))
            console.print(_table(outcome, rows, bits))
            console.print(f"Scores 评分结果 {outcome.scored.scores}", soft_wrap=True)
            _audit(console, sites, outcome.contract)
            if not once:
                _addresses(console, sites)
                _hints(console, sites, outcome.contract)
                _stay(console, processes)
    except (*_TOLD, OSError) as error:
        raise click.ClickException(str(error)) from error


def _check(outcome: Outcome, examples: Path, card: Scorecard) -> int:
    """Give the number of scores; raise :class:`DemoError` where one is not the one in the clear."""
    header, *rows = csv.reader(io.StringIO(outcome.scores.decode()))
    found = {uscc: Decimal(score) for uscc, score in rows}
    expected = scores_in_the_clear(examples, card)
    wrong = sum(found.get(uscc) != score for uscc, score in expected.items())
    if header != ["uscc", "score"] or wrong or len(found) != len(expected):
        raise DemoError(f"{wrong} of {len(expected)} scores differ from those in the clear: report this")
    return len(found)


def _audit(console: Console, sites: Sites, contract: str) -> None:
    """Run what an auditor would: verify the whole log and ask who used what; then what anybody can."""
    config = str(sites.nodes[BANK].config)
    for arguments in (["verify"], ["uses", "--contract", contract]):
        console.print(f"\n$ veilmart audit {' '.join(arguments)} --config {config}", soft_wrap=True)
        if code := audit.main([*arguments, "--config", config], standalone_mode=False):
            raise DemoError(f"the audit ended with {code}: it says why above")
    command, output = anybody.verify(sites)
    console.print(f"\n$ {command}\n{output}", soft_wrap=True, markup=False, highlight=False)


def _effort(developed: Developed) -> Table:
    """What the bank's statistics took."""
    table = Table(title="Joint statistics 联合统计", show_header=False)
    for column in ("left", "left", "right"):
        table.add_column(justify=column, no_wrap=True)
    registered, statistics = developed.labels, developed.statistics
    table.add_row("Companies among which the loans hide", "隐藏于名录企业数", f"{registered.rows:,}")
    table.add_row("ε at each department", "每一部门的 ε", f"{MILLIEPSILON / 1000:g}")
    table.add_row(
        "Seconds, labels encrypted, proven, verified", "标签登记用时(秒)", f"{registered.milliseconds / 1000:.1f}"
    )
    table.add_row("Seconds, statistics", "统计用时(秒)", f"{statistics.milliseconds / 1000:.1f}")
    table.add_row("Seconds, card built", "建模用时(秒)", f"{developed.build_seconds:.1f}")
    return table


def _table(outcome: Outcome, rows: int, bits: int) -> Table:
    scored, seconds = outcome.scored, outcome.seconds
    table = Table(title=f"Encrypted risk score, {bits}-bit Paillier 密文风险评分", show_header=False)
    for column in ("left", "left", "right"):
        table.add_column(justify=column, no_wrap=True)
    table.add_row("Applicants scored, all as in the clear", "评分户数,与明文评分逐户一致", f"{rows:,}")
    table.add_row("Seconds, from the request to the scores", "用时(秒)", f"{seconds:.1f}")
    table.add_row("Seconds, estimated beforehand", "预计用时(秒)", f"{outcome.estimated:.1f}")
    table.add_row("Rows per second", "每秒户数", f"{rows / seconds:,.0f}")
    for party, sent in sorted(scored.sent.items()):
        table.add_row(f"Bytes bank → {party}", "发送字节", f"{sent:,}")
        table.add_row(f"Bytes {party} → bank", "接收字节", f"{scored.received[party]:,}")
    bits_told = leaked_bits(outcome.model.reachable_totals)
    table.add_row("Most that one score can tell", "单户评分最多透露", f"{bits_told:.2f} bit")
    return table


def _addresses(console: Console, sites: Sites) -> None:
    table = Table(title=f"API pages 接口文档 (TLS authority 证书 {sites.market.authority})", show_header=False)
    for site in (sites.market, *sites.nodes.values()):
        table.add_row(site.name, f"{site.url}/docs", f"{site.url}/openapi.json")
    console.print(table)


def _hints(console: Console, sites: Sites, contract: str) -> None:
    """What a visitor may try: the market as a person of the bank, and a business's pages."""
    account, market = configuration(sites.nodes[BANK], HANDLER), sites.market
    with (market.folder / SUBJECTS).open(encoding="utf-8", newline="") as file:
        business = next(csv.DictReader(file))
    pages = f"code 代码 {business['code']}, telephone 手机号 {business['telephone']}"
    for line in (
        "Try 试一试:",
        f"  veilmart market catalog search 登记 --config {account}",
        f"  veilmart market contract text {contract} --config {account}",
        f"  {market.url}/me as a business 以企业身份: {pages}; its messages 短信: {market.folder / OUTBOX}",
    ):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _stay(console: Console, processes: Sequence[Process]) -> None:
    """Stay up until Ctrl-C; say so if a process ends."""
    console.print("All processes stay up; stop with Ctrl-C. 各进程持续运行,按 Ctrl-C 停止。")
    ended: set[str] = set()
    try:
        while True:
            time.sleep(_LOOK)
            for process in processes:
                if not process.alive and process.name not in ended:
                    ended.add(process.name)
                    console.print(f"{process.name} ended 已退出; see 日志 {process.log}; again: {process.command}")
    except KeyboardInterrupt:
        console.print("stopping 正在停止")
