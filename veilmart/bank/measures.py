"""``veilmart bank measures``: what follows from statistics that were told before; nobody is asked again."""

from functools import partial
from pathlib import Path

import click

from veilmart.asking import open_node
from veilmart.bank.files import write_measures
from veilmart.bank.labels import json_option
from veilmart.bank.measure_options import measuring_options
from veilmart.bank.measure_tables import measure_tables
from veilmart.bank.measured import measure
from veilmart.bank.measuring import Measuring, MeasuringError
from veilmart.bank.results import ResultError, find_result
from veilmart.bank.showing import wide_console
from veilmart.bank.statistics import output_option
from veilmart.person import EXAMPLE
from veilmart.serving import config_option


@click.command()
@config_option(EXAMPLE)
@click.argument("result")
@measuring_options
@click.option(
    "--later",
    metavar="RESULT",
    help="Statistics of another cohort: the stability index from the first to it. 另一名单的统计结果。",
)
@output_option
@json_option
def measures(
    *, config: Path, result: str, measuring: Measuring, later: str | None, output: Path | None, is_json: bool
) -> None:
    """Give the measures of a RESULT: a statistics.json, a job, or a request's reference.

    由已得的统计结果计算 IV、KS、AUC、WOE、坏样本率等:不再询问任何部门,不计费。

    Each figure is printed with its interval for the noise, or as exact.
    """
    opening = partial(open_node, config)
    try:
        other = None if later is None else find_result(later, opening)
        found = measure(find_result(result, opening), measuring, other)
    except (MeasuringError, ResultError) as error:
        raise click.ClickException(str(error)) from error
    if is_json:
        click.echo(found.json())
    else:
        for table in measure_tables(found):
            wide_console().print(table)
    if output is not None:
        for path in write_measures(found, output):
            click.echo(path, err=True)
