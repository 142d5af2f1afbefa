"""``veilmart bank scorecard build``: from finished statistics to a card that can be registered."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from compute.canonical import FormatError, decode
from compute.grid import GridError
from compute.node.console.statistics_messages import StatisticsResult
from compute.protocols.risk_score.assessment import Limits
from compute.protocols.risk_score.scorecard import ScorecardError
from compute.statistics.build import Recipe
from compute.statistics.merging import Merging
from compute.statistics.out_of_time import Period
from compute.statistics.points import Scale
from compute.statistics.released import StatisticsError
from compute.statistics.selection import LEAST_INFORMATION, MOST_CORRELATION
from compute.web.files import write_atomically
from veilmart.asking import open_node
from veilmart.bank.building import Card, Wish, card_of
from veilmart.bank.files import MODE
from veilmart.bank.label_files import LabelError, read_labels
from veilmart.bank.own_sample import OwnSample, own_sample
from veilmart.bank.recipe_file import RecipeError, RecipeFile, read_recipe
from veilmart.bank.scorecard_tables import information_table, later_table, points_frame, points_table, remarks
from veilmart.bank.showing import wide_console
from veilmart.person import EXAMPLE

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
OUTPUT = click.Path(path_type=Path, dir_okay=False)
_SCALE, _MERGING = Scale(), Merging()
_PAIR = "GOOD,BAD"
FAULTS = (GridError, LabelError, RecipeError, ScorecardError, StatisticsError)
"""What ends a command in one line: each names what was wrong, and what to do."""

_INPUTS = (
    click.option("--statistics", type=FILE, help="statistics.json of weighted statistics. 统计结果文件。"),
    click.option("--job", help="Or the job that they came of, asked at your node. 或统计任务号。"),
    click.option("--config", type=OUTPUT, help=f"With --job: your settings, like {EXAMPLE}. 配置文件。"),
    click.option("--recipe", type=FILE, help="TOML like examples/sba/recipe.toml. 本行字段分箱与模型材料。"),
    click.option("--own", type=FILE, help="CSV of the labelled companies, with uscc. 本行自有字段。"),
    click.option("--labels", type=FILE, help="CSV of uscc,class, as registered. 已登记的标签文件。"),
)
_OPTIONS = (
    click.option("--name", required=True, help="Of the card. 评分卡名称。"),
    click.option("--version", default="1.0.0", show_default=True, help="Of the card. 版本。"),
    click.option("--development", multiple=True, metavar=_PAIR, help="Classes; good,bad. 开发样本类别,可多次。"),
    click.option("--out-of-time", multiple=True, metavar=_PAIR, help="Later classes. 跨期样本类别,可多次。"),
    click.option(
        "--max-bits",
        type=click.FloatRange(1, 12),
        help="Fit the scale to a reviewer who allows so many bits a score. 按审查方的信息量上限选取分值刻度。",
    ),
    click.option(
        "--points-to-double-odds",
        type=click.IntRange(1, 1000),
        default=_SCALE.points_to_double_odds,
        show_default=True,
        help="The finest with --max-bits. 好坏比翻倍的分值。",
    ),
    click.option("--base-score", type=int, default=_SCALE.base_score, show_default=True, help="基准分。"),
    click.option(
        "--base-odds",
        type=click.FloatRange(0, min_open=True),
        default=float(_SCALE.base_odds),
        show_default=True,
        help="Good to bad at the base score. 基准好坏比。",
    ),
    click.option(
        "--least-information",
        type=click.FloatRange(0),
        default=LEAST_INFORMATION,
        show_default=True,
        help="IV below which a feature is left out. 入选的最低信息值。",
    ),
    click.option(
        "--most-correlation",
        type=click.FloatRange(0, 1),
        default=MOST_CORRELATION,
        show_default=True,
        help="Of two features' WOE, where known. 特征间相关上限。",
    ),
    click.option("--most-features", type=click.IntRange(1), help="特征数上限。"),
    click.option(
        "--most-bins",
        type=click.IntRange(1, 100),
        default=_MERGING.most_bins,
        show_default=True,
        help="Beside the one for missing. 每一特征的分箱上限。",
    ),
    click.option(
        "--least-percent",
        type=click.FloatRange(0, 50),
        default=float(100 * _MERGING.least_share),
        show_default=True,
        help="Of the rows in a bin. 每箱最低占比。",
    ),
    click.option("--output", type=OUTPUT, default=Path("scorecard.json"), show_default=True, help="评分卡文件。"),
    click.option("--report", type=OUTPUT, help="CSV of the bins with WOE and points. 分箱报告。"),
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; what is wrong with what they name is the command's last line."""

    @wraps(command)
    def building(**given: Any) -> None:  # noqa: ANN401 -- options of many types
        try:
            command(**given)
        except FAULTS as error:
            raise click.ClickException(str(error)) from error

    for option in reversed((*_INPUTS, *_OPTIONS)):
        building = option(building)
    return building


@click.command()
@_options
def build(
    *,
    statistics: Path | None,
    job: str | None,
    config: Path | None,
    recipe: Path | None,
    own: Path | None,
    labels: Path | None,
    output: Path,
    report: Path | None,
    **given: Any,  # noqa: ANN401 -- options of many types
) -> None:
    """Build a scorecard from departments' statistics over your labels, with your own columns beside.

    由各部门就本行标签给出的统计、连同本行自有字段,建立可直接提交审查的评分卡。

    Features are chosen by information value, the noise's bias taken off; points follow from weights of evidence.
    The card's dossier says that its AUC and KS are not measured yet: score your own cohort with it, then tell.
    """
    said = RecipeFile() if recipe is None else read_recipe(recipe)
    result = _result(statistics, job, config)
    card = card_of(result, _own(result, own, labels, said), _wish(given, said))
    write_atomically(output, card.file, mode=MODE)
    _show(wide_console(), card)
    click.echo(output, err=True)
    if report is not None:
        frame = points_frame(card).to_csv(index=False, lineterminator="\n")
        write_atomically(report, frame.encode(), mode=MODE)
        click.echo(report, err=True)


def _show(console: Console, card: Card) -> None:
    console.print(information_table(card))
    console.print(points_table(card))
    if card.later:
        console.print(later_table(card))
    for line in remarks(card):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _result(statistics: Path | None, job: str | None, config: Path | None) -> StatisticsResult:
    if (statistics is None) == (job is None) or (job is not None and config is None):
        raise click.UsageError("give either --statistics, or --job with --config")
    if statistics is not None:
        try:
            return decode(statistics.read_bytes(), StatisticsResult)
        except (FormatError, OSError) as error:
            raise RecipeError(f"{statistics}: {error}; give the statistics.json that a job left") from error
    assert job is not None and config is not None  # noqa: PT018, S101 -- for the type checker: checked above
    with open_node(config) as node:
        return node.statistics(job)


def _own(result: StatisticsResult, own: Path | None, labels: Path | None, said: RecipeFile) -> OwnSample:
    if own is None and labels is None:
        return OwnSample()
    if own is None or labels is None:
        raise click.UsageError("--own and --labels go together: columns, and the classes of the companies")
    return own_sample(own, said.own_bins, said.decimals, read_labels(labels), result.classes)


def _wish(given: dict[str, Any], said: RecipeFile) -> Wish:
    developed = _period(given["development"] or ("good,bad",))
    merging = replace(
        _MERGING, least_share=Fraction(str(given["least_percent"])) / 100, most_bins=given["most_bins"]
    )
    scale = Scale(given["base_score"], Fraction(str(given["base_odds"])), given["points_to_double_odds"])
    recipe = Recipe(
        good=developed.good,
        bad=developed.bad,
        merging=merging,
        least_information=given["least_information"],
        most_correlation=given["most_correlation"],
        most_features=given["most_features"],
        scale=scale,
    )
    bits = given["max_bits"]
    return Wish(
        given["name"],
        given["version"],
        recipe,
        limits=None if bits is None else Limits(max_bits=bits),
        later=_period(given["out_of_time"]) if given["out_of_time"] else None,
        dossier=said.dossier,
    )


def _period(pairs: Sequence[str]) -> Period:
    """Give the classes of pairs like good-2004,bad-2004."""
    good, bad = [], []
    for pair in pairs:
        one, _, other = pair.partition(",")
        if not one or not other or "," in other:
            raise RecipeError(f"{pair}: write a class of good ones, a comma, a class of bad ones")
        good.append(one)
        bad.append(other)
    return Period(tuple(dict.fromkeys(good)), tuple(dict.fromkeys(bad)))
