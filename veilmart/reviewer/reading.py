"""``veilmart reviewer review``: the list of cases, or all of one."""

import re
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from compute.canonical import encode
from compute.node.console.review_messages import Cases, CaseSummary
from veilmart.asking import open_node
from veilmart.person import EXAMPLE
from veilmart.reviewer.sections import Section, sections_of, summary_section
from veilmart.serving import config_option

_DIGITS = re.compile("[0-9a-f]{32}")


def _case(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and _DIGITS.fullmatch(value) is None:
        raise click.BadParameter("a case is named by 32 hexadecimal digits; `veilmart reviewer review` lists them")
    return value


CASE = click.argument("case", metavar="CASE", callback=_case)
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON. 输出 JSON。")
TABLE_WIDTH = 180
"""Characters: what the tables need, also where the output is no terminal."""


@click.command()
@config_option(EXAMPLE)
@click.argument("case", metavar="[CASE]", required=False, callback=_case)
@json_option
def review(*, config: Path, case: str | None, is_json: bool) -> None:
    """List the models under review, or show one CASE; that you read an opened model is written down.

    列出待审模型,或显示其中一个;查阅已打开的模型会留下记录。

    A case shows the model's points, what one score can tell, its dossier, and the difference to earlier versions.
    """
    with open_node(config) as node:
        if case is None:
            show_summaries(node.cases(), is_json=is_json)
            return
        shown = node.case(case)
    if is_json:
        click.echo(encode(shown))
    else:
        _print(sections_of(shown))


def show_summaries(cases: Sequence[CaseSummary], *, is_json: bool) -> None:
    """Print cases in one table."""
    if is_json:
        click.echo(encode(Cases(cases=tuple(cases))))
    else:
        _print([summary_section(cases)])


def _print(sections: Sequence[Section]) -> None:
    console = Console()
    console.width = max(console.width, TABLE_WIDTH)
    for section in sections:
        table = Table(title=section.title, title_justify="left", show_lines=False)
        for number, column in enumerate(section.columns):
            table.add_column(Text(column), overflow="fold", no_wrap=number == 0)
        for row in section.rows:
            table.add_row(*map(Text, row))  # as text: what a bank wrote is no markup
        console.print(table)
