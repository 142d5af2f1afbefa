"""``veilmart demo``."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from audit.errors import AuditError
from catalog.errors import CatalogError
from compute.paillier.public import DEFAULT_BITS, MAXIMUM_BITS, MINIMUM_BITS
from compute.protocols.base import ProtocolError
from connectors.errors import ConnectorError
from veilmart.demo.data import EXAMPLES, DemoError, load_scorecard
from veilmart.demo.parties import BANK, assemble
from veilmart.demo.story import Outcome, score_applicants, write_scores

PREPARATION = "keys and tables 密钥与数据"
TABLE_WIDTH = 100
"""Characters: what the two languages need side by side, also where the output is no terminal."""


def _even(_context: click.Context, _parameter: click.Parameter, bits: int) -> int:
    if bits % 2:
        raise click.BadParameter(f"{bits} bits do not make two primes of equal length; give an even number")
    return bits


@click.command()
@click.option("--once", is_flag=True, help="Stop after scoring instead of answering look-ups. 评分后即退出。")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Working directory. 工作目录。",
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
    """Score real loan applicants over two departments' tables without showing a row.

    以同态加密为真实贷款申请企业评分:两个部门的原始数据不出域,银行的模型不外泄。
    """
    path = directory / BANK / "scores.csv"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # an earlier run's scores are not this run's
        outcome = _run(directory, examples, bits)
        write_scores(path, outcome.scores)
    except (AuditError, CatalogError, ConnectorError, DemoError, ProtocolError, OSError) as error:
        raise click.ClickException(str(error)) from error
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    console.print(_table(outcome, bits))
    console.print(f"Log root 日志根 {outcome.root.hex()}", soft_wrap=True)
    console.print(f"Scores 评分结果 {path}", soft_wrap=True)
    if not once:
        _look_up(console, outcome)


def _run(directory: Path, examples: Path, bits: int) -> Outcome:
    scorecard = load_scorecard(examples)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    tasks = {PREPARATION: bar.add_task(PREPARATION, total=1)}

    def progress(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = bar.add_task(step, total=total)
        bar.update(tasks[step], completed=done)

    with bar, assemble(directory, examples, bits, progress) as parties:
        progress(PREPARATION, 1, 1)
        return score_applicants(parties, scorecard)


def _table(outcome: Outcome, bits: int) -> Table:
    rows = len(outcome.scores)
    table = Table(title=f"Encrypted risk score, {bits}-bit Paillier 密文风险评分", show_header=False)
    for column in ("left", "left", "right"):
        table.add_column(justify=column, no_wrap=True)

    table.add_row("Applicants scored, all as in the clear", "评分户数,与明文评分逐户一致", f"{rows:,}")
    table.add_row("Seconds", "用时(秒)", f"{outcome.seconds:.1f}")
    table.add_row("Rows per second", "每秒户数", f"{rows / outcome.seconds:,.0f}")
    for party, sent in outcome.sent.items():
        table.add_row(f"Bytes bank → {party}", "发送字节", f"{sent:,}")
        table.add_row(f"Bytes {party} → bank", "接收字节", f"{outcome.received[party]:,}")
    table.add_row("Most that one score can tell", "单户评分最多透露", f"{outcome.leaked_bits:.2f} bit")
    table.add_row("Events logged and proven", "已存证并验证的事件", f"{outcome.events}")
    return table


def _look_up(console: Console, outcome: Outcome) -> None:
    """Answer look-ups until an empty line, end of input or Ctrl-C."""
    console.print("Look up an applicant's score; empty to stop. 输入统一社会信用代码查询评分,直接回车结束。")
    console.print(f"For instance 例如 {next(iter(outcome.scores))}")
    while True:
        try:
            uscc = click.prompt("USCC", default="", show_default=False).strip().upper()
        except click.Abort:
            console.print()
            return
        if not uscc:
            return
        score = outcome.scores.get(uscc)
        console.print("not an applicant 非本次申请企业" if score is None else f"score 评分 {score}")
