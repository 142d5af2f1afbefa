"""``veilmart bank stats``: joint statistics over registered labels."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from compute.canonical import encode
from compute.node.console.client import NodeClient
from compute.node.console.statistics_messages import StatisticsRequest
from compute.statistics.released import ALL
from veilmart.asking import open_node
from veilmart.bank.files import FORMS, OutputError, check_output, write
from veilmart.bank.jobs import finished
from veilmart.bank.labels import json_option, reference_option
from veilmart.bank.measure_options import is_wanted, measuring_options
from veilmart.bank.measure_tables import measure_tables
from veilmart.bank.measured import measure
from veilmart.bank.measuring import Measuring, MeasuringError
from veilmart.bank.requests import RequestError, read_request, request_of
from veilmart.bank.showing import precheck_table, result_tables, wide_console
from veilmart.person import EXAMPLE
from veilmart.serving import config_option

_ONE = "PROVIDER:COLUMN"


_OPTIONS = (
    click.option(
        "--request",
        "file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="TOML like examples/sba/statistics.toml, in place of the options below. 请求文件,可代替以下选项。",
    ),
    click.option("--contract", help="Contract of joint_statistics. 联合统计合约。"),
    click.option("--labels", help="Registered labels. 已登记的标签。"),
    click.option("--epsilon", default="0", help="Price in ε, at each department. 每一提供方的 ε 费用。"),
    click.option("--unweighted", is_flag=True, help="Exact, of a disclosed cohort, without labels. 不按标签。"),
    click.option("--as-of", help="Day of the values, YYYY-MM-DD; today if not given. 观察点。"),
    click.option("--histogram", "histograms", multiple=True, metavar=_ONE, help="Its bins. 分布,可多次。"),
    click.option("--cross", "crosses", multiple=True, metavar=f"{_ONE},COLUMN", help="Both's. 交叉表,可多次。"),
    click.option("--moments", multiple=True, metavar=_ONE, help="Mean and variance. 均值与方差,可多次。"),
    reference_option,
)
_NAMES = ("contract", "labels", "epsilon", "as_of", "histograms", "crosses", "moments", "reference")


def _request_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets what they, or the file, say as `asked`."""

    @wraps(command)
    def asking(*, file: Path | None, unweighted: bool, **given: Any) -> None:  # noqa: ANN401 -- of many types
        options = {name: given.pop(name) for name in _NAMES}
        try:
            asked = _asked(options, weighted=not unweighted) if file is None else read_request(file)
        except RequestError as error:
            raise click.ClickException(str(error)) from error
        command(asked=asked, **given)

    for option in reversed(_OPTIONS):
        asking = option(asking)
    return asking


def _output(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    if path is not None:
        try:
            check_output(path)
        except OutputError as error:
            raise click.BadParameter(str(error)) from error
    return path


output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_output,
    help=f"File that ends in {', '.join(FORMS)}. 输出文件。",
)


@click.command()
@config_option(EXAMPLE)
@_request_options
@measuring_options
@click.option("--dry-run", is_flag=True, help="Only what it would tell and cost. 仅预检,不计费。")
@output_option
@json_option
def stats(
    *,
    config: Path,
    asked: StatisticsRequest,
    measuring: Measuring,
    dry_run: bool,
    output: Path | None,
    is_json: bool,
) -> None:
    """Ask departments for statistics over your labels: one request, all at once, or nothing counted.

    就本行标签向各部门请求统计:一次请求、同时计算;任一方拒绝则全部作废,不计用数。

    A column that is only named comes in the bins that its department publishes. Of labels with noise ε is the
    price, and the interval of each number is printed. With --good and --bad, WOE, IV and their kin follow: see
    `veilmart bank measures`, which gives them later too.
    """
    wanted = measuring if is_wanted(measuring) else None
    if wanted is not None and is_json:
        raise click.UsageError("--json is what was told; for measures as JSON: veilmart bank measures --json")
    if dry_run:
        _dry_run(config, asked, is_json=is_json)
    else:
        _run(config, asked, wanted, output, is_json=is_json)


def _dry_run(config: Path, asked: StatisticsRequest, *, is_json: bool) -> None:
    with open_node(config) as node:
        found = node.precheck_statistics(asked)
    if is_json:
        click.echo(encode(found))
    else:
        wide_console().print(precheck_table(found))


def _run(
    config: Path, asked: StatisticsRequest, wanted: Measuring | None, output: Path | None, *, is_json: bool
) -> None:
    with open_node(config) as node:
        if wanted is not None:
            _require_classes(node, asked, wanted)
        job = finished(node, node.ask_statistics(asked))
        result = node.statistics(job.job)
    found = None if wanted is None else measure(result, wanted)
    if is_json:
        click.echo(encode(result))
    else:
        for table in (*result_tables(result), *(() if found is None else measure_tables(found))):
            wide_console().print(table)
    if output is not None:
        for path in write(result, output, found):
            click.echo(path, err=True)


def _require_classes(node: NodeClient, asked: StatisticsRequest, wanted: Measuring) -> None:
    """A class that does not exist is found before anything is paid for; unknown labels the node refuses itself."""
    held = [each for each in node.labels() if (each.contract, each.name) == (asked.contract, asked.labels)]
    try:
        for each in held:
            wanted.require(each.classes if asked.weighted else (ALL,))
    except MeasuringError as error:
        raise click.ClickException(str(error)) from error


def _asked(options: dict[str, Any], *, weighted: bool) -> StatisticsRequest:
    for name in ("contract", "labels"):
        if options[name] is None:
            raise RequestError(f"--{name} is missing; give it, or a file by --request")
    return request_of(**options, weighted=weighted)
