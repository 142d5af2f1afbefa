"""The group of the commands; each is in a file of its own."""

import click

from veilmart.lazy import lazily

COMMANDS = {
    "approve": ("veilmart.reviewer.deciding", "approve"),
    "console": ("veilmart.reviewer.console_command", "console"),
    "refuse": ("veilmart.reviewer.deciding", "refuse"),
    "review": ("veilmart.reviewer.reading", "review"),
    "withdraw": ("veilmart.reviewer.deciding", "withdraw"),
}
"""Subcommand → the module that has it, and what it is called there."""


@click.group(cls=lazily(COMMANDS))
def reviewer() -> None:
    """Read the models under review at your node, approve them by four eyes, refuse, withdraw.

    在本方节点查阅待审模型:双人通过、不予通过、撤回。
    """
