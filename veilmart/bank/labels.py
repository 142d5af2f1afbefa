"""``veilmart bank labels``: register labels at departments, see which are registered."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click
from rich.table import Table

from compute.canonical import encode
from compute.node.console.statistics_messages import LabelRegistration, LabelSetHeld, LabelsHeld, LabelsRegistered
from compute.protocols.label_vector.alphabet import LEAST_WIDTH, MOST_WIDTH
from compute.terms import AlignmentBasis
from veilmart.asking import open_node
from veilmart.bank.jobs import finished
from veilmart.bank.label_files import LabelError, read_labels, registration_of
from veilmart.bank.showing import add_cells, new_table, wide_console
from veilmart.lazy import lazily
from veilmart.person import EXAMPLE
from veilmart.serving import config_option
from veilmart.times import time_of

COMMANDS = {
    "list": ("veilmart.bank.labels", "listed"),
    "register": ("veilmart.bank.labels", "register"),
}
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON. 输出 JSON。")
reference_option = click.option(
    "--reference", help="Your own name for the request: under it, it is done once. 请求编号,同号同请求只办一次。"
)
_OPTIONS = (
    click.option("--contract", required=True, help="Contract of joint_statistics. 联合统计合约。"),
    click.option("--name", required=True, help="What you call these labels. 标签名称。"),
    click.option("--provider", "providers", multiple=True, required=True, help="Department. 数据提供方,可多次。"),
    click.option(
        "--classes", help="Names of the classes, with commas; sorted if not given. 类别名称,以逗号分隔。"
    ),
    click.option(
        "--width",
        type=click.IntRange(LEAST_WIDTH, MOST_WIDTH),
        help="Bits in which a class is counted; as many as can be proven if not given. 每类计数位数。",
    ),
    click.option(
        "--legal-basis",
        type=click.Choice(get_args(AlignmentBasis)),
        help="Disclose who is in the cohort to each department, on this basis. 公开名单的合法性基础。",
    ),
    click.option(
        "--declared-rows",
        multiple=True,
        metavar="PROVIDER=ROWS",
        help="With a legal basis: how many companies a department says it holds. 提供方申报的企业数。",
    ),
    reference_option,
    click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True)),
)
_NAMES = ("contract", "name", "providers", "classes", "width", "legal_basis", "declared_rows", "reference")
_COLUMNS = ("名称、合约 Name, contract", "名单、类别 Cohort, classes", "登记 Registered")
_KINDS = {"hidden": "隐藏 hidden", "disclosed": "公开 disclosed"}


@click.group(cls=lazily(COMMANDS))
def labels() -> None:
    """Register labels at departments: encrypted, and proven to be one of a few classes.

    登记标签:加密后送各部门,并证明每一项均属既定类别。
    """


def _registration_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets what they say, with the file's labels, as `asked`."""

    @wraps(command)
    def registering(*, file: Path, **given: Any) -> None:  # noqa: ANN401 -- options of many types
        options = {name: given.pop(name) for name in _NAMES}
        try:
            asked = _asked(file, options)
        except LabelError as error:
            raise click.ClickException(str(error)) from error
        command(asked=asked, **given)

    for option in reversed(_OPTIONS):
        registering = option(registering)
    return registering


@click.command()
@config_option(EXAMPLE)
@_registration_options
@json_option
def register(*, config: Path, asked: LabelRegistration, is_json: bool) -> None:
    """Register the labels of a FILE, CSV with the header uscc,class, at departments.

    登记 FILE(表头为 uscc,class 的 CSV)中的标签;不给合法性基础时名单隐藏于公开名录之中。

    Without a legal basis nobody learns who is in the cohort: it stays hidden among all companies of the node's
    public register.
    """
    with open_node(config) as node:
        job = finished(node, node.register_labels(asked))
        done = node.result(job.job)
    if is_json:
        click.echo(encode(done))
    elif isinstance(done, LabelsRegistered):
        click.echo(f"{done.name}: {done.rows} rows 行, {done.milliseconds / 1000:.1f} s")
        for provider, vector in done.vectors.items():
            click.echo(f"  {provider} {vector}")


@click.command()
@config_option(EXAMPLE)
@json_option
def listed(*, config: Path, is_json: bool) -> None:
    """List the labels that were registered, and where; never the labels themselves.

    列出已登记的标签及其所在,不含标签本身。
    """
    with open_node(config) as node:
        found = node.labels()
    if is_json:
        click.echo(encode(LabelsHeld(labels=tuple(found))))
    else:
        wide_console().print(_table(found))


def _table(found: Sequence[LabelSetHeld]) -> Table:
    table = new_table("标签 Labels", _COLUMNS, (), keep_first=True)
    for each in found:
        held = "\n".join(f"{at.provider} {at.registered}/{at.parts}" for at in each.vectors)
        named = f"{each.name}\n{each.contract}\n{time_of(each.at)}"
        add_cells(table, named, f"{_KINDS[each.kind]}, {each.subjects}\n{', '.join(each.classes)}", held)
    return table


def _asked(file: Path, options: dict[str, Any]) -> LabelRegistration:
    if options["classes"] is not None:
        options["classes"] = options["classes"].split(",")
    options["declared_rows"] = _declared(options["declared_rows"])
    return registration_of(read_labels(file), **options)


def _declared(given: Sequence[str]) -> dict[str, int]:
    declared = {}
    for each in given:
        provider, _, rows = each.partition("=")
        if not rows.isascii() or not rows.isdigit():
            raise LabelError(f"--declared-rows {each}: write a department's name, =, and a number")
        declared[provider] = int(rows)
    return declared
