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

from catalog.errors import CatalogError
from compute.paillier.public import DEFAULT_BITS, MINIMUM_BITS
from compute.protocols.risk_score.scorecard import ScorecardError
from connectors.errors import ConnectorError
from veilmart.demo.data import EXAMPLES
from veilmart.demo.parties import BANK, assemble
from veilmart.demo.story import Outcome, walk, write_scores


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
    type=click.IntRange(MINIMUM_BITS, 8192),
    default=DEFAULT_BITS,
    callback=_even,
    show_default=True,
    help="Length of the bank's Paillier modulus, even. 密钥长度。",
)
def demo(*, once: bool, directory: Path, examples: Path, bits: int) -> None:
    """Score 6,656 real loan applicants over two departments' tables without showing a row.

    以同态加密为 6,656 户贷款申请企业评分:两个部门的原始数据不出域,银行的模型不外泄。
    """
    console, errors = Console(), Console(stderr=True)
    directory.mkdir(parents=True, exist_ok=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
    )
    tasks = {}

    def progress(step: str, done: int, total: int) -> None:
        if step not in tasks:
            tasks[step] = bar.add_task(step, total=total)
        bar.update(tasks[step], completed=done)

    try:
        with bar, assemble(directory, examples, bits, progress) as parties:
            outcome = walk(parties, examples)
    except (CatalogError, ConnectorError, ScorecardError, OSError) as error:
        raise click.ClickException(str(error)) from error
    path = directory / BANK / "scores.csv"
    write_scores(path, outcome.scores)
    console.print(_table(outcome, bits))
    console.print(f"Scores 评分结果: {path}")
    if not once:
        _look_up(console, outcome)


def _table(outcome: Outcome, bits: int) -> Table:
    rows = len(outcome.scores)
    table = Table(title=f"Encrypted risk score, {bits}-bit Paillier 密文风险评分", show_header=False)
    table.add_row("Applicants scored 评分户数", f"{rows:,}")
    table.add_row("Equal to the scorecard in the clear 与明文评分一致", f"{outcome.equal_in_the_clear:,}")
    table.add_row("Seconds 用时(秒)", f"{outcome.seconds:.1f}")
    table.add_row("Rows per second 每秒户数", f"{rows / outcome.seconds:,.0f}")
    for party, sent in outcome.sent.items():
        table.add_row(f"Bytes bank → {party} 发送字节", f"{sent:,}")
        table.add_row(f"Bytes {party} → bank 接收字节", f"{outcome.received[party]:,}")
    table.add_row("Most a score can tell about a firm 单户评分最多泄露", f"{outcome.leaked_bits:.2f} bit")
    table.add_row("Events logged and proven 已存证事件", f"{outcome.events}, root {outcome.root.hex()[:16]}…")
    return table


def _look_up(console: Console, outcome: Outcome) -> None:
    """Answer look-ups until an empty line, end of input or Ctrl-C."""
    console.print("Look up an applicant's score; empty to stop. 输入统一社会信用代码查询评分,直接回车结束。")
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
