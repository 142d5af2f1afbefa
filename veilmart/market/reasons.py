"""The reason of a move as options of a command, and as the message that is sent."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from catalog.vocabulary import label
from compute.market.reasons import Reason, Why
from marketplace.flow.states import Machine, Move

F = TypeVar("F", bound=Callable[..., object])


def why_options(machine: Machine[Any], move: Move) -> Callable[[F], F]:
    """Give what adds --reason, one of those that the move may have with what they mean, and --note."""
    fit = [each for each in Reason if each in machine.reasons[move]]
    meanings = "; ".join(f"{each}: {label('reason', each, 'zh')} {label('reason', each, 'en')}" for each in fit)
    reason = click.option(
        "--reason",
        required=True,
        type=click.Choice([each.value for each in fit]),
        metavar="REASON",
        help=f"Why 事由。 One of: {meanings}. With 'other', say it in --note. 选 other 须附说明。",
    )
    note = click.option("--note", help="What the parties are told besides; never in the log. 补充说明。")

    def add(command: F) -> F:
        return reason(note(command))

    return add


def why_of(reason: str, note: str | None) -> Why:
    """Give the message; end the command in one line for a reason that needs a note and has none."""
    try:
        return Why(reason=Reason(reason), note=note)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
