"""The command line. Each subcommand's module is imported only when it is asked for."""

from importlib import import_module
from importlib.metadata import version

import click

COMMANDS = {
    "audit": "veilmart.audit_command",
    "call": "veilmart.call_command",
    "demo": "veilmart.demo.command",
    "key": "veilmart.key_command",
    "marketplace": "veilmart.marketplace_command",
    "node": "veilmart.node_command",
}
"""Subcommand → the module that has it, as a function of that name."""


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is first needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Give the names of all subcommands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        """Import and give one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name]}.{cmd_name} is no command")
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("veilmart"), prog_name="veilmart")
def main() -> None:
    """A data market whose data is used but never seen. 数据可用不可见的数据产品超市。"""  # noqa: D400, D415 -- a Chinese full stop
