"""Options that say which measures follow from statistics."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from veilmart.bank.measuring import QUARTILES, Measuring, MeasuringError, measuring_of

_OPTIONS = (
    click.option("--good", multiple=True, metavar="CLASS", help="A good class. 好样本类别,可多次。"),
    click.option("--bad", multiple=True, metavar="CLASS", help="A bad class. 坏样本类别,可多次。"),
    click.option(
        "--merge",
        multiple=True,
        metavar="RULE",
        help="quantile:5, monotonic or rare:0.05: merge bins, one rule after the other. 合并分箱,可多次。",
    ),
    click.option(
        "--between",
        metavar="EXPECTED,ACTUAL",
        help="Stability index between classes, several joined by +. 两组类别间的稳定性指标。",
    ),
    click.option(
        "--class-value",
        "class_values",
        multiple=True,
        metavar="CLASS=NUMBER",
        help="For the classes' correlation with a column's moments. 类别取值,可多次。",
    ),
    click.option(
        "--quantile",
        "quantiles",
        multiple=True,
        default=QUARTILES,
        show_default=True,
        help="Of number columns. 分位数,可多次。",
    ),
)
_NAMES = ("good", "bad", "merge", "between", "class_values", "quantiles")


def measuring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets what they say as `measuring`."""

    @wraps(command)
    def measuring(**given: Any) -> None:  # noqa: ANN401 -- options of many types
        options: Any = {name: given.pop(name) for name in _NAMES}
        try:
            wanted = measuring_of(**options)
        except MeasuringError as error:
            raise click.ClickException(str(error)) from error
        command(measuring=wanted, **given)

    for option in reversed(_OPTIONS):
        measuring = option(measuring)
    return measuring


def is_wanted(measuring: Measuring) -> bool:
    """Give whether any measure was asked for by name: then more than what was told is printed."""
    return measuring.has_sides or measuring.between is not None or bool(measuring.class_values)
