"""The group of the commands; each is in a file of its own."""

import click

from veilmart.lazy import lazily

COMMANDS = {
    "consent": ("veilmart.bank.consents", "consent"),
    "dispute": ("veilmart.bank.disputes", "dispute"),
    "labels": ("veilmart.bank.labels", "labels"),
    "measures": ("veilmart.bank.measures", "measures"),
    "scorecard": ("veilmart.bank.scorecard", "scorecard"),
    "stats": ("veilmart.bank.statistics", "stats"),
}
"""Subcommand → the module that has it, and what it is called there."""


@click.group(cls=lazily(COMMANDS))
def bank() -> None:
    """Ask subjects for consent, answer disputes, and ask departments for statistics over labels they never see.

    请求主体授权,答复异议,以本行标签联合各部门作统计:标签与名单不出本行,原始数据不出域。
    """
