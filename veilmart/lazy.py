"""A group of commands, each imported only when it is asked for: not every host has what all of them need."""

import re
from collections.abc import Mapping
from importlib import import_module

import click

_CHINESE = re.compile("[一-鿿]")
_END, _CHINESE_END = re.compile(r"(?<=[.])\s|(?<=[^:]):\s"), re.compile("[。;:]")


class BilingualGroup(click.Group):
    """A group whose help says in Chinese and English what each command is for."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each subcommand is for, in both languages."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, brief(command.help or "")) for name, command in commands if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class LazyGroup(BilingualGroup):
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


def brief(text: str) -> str:
    """Give the first sentence in English of a command's help, and the first in Chinese."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    chinese = next((each for each in paragraphs if _CHINESE.match(each)), "")
    return f"{_END.split(paragraphs[0], maxsplit=1)[0]} {_CHINESE_END.split(chinese, maxsplit=1)[0]}".strip()


def lazily(places: Mapping[str, tuple[str, str]]) -> type[LazyGroup]:
    """The class of a group over these commands."""
    return type("Commands", (LazyGroup,), {"places": places})
