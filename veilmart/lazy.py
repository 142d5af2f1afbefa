"""A group of commands, each imported only when it is asked for: not every host has what all of them need."""

from collections.abc import Mapping
from importlib import import_module

import click


class LazyGroup(click.Group):
    """A group over `commands`: name → the module that has the command, and what it is called there."""

    places: Mapping[str, tuple[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Give the names of all subcommands."""
        return sorted(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        """Import and give one subcommand."""
        if cmd_name not in self.places:
            return None
        module, name = self.places[cmd_name]
        command = getattr(import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{name} is no command")
        return command


def lazily(places: Mapping[str, tuple[str, str]]) -> type[LazyGroup]:
    """The class of a group over these commands."""
    return type("Commands", (LazyGroup,), {"places": places})
