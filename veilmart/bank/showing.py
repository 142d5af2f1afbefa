"""Statistics and prechecks as tables for a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from catalog.vocabulary import label as word
from compute.grid import label
from compute.node.console.statistics_messages import (
    Prechecks,
    ProviderPrecheck,
    ProviderStatistics,
    ResultTable,
    StatisticsResult,
)
from compute.node.console.told_frames import moments_frame
from compute.node.console.told_tables import scale_of
from compute.statistics.discrete_laplace import quantile
from compute.statistics.intervals import LEVEL

WITHHELD = "—"
TABLE_WIDTH = 120
"""Characters, where the output is no terminal, which has a width of its own."""
WHOLE = 1000
"""From here on numbers are shown without decimals."""
PRESENT_ONLY = "现值,不得用于建模 current values, not for model development"


def wide_console() -> Console:
    """Give the terminal, where cells fold to its width; what is no terminal is wide enough for most."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, TABLE_WIDTH)
    return console


def result_tables(result: StatisticsResult) -> Iterator[Group | Table]:
    """Give a table for each histogram and cross-table, and one for all moments."""
    for told in result.providers:
        for table in told.tables:
            if table.measure == "companies":
                yield _companies(told, table, result.classes)
    moments = moments_frame(result)
    if len(moments):
        shown = new_table(
            "矩 Moments",
            ("提供方 Provider", "字段 Column", "类别 Class", "指标 Figure"),
            ("值 Value", "95%"),
            keep_first=True,
        )
        for row in moments.to_dict("records"):
            known = not row["withheld"]
            value = _figure(row["value"]) if known else WITHHELD
            interval = f"{_figure(row['low'])} – {_figure(row['high'])}" if known else ""
            add_cells(shown, row["provider"], row["column"], row["class"], row["figure"], value, interval)
        yield shown


def _figure(value: float) -> str:
    """Give four digits, and all of those before the point."""
    return f"{value:.4g}" if abs(value) < WHOLE else f"{value:.0f}"


def precheck_table(prechecks: Prechecks) -> Group:
    """What a request would tell and cost, at each provider; below, a line for each thing to know."""
    shown = new_table(
        "预检 Precheck",
        ("提供方 Provider",),
        ("数值 Numbers", "噪声上限 Noise ≤", "ε", "余额 ε left", "快照 Snapshot", "用时 Time"),
        keep_first=True,
    )
    for each in prechecks.providers:
        add_cells(shown, each.provider, *_checked(each))
    add_cells(shown, "合计 all", *[""] * 5, f"{prechecks.estimated_milliseconds / 1000:.1f} s")
    notes = [Text(f"{each.provider}: {note}") for each in prechecks.providers for note in _notes(each)]
    return Group(shown, *notes)


def _notes(each: ProviderPrecheck) -> Iterator[str]:
    found = each.precheck
    if found is None:
        yield f"拒绝或未答 refused or not answered: {each.reason}; {each.remedy}"
    elif found.is_present_only:
        yield PRESENT_ONLY
    if found is not None and found.is_stored:
        yield "已答过,不再计费 answered before, at no cost"
    if found is not None and found.milliepsilon > found.bank_left:
        yield "余额不足,将被拒绝 more than what is left of the budget: it would be refused"


def _checked(each: ProviderPrecheck) -> Sequence[str]:
    found = each.precheck
    if found is None:
        return [WITHHELD] * 6
    return (
        str(found.cells),
        str(found.bound),
        f"{found.milliepsilon / 1000:g}",
        f"{found.bank_left / 1000:g}",
        found.snapshot_date,
        f"{found.milliseconds / 1000:.1f} s",
    )


def _companies(told: ProviderStatistics, table: ResultTable, classes: tuple[str, ...]) -> Group:
    """A table between lines that are wider than it may be."""
    reach = quantile(scale_of(table), 1, LEVEL)
    noise = f" ± {reach} (95%)" if reach else ""
    present = f", {PRESENT_ONLY}" if told.is_present_only else ""
    title = f"{told.provider}: {' × '.join(table.columns)}, {told.snapshot_date}{noise}{present}"
    shown = new_table("", tuple(f"分箱 {bins.column}" for bins in table.bins), classes)
    for cell, numbers in enumerate(table.numbers):
        add_cells(shown, *_labels(table, cell), *(numbers or [WITHHELD] * len(classes)))
    reasons = [f"{word('suppression', each, 'zh')} {word('suppression', each, 'en')}" for each in table.reasons]
    notes = [Text(f"{WITHHELD} {'; '.join(reasons)}")] if reasons else []
    return Group(Text(title), shown, *notes)


def _labels(table: ResultTable, cell: int) -> Sequence[str]:
    if len(table.bins) == 1:
        return (label(table.bins[0], cell),)
    first, second = table.bins
    row, column = divmod(cell, second.size)
    return label(first, row), label(second, column)


def new_table(title: str, texts: Sequence[str], numbers: Sequence[str], *, keep_first: bool = False) -> Table:
    """Give a table without rows, its columns of texts and then those of numbers; the first may be kept whole."""
    table = Table(title=Text(title) if title else None, title_justify="left")
    for place, column in enumerate(texts):
        table.add_column(_header(column), overflow="fold", no_wrap=keep_first and place == 0)
    for column in numbers:
        table.add_column(_header(column), justify="right", overflow="fold")
    return table


def _header(column: str) -> Text:
    """Give the Chinese over the English: a column is no wider than what is in it needs."""
    first, space, other = column.partition(" ")
    return Text(f"{first}\n{other}" if space and not first.isascii() else column)


def add_cells(table: Table, *cells: str) -> None:
    """Add a row."""
    table.add_row(*map(Text, cells))  # as text: a bracket in it is no markup
