"""The command line. Each subcommand's module is imported only when it is asked for."""

from importlib.metadata import version

import click

from veilmart.lazy import lazily

COMMANDS = {
    "audit": ("veilmart.audit.command", "audit"),
    "bank": ("veilmart.bank.command", "bank"),
    "call": ("veilmart.call_command", "call"),
    "demo": ("veilmart.demo.command", "demo"),
    "key": ("veilmart.key_command", "key"),
    "market": ("veilmart.market.command", "market"),
    "marketplace": ("veilmart.marketplace_command", "marketplace"),
    "node": ("veilmart.node_command", "node"),
    "reviewer": ("veilmart.reviewer.command", "reviewer"),
}
"""Subcommand → the module that has it, and what it is called there."""


@click.group(cls=lazily(COMMANDS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("veilmart"), prog_name="veilmart")
def main() -> None:
    """A data market whose data is used but never seen. 数据可用不可见的数据产品超市。"""  # noqa: D400, D415 -- a Chinese full stop
