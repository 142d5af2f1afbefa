"""Which measures an analyst wants of finished statistics: good and bad classes, merging, what is compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TypedDict, Unpack

from compute.statistics.intervals import LEVEL
from compute.statistics.merge_rules import MergeRule, parse_rule
from compute.statistics.released import StatisticsError

QUARTILES = ("0.25", "0.5", "0.75")


class MeasuringError(ValueError):
    """Measures that cannot be computed: which, and what to do."""


@dataclass(frozen=True)
class Measuring:
    """What is wanted; with no good and no bad class, only what needs neither."""

    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    merge: tuple[MergeRule, ...] = ()
    """Applied in their order."""
    between: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """Classes expected and actual, for the stability index."""
    class_values: Mapping[str, Fraction] = field(default_factory=dict)
    quantiles: tuple[Fraction, ...] = ()
    level: float = LEVEL

    @property
    def has_sides(self) -> bool:
        """Give whether good and bad are told apart."""
        return bool(self.good)

    def require(self, classes: Sequence[str]) -> None:
        """Return if the classes of the labels have all that are named; raise :class:`MeasuringError` if not."""
        named = (*self.good, *self.bad, *self.class_values)
        if self.between is not None:
            named += (*self.between[0], *self.between[1])
        unknown = sorted(set(named) - set(classes))
        if unknown:
            raise MeasuringError(f"there is no class {unknown[0]}; the labels have {', '.join(classes)}")


class MeasuringOptions(TypedDict, total=False):
    """The same as people write it."""

    good: Sequence[str]
    bad: Sequence[str]
    merge: Sequence[str]
    """``quantile:5``, ``monotonic``, ``rare:0.05``."""
    between: str | None
    """``EXPECTED,ACTUAL``, several classes of either joined by ``+``."""
    class_values: Sequence[str]
    """``CLASS=NUMBER``."""
    quantiles: Sequence[str]
    level: float


def measuring_of(**options: Unpack[MeasuringOptions]) -> Measuring:
    """Give the measures of options; raise :class:`MeasuringError`."""
    good, bad = tuple(options.get("good", ())), tuple(options.get("bad", ()))
    if bool(good) != bool(bad):
        raise MeasuringError("name both the good classes and the bad ones, or neither")
    if twice := sorted(name for name in {*good, *bad} if (*good, *bad).count(name) > 1):
        raise MeasuringError(f"the class {twice[0]} is named twice among good and bad; a row is of one")
    try:
        merge = tuple(map(parse_rule, options.get("merge", ())))
    except StatisticsError as error:
        raise MeasuringError(str(error)) from error
    if merge and not good:
        raise MeasuringError("bins are merged on good and bad rows; name the classes of both")
    level = options.get("level", LEVEL)
    if not 0 < level < 1:
        raise MeasuringError(f"the level {level} is no chance; give one between 0 and 1")
    return Measuring(
        good,
        bad,
        merge,
        _between(options.get("between")),
        _values(options.get("class_values", ())),
        tuple(map(_share, options.get("quantiles", QUARTILES))),
        level,
    )


def _between(text: str | None) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    if text is None:
        return None
    sides = [tuple(side.split("+")) for side in text.split(",")]
    if len(sides) != 2 or "" in (*sides[0], *sides[-1]):  # noqa: PLR2004 -- expected and actual
        raise MeasuringError(f"{text}: write EXPECTED,ACTUAL, each a class or several joined by +")
    if shared := sorted(set(sides[0]) & set(sides[1])):
        raise MeasuringError(f"{text}: the class {shared[0]} stands on both sides; a row is of one")
    return sides[0], sides[1]


def _values(given: Sequence[str]) -> dict[str, Fraction]:
    values: dict[str, Fraction] = {}
    for each in given:
        name, _, number = each.rpartition("=")
        if not name or name in values:
            raise MeasuringError(f"{each}: write CLASS=NUMBER, each class once")
        values[name] = _number(each, number)
    if len(values) == 1 or (values and len(set(values.values())) == 1):
        raise MeasuringError("a correlation needs two classes of different values; give more")
    return values


def _share(text: str) -> Fraction:
    share = _number(text, text)
    if not 0 < share < 1:
        raise MeasuringError(f"the quantile {text} lies beyond the values; give one between 0 and 1, like 0.5")
    return share


def _number(what: str, text: str) -> Fraction:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise MeasuringError(f"{what}: {text!r} is no number; write it like 1 or 0.5")
    return Fraction(number)
