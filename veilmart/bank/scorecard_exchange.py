"""``veilmart bank scorecard import`` and ``export``: cards of optbinning and toad, and cards for them."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import click
import pandas as pd

from catalog.description import load_product
from catalog.errors import CatalogError
from compute.binning import BinningError, Bins
from compute.node.grids import published_grids
from compute.protocols.risk_score.draft_file import render, to_draft
from compute.protocols.risk_score.scorecard import MAX_DECIMALS, ScorecardError, parse_scorecard
from compute.settings import SettingsError
from compute.statistics.imported import ImportedCard, ImportedTableError, Target
from compute.statistics.optbinning_table import read_scorecard_table, write_scorecard_table
from compute.statistics.toad_table import read_card, write_card
from compute.web.files import write_atomically
from veilmart.bank.files import MODE
from veilmart.bank.recipe_file import RecipeError

Tool = Literal["optbinning", "toad"]
TOOLS = ("optbinning", "toad")
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
OUTPUT = click.Path(path_type=Path, dir_okay=False)
_NUMBERS = {"integer", "decimal"}


def _telling(command: Callable[..., None]) -> Callable[..., None]:
    """What is wrong with a file is the command's last line."""

    @wraps(command)
    def told(**given: Any) -> None:  # noqa: ANN401 -- options of many types
        try:
            command(**given)
        except (BinningError, ImportedTableError, RecipeError, ScorecardError, OSError) as error:
            raise click.ClickException(str(error)) from error

    return told


@click.command("import")
@click.argument("file", type=FILE)
@click.option("--from", "tool", type=click.Choice(TOOLS), required=True, help="Whose card. 来源工具。")
@click.option("--rules", type=FILE, help="toad: the combiner's export. toad 分箱规则。")
@click.option(
    "--product", "products", multiple=True, type=FILE, help="A product's description, TOML. 数据产品说明,可多次。"
)
@click.option("--own", multiple=True, metavar="COLUMN", help="A column of the bank's own. 本行字段,可多次。")
@click.option("--name", required=True, help="Of the card. 评分卡名称。")
@click.option("--version", default="1.0.0", show_default=True, help="Of the card. 版本。")
@click.option(
    "--points-to-double-odds", type=click.IntRange(1), required=True, help="Of the table. 好坏比翻倍的分值。"
)
@click.option("--base-points", default="0", help="What the tool keeps beside its table. 表外基础分。")
@click.option(
    "--decimals", type=click.IntRange(0, MAX_DECIMALS), default=0, show_default=True, help="分值小数位。"
)
@click.option("--missing", multiple=True, metavar="COLUMN=POINTS", help="Where the table has none. 缺失箱分值。")
@click.option("--drop-special", is_flag=True, help="Give up bins of special codes. 舍去特殊值分箱。")
@click.option("--output", type=OUTPUT, default=Path("scorecard.json"), show_default=True, help="评分卡文件。")
@_telling
def import_(*, file: Path, tool: Tool, rules: Path | None, output: Path, **given: Any) -> None:  # noqa: ANN401 -- options of many types
    """Make a scorecard of a FILE that optbinning (Scorecard.table() as CSV) or toad (export as JSON) wrote.

    将 optbinning 或 toad 的评分卡文件转为可提交审查的评分卡;分值取整,并说明最大偏差。
    """
    target = _target(given)
    if tool == "optbinning":
        found = read_scorecard_table(_read_table(file), target)
    else:
        found = read_card(_read_json(file), target, None if rules is None else _read_json(rules))
    write_atomically(output, render(found.draft), mode=MODE)
    click.echo(_summary(found))
    click.echo(output, err=True)


@click.command()
@click.argument("file", type=FILE)
@click.option("--to", "tool", type=click.Choice(TOOLS), required=True, help="For whom. 目标工具。")
@click.option("--output", type=OUTPUT, required=True, help="CSV for optbinning, JSON for toad. 输出文件。")
@_telling
def export(*, file: Path, tool: Tool, output: Path) -> None:
    """Write the scorecard of a FILE as optbinning's table, or toad's card with its combiner's rules beside.

    将评分卡写成 optbinning 的表,或 toad 的评分卡及分箱规则(另存为 .rules.json)。
    """
    data = file.read_bytes()
    card = parse_scorecard(data)
    draft = to_draft(card, int(json.loads(data, parse_float=Decimal)["points_to_double_odds"]))
    if tool == "optbinning":
        table = write_scorecard_table(draft).to_csv(lineterminator="\n")
        made = {output: table}
    else:
        points, rules = write_card(draft)
        made = {output: _json(points), output.with_suffix(".rules.json"): _json(rules)}
    for path, text in made.items():
        write_atomically(path, text.encode(), mode=MODE)
        click.echo(path, err=True)


def _target(given: dict[str, Any]) -> Target:
    sources: dict[str, str | None] = dict.fromkeys(given["own"])
    grids: dict[str, Bins] = {}
    scales: dict[str, int] = {}
    for path in given["products"]:
        try:
            product = load_product(path)
            found = published_grids(product)
        except (CatalogError, SettingsError, OSError) as error:
            raise RecipeError(f"{path}: {error}") from error
        if both := sorted(sources.keys() & found.keys()):
            raise RecipeError(f"{both[0]} is a column of two: name one product, or leave out --own")
        sources |= dict.fromkeys(found, product.id)
        grids |= found
        scales |= {field.name: field.scale for field in product.fields if field.type in _NUMBERS}
    missing = {}
    for each in given["missing"]:
        column, _, points = each.partition("=")
        missing[column] = _decimal(f"--missing {each}", points)
    return Target(
        name=given["name"],
        version=given["version"],
        points_to_double_odds=given["points_to_double_odds"],
        sources=sources,
        grids=grids,
        scales=scales,
        missing_points=missing,
        drop_special=given["drop_special"],
        decimals=given["decimals"],
        base_points=_decimal("--base-points", given["base_points"]),
    )


def _decimal(what: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise RecipeError(f"{what}: {text} is no number; write it like 12 or -3.5") from error
    if not number.is_finite():
        raise RecipeError(f"{what}: {text} is no number that points can be")
    return number


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, index_col=0)
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors
        raise ImportedTableError(f"{path}: not CSV: {error}; save Scorecard.table() by to_csv") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ImportedTableError(f"{path}: not JSON: {error}; save toad's export") from error
    if not isinstance(found, dict) or not all(isinstance(each, dict | list) for each in found.values()):
        raise ImportedTableError(f"{path}: not toad's export, which is column → bins; save it anew")
    return found


def _summary(found: ImportedCard) -> str:
    columns: Sequence[str] = [each.name for each in found.draft.features]
    worst = f"取整最大偏差 worst rounding {found.rounding.worst:.3f}"
    return (
        f"{found.draft.name} {found.draft.version}: {len(columns)} 特征 features ({', '.join(columns)}), {worst}"
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
