"""toad's scorecard: ``ScoreCard.export()`` (column → label → points) with its combiner's rules, in and out.

Labels of number bins are ``[-inf ~ 3.0)``, ``[3.0 ~ inf)`` and ``nan`` for missing; of categories the values
joined by commas, with ``nan`` among them for missing and ``else`` for whatever is in no other. Exported points
have two decimals; they hold the card's base in equal parts. The combiner's rules (column → split points, or
lists of values) are needed where a value holds a comma. toad's WOE has the other sign, its points have the
same: higher is safer.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from compute.binning import NumberBins
from compute.statistics.draft import Draft
from compute.statistics.imported import ImportedCard, ImportedColumn, ImportedTableError, Target, assemble
from compute.statistics.optbinning_table import shares

_RANGE = re.compile(r"\A\[(-inf|-?[0-9.eE+-]+) ~ (inf|-?[0-9.eE+-]+)\)\Z")
_MISSING, _ELSE = "nan", "else"

Card = Mapping[str, Mapping[str, float]]
Rules = Mapping[str, Sequence[object]]


def read_card(card: Card, target: Target, rules: Rules | None = None) -> ImportedCard:
    """Give the card of toad's export, points rounded, a half up.

    Without a ``nan`` bin toad puts missing numbers where its fill value falls and gives unknown categories the
    least points: neither is written in the card, so :class:`MissingBinError` asks for them.
    """
    columns = [_column(name, labels, (rules or {}).get(name)) for name, labels in card.items()]
    return assemble(columns, target)


def _column(name: str, labels: Mapping[str, float], rule: Sequence[object] | None) -> ImportedColumn:
    if not labels:
        raise ImportedTableError(f"{name}: the card has no bin of this column; leave it out")
    values = {label: Decimal(str(points)) for label, points in labels.items()}
    if all(_RANGE.match(label) or label == _MISSING for label in labels):
        return _numbers(name, values, rule)
    return _categories(name, values, rule)


def _numbers(name: str, values: Mapping[str, Decimal], rule: Sequence[object] | None) -> ImportedColumn:
    ranges = [(match[1], match[2]) for match in map(_RANGE.match, values) if match]
    if not ranges or ranges[0][0] != "-inf" or ranges[-1][1] != "inf":
        raise ImportedTableError(f"{name}: the ranges must go from -inf to inf; export the card anew")
    if any(high != low for (_, high), (low, _) in pairwise(ranges)):
        raise ImportedTableError(f"{name}: the ranges have a gap or an overlap; export the card anew")
    edges = tuple(Decimal(low) for low, _ in ranges[1:])
    if rule is not None and [Decimal(str(each)) for each in rule if str(each) != _MISSING] != list(edges):
        raise ImportedTableError(f"{name}: the combiner's splits are not the card's; export both of one model")
    points = tuple(value for label, value in values.items() if label != _MISSING)
    return ImportedColumn(name, edges, (), points, values.get(_MISSING))


def _categories(name: str, values: Mapping[str, Decimal], rule: Sequence[object] | None) -> ImportedColumn:
    groups: list[tuple[str, ...]] = []
    points: list[Decimal] = []
    missing, other = None, values.get(_ELSE)
    lists = [_split(label) for label in values] if rule is None else [_listed(name, each) for each in rule]
    if len(lists) != len(values):
        raise ImportedTableError(f"{name}: the combiner has {len(lists)} groups, the card {len(values)}")
    for group, (label, value) in zip(lists, values.items(), strict=True):
        if label != ",".join(group):
            raise ImportedTableError(f"{name}: the combiner's group {group} is not the card's {label}")
        if group == (_ELSE,):
            continue
        if _MISSING in group:
            missing = value
        kept = tuple(each for each in group if each != _MISSING)
        if kept:
            groups.append(kept)
            points.append(value)
    if missing is not None and other is not None and missing != other:
        raise ImportedTableError(
            f"{name}: nan has {missing} points and else {other}, but both share one bin here; merge them"
        )
    return ImportedColumn(name, None, tuple(groups), tuple(points), other if missing is None else missing)


def _split(label: str) -> tuple[str, ...]:
    return tuple(label.split(","))


def _listed(name: str, group: object) -> tuple[str, ...]:
    if group == _ELSE:
        return (_ELSE,)
    if isinstance(group, str) or not isinstance(group, Sequence):
        raise ImportedTableError(f"{name}: the combiner's rule {group} is no list of values")
    return tuple(str(value) for value in group)


def write_card(draft: Draft) -> tuple[dict[str, dict[str, float]], dict[str, list[object]]]:
    """Give the card and the combiner's rules as toad loads them; the base points are shared out over the features.

    The bin for other and missing values is ``nan`` of numbers; of categories it is ``else``, which takes
    ``nan`` too. Raises :class:`ImportedTableError` for a value that toad would read as two, or as something
    else.
    """
    card: dict[str, dict[str, float]] = {}
    rules: dict[str, list[object]] = {}
    for feature, extra in zip(draft.features, shares(draft), strict=True):
        bins, points = feature.bins, [float(value + extra) for value in feature.points]
        if bins.column in card:
            raise ImportedTableError(f"{bins.column} stands twice in the card; toad knows columns by name alone")
        if isinstance(bins, NumberBins):
            edges = [float(edge) for edge in bins.edges]
            bounds = ["-inf", *map(str, edges), "inf"]
            labels = [f"[{low} ~ {high})" for low, high in pairwise(bounds)]
            rules[bins.column] = [*edges, float("nan")]
            card[bins.column] = dict(zip([*labels, _MISSING], points, strict=True))
        else:
            rules[bins.column] = [*(list(group) for group in bins.groups), _ELSE]
            card[bins.column] = dict(zip([*map(_label, bins.groups), _ELSE], points, strict=True))
    return card, rules


def _label(group: tuple[str, ...]) -> str:
    unfit = [value for value in group if "," in value or value in {_MISSING, _ELSE}]
    if unfit:
        raise ImportedTableError(f"toad would not read {unfit[0]!r} as a value; it cannot be exported there")
    return ",".join(group)
