"""``veilmart bank scorecard``: build a card from statistics; bring one in from other tools, and out."""

import click

from veilmart.lazy import lazily

COMMANDS = {
    "build": ("veilmart.bank.scorecard_build", "build"),
    "export": ("veilmart.bank.scorecard_exchange", "export"),
    "import": ("veilmart.bank.scorecard_exchange", "import_"),
}
"""Subcommand → the module that has it, and what it is called there."""


@click.group(cls=lazily(COMMANDS))
def scorecard() -> None:
    """Build a scorecard from joint statistics, or exchange one with optbinning or toad.

    由联合统计建立评分卡,或与 optbinning、toad 互相导入导出。
    """
