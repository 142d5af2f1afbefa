"""``veilmart audit trace``: every entry about a contract, found in the log that was verified whole."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from audit.entry import Entry, parse
from audit.trace import entries_of, unacknowledged
from audit.verdict import Outcome
from audit.verify import Scope
from veilmart.audit.reading import conclude, config, failing, open_reader

TABLE_WIDTH = 160
"""Characters: what a trace needs, also where the output is no terminal."""
_LAST = 253_402_300_799_999  # the last millisecond of the year 9999, where datetime ends


@click.command()
@click.option("--contract", required=True, help="Name of the contract. 合约编号。")
@config
def trace(*, contract: str, config: Path) -> None:
    """Show every entry about a contract: found in the signed log, all of which is read and verified.

    列出一份合约的全部存证条目:读取并验证整份已签名的日志,自行查找。
    """
    found: list[tuple[int, Entry]] = []
    with failing():
        scope = Scope(contract=contract, take=lambda index, data: found.append((index, parse(data))))
        verdict = open_reader(config).verify(scope)
    if verdict.outcome not in {Outcome.TAMPERED, Outcome.UNKNOWN}:
        entries = list(entries_of(contract, found))
        console = Console()
        console.width = max(console.width, TABLE_WIDTH)
        console.print(_table(contract, entries))
        for index, entry in unacknowledged(entries):
            answer = f"the answer of {entry.node} to job {entry.job}"
            click.echo(f"Entry 条目 {index}: {entry.counterparty} has not acknowledged 尚未确认收到 {answer}")
    conclude(verdict)


def _table(contract: str, entries: Sequence[tuple[int, Entry]]) -> Table:
    table = Table(title=f"Contract 合约 {contract}")
    for header, width in (("Index\n序号", 7), ("Time (UTC)\n时间", 20), ("Kind\n类别", 24)):
        table.add_column(header, min_width=width, no_wrap=True)
    for header in ("Node\n报送方", "Counterparty\n对方", "Detail\n详情"):
        table.add_column(header, overflow="fold")
    for index, entry in entries:
        detail = " ".join(f"{name}={value}" for name, value in sorted(entry.detail.items()) if name != "contract")
        cells = (str(index), _time(entry.time), entry.kind.value, entry.node, entry.counterparty or "", detail)
        table.add_row(*map(Text, cells))  # as text: a bracket in it is no markup
    return table


def _time(milliseconds: int) -> str:
    """Give the time in UTC, to the second; as it is where no calendar reaches."""
    if milliseconds > _LAST:
        return f"{milliseconds} ms"
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return moment.isoformat().replace("+00:00", "Z")
