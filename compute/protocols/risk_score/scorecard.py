"""A bank's scorecard: its file format, its rules, and its points as exact integers.

The file is JSON::

    {"name", "version", "higher_is", "points_to_double_odds", "base_points",
     "sources": {product id: [feature …]}, "local": [feature …], "dossier"?: {…},
     "bands"?: {"cuts": [score …], "names": [name …]}}

A feature is ``{"kind": "category", "column", "prefix"?, "bins": [{"values": […], "points"}],
"other_or_missing_points"}`` or ``{"kind": "number", "column", "edges", "points", "missing_points"}``; with edges
e_1 < … < e_k the k+1 points belong to x < e_1, e_1 ≤ x < e_2, …, x ≥ e_k.

score = base_points + the points of the sources' features + the points of the local features.

With bands the bank learns a subject's band and never its score: with cuts c_1 < … < c_k the k+1 names, the lowest
band's first, belong to scores below c_1, from c_1 to below c_2, …, from c_k on. Such a card has no local features:
points that the bank sets for each subject would move the cuts for each subject, and so find its score. What the
bank knows itself it puts beside the band, in a matrix of its own.

The dossier is for the model's reviewer (:mod:`compute.protocols.risk_score.dossier`), with figures as decimals of
at most four places::

    {"author", "purpose", "population", "bad_definition", "development": sample, "validation": sample | null,
     "stability_index"}

A sample is ``{"first_day", "last_day", "rows", "bad", "auc", "ks"}``. ``auc``, ``ks`` and ``stability_index`` are
null where they are not measured yet.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal, NoReturn

import msgspec
from msgspec import Meta

from compute.binning import BinningError, Bins, CategoryBins, NumberBins
from compute.canonical import Name, Version
from compute.paillier.encoding import FixedPoint
from compute.protocols.risk_score.bands import MAX_CUTS, BandError, Bands
from compute.protocols.risk_score.dossier import PARTS, Dossier
from compute.protocols.risk_score.messages import MAX_FEATURES

MAX_SCORECARD_BYTES = 2**20
MAX_DECIMALS = 3
MAX_NUMBER_CHARACTERS = 24
EDGE_DIGITS = 14
MAX_BASE_POINTS = 1_000_000
MAX_POINTS = 1000
"""A feature's points lie in ±MAX_POINTS. The slots' width follows from this and not from the model, so that the
layout of a job tells providers nothing about it."""

_BAND_NAME = "a letter or digit, then up to 39 letters, digits, spaces or . _ + - ( )"
BandName = Annotated[str, Meta(pattern=r"\A\w[\w .()+-]{0,39}\Z", description=_BAND_NAME)]
"""Nothing that a table of results would take for a formula."""


class ScorecardError(ValueError):
    """The scorecard has a gap, an overlap, points beyond the bound, or is not in the format."""


@dataclass(frozen=True)
class Feature:
    """A column's bins and the points of each, in units of 10^-decimals; the last bin is for missing."""

    bins: Bins
    points: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True)
class Scorecard:
    """A checked scorecard, its features and bins sorted; all points are integers in units of 10^-decimals."""

    name: str
    version: str
    decimals: int
    base_points: int = field(repr=False)
    sources: dict[str, tuple[Feature, ...]]
    local: tuple[Feature, ...]
    dossier: Dossier | None = None
    cuts: tuple[int, ...] | None = None
    """Of the total over the sources, in units: the cuts of the score less the base points."""
    band_names: tuple[str, ...] = ()

    @property
    def points_bound(self) -> int:
        """The largest magnitude of one feature's points in units; added to a table's entries it makes them ≥ 0."""
        return MAX_POINTS * int(10**self.decimals)


def sum_points(features: Sequence[Feature], codes: Sequence[bytes], rows: int) -> list[int]:
    """Give each row's sum of points in units; ``codes`` holds one column of ``rows`` codes per feature."""
    sums = [0] * rows
    for feature, column in zip(features, codes, strict=True):
        for row, code in zip(range(rows), column, strict=True):
            sums[row] += feature.points[code]
    return sums


def parse_scorecard(data: bytes) -> Scorecard:
    """Give the scorecard, or raise :class:`ScorecardError` naming the place in the file and what to change."""
    if len(data) > MAX_SCORECARD_BYTES:
        raise ScorecardError(f"the file has {len(data)} bytes; a scorecard has at most {MAX_SCORECARD_BYTES}")
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_no_constant,
        )
        card = msgspec.convert(document, _Card, builtin_types=(Decimal,))
    except (msgspec.ValidationError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ScorecardError(f"not a scorecard: {error}") from error
    if abs(Decimal(card.base_points)) > MAX_BASE_POINTS:
        raise ScorecardError(f"base_points lie beyond ±{MAX_BASE_POINTS}; rescale the card")
    fixed = FixedPoint(_decimals(card))
    sources = {product: _features(f"sources.{product}", specs, fixed) for product, specs in card.sources.items()}
    base = fixed.encode(card.base_points)
    cuts, names = (None, ()) if card.bands is None else _bands(card, card.bands, fixed, base, sources)
    return Scorecard(
        card.name,
        card.version,
        fixed.decimals,
        base,
        sources,
        _features("local", card.local, fixed),
        None if card.dossier is None else _dossier(card.dossier),
        cuts,
        names,
    )


_Exact = int | Decimal


class _Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    values: Annotated[tuple[str, ...], Meta(min_length=1)]
    points: _Exact


class _Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    column: Name


class _Category(_Spec, frozen=True, tag="category"):
    bins: tuple[_Group, ...]
    other_or_missing_points: _Exact
    prefix: int | None = None

    def to_bins(self) -> Bins:
        groups = [tuple(sorted(group.values)) for group in self._sorted()]
        return msgspec.convert(
            {"type": "category_bins", "column": self.column, "groups": groups, "prefix": self.prefix},
            CategoryBins,
        )

    def all_points(self) -> list[_Exact]:
        return [*(group.points for group in self._sorted()), self.other_or_missing_points]

    def _sorted(self) -> list[_Group]:
        """The bins by their least value: the file's own order may follow the points."""
        return sorted(self.bins, key=lambda group: min(group.values))


class _Number(_Spec, frozen=True, tag="number"):
    edges: tuple[_Exact, ...]
    points: tuple[_Exact, ...]
    missing_points: _Exact

    def to_bins(self) -> Bins:
        edges = tuple(_shortest(Decimal(edge)) for edge in self.edges)
        return msgspec.convert({"type": "number_bins", "column": self.column, "edges": edges}, NumberBins)

    def all_points(self) -> list[_Exact]:
        return [*self.points, self.missing_points]


_Specs = Annotated[tuple[_Category | _Number, ...], Meta(max_length=MAX_FEATURES)]


class _Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    first_day: str
    last_day: str
    rows: int
    bad: int
    auc: _Exact | None
    ks: _Exact | None


class _Dossier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    author: str
    purpose: str
    population: str
    bad_definition: str
    development: _Sample
    stability_index: _Exact | None
    validation: _Sample | None = None


class _Bands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cuts: Annotated[tuple[_Exact, ...], Meta(min_length=1, max_length=MAX_CUTS)]
    names: tuple[BandName, ...]


class _Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    version: Version
    higher_is: Literal["safer"]
    points_to_double_odds: _Exact
    base_points: _Exact
    sources: Annotated[dict[Name, Annotated[_Specs, Meta(min_length=1)]], Meta(min_length=1)]
    local: _Specs
    dossier: _Dossier | None = None
    bands: _Bands | None = None


def _bands(
    card: _Card, given: _Bands, fixed: FixedPoint, base: int, sources: dict[str, tuple[Feature, ...]]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Give the cuts of the total over the sources, and the bands' names."""
    if card.local:
        raise ScorecardError("bands: a card with bands has no local features; put them beside the band")
    if len(given.names) != len(given.cuts) + 1 or len(set(given.names)) != len(given.names):
        raise ScorecardError(f"bands: {len(given.cuts)} cuts make {len(given.cuts) + 1} bands; name each once")
    if any(abs(Decimal(cut)) > MAX_BASE_POINTS for cut in given.cuts):
        raise ScorecardError(f"bands: a cut lies beyond ±{MAX_BASE_POINTS}; rescale the card")
    cuts = tuple(fixed.encode(cut) - base for cut in given.cuts)
    try:
        Bands.over([feature.points for features in sources.values() for feature in features], cuts)
    except BandError as error:
        raise ScorecardError(f"bands: {error}") from error
    return cuts, given.names


def _dossier(given: _Dossier) -> Dossier:
    members = msgspec.structs.asdict(given) | {
        "development": _sample("development", given.development),
        "validation": None if given.validation is None else _sample("validation", given.validation),
        "stability_index": _parts("dossier.stability_index", given.stability_index),
    }
    try:
        return msgspec.convert({"type": "dossier", **members}, Dossier)
    except msgspec.ValidationError as error:
        raise ScorecardError(f"dossier: {error}") from error


def _sample(name: str, given: _Sample) -> dict[str, object]:
    figures = {each: _parts(f"dossier.{name}.{each}", getattr(given, each)) for each in ("auc", "ks")}
    return {"type": "sample", **msgspec.structs.asdict(given), **figures}


def _parts(place: str, figure: _Exact | None) -> int | None:
    """The figure in whole ten-thousandths, if there is one."""
    if figure is None:
        return None
    parts = Decimal(figure) * PARTS
    if parts != parts.to_integral_value():
        raise ScorecardError(f"{place}: {figure} has more than four decimals; round it")
    return int(parts)


def _features(place: str, specs: Sequence[_Category | _Number], fixed: FixedPoint) -> tuple[Feature, ...]:
    columns = [spec.column for spec in specs]
    for index, spec in enumerate(specs):
        if spec.column in columns[:index]:
            raise ScorecardError(f"{place}[{index}]: the column {spec.column} stands twice; merge the features")
    features = [_feature(f"{place}[{index}]", spec, fixed) for index, spec in enumerate(specs)]
    return tuple(sorted(features, key=lambda feature: feature.bins.column))


def _feature(place: str, spec: _Category | _Number, fixed: FixedPoint) -> Feature:
    try:
        bins = spec.to_bins()
    except (BinningError, msgspec.ValidationError) as error:
        raise ScorecardError(f"{place}: {error}") from error
    values = spec.all_points()
    if len(values) != bins.size:
        raise ScorecardError(
            f"{place}: bins have a gap: {len(values) - 1} points where the edges make {bins.size - 1} bins"
        )
    for value in values:
        if abs(Decimal(value)) > MAX_POINTS:
            raise ScorecardError(f"{place}: {value} points overflow the bound of ±{MAX_POINTS}; rescale the card")
    return Feature(bins, tuple(map(fixed.encode, values)))


def _decimals(card: _Card) -> int:
    """The most decimals that any number of points has: every score is exact in that unit."""
    specs = [*card.local, *(spec for specs in card.sources.values() for spec in specs)]
    cuts = () if card.bands is None else card.bands.cuts
    numbers = [card.base_points, *cuts, *(value for spec in specs for value in spec.all_points())]
    exponents = [-int(Decimal(number).normalize().as_tuple().exponent) for number in numbers if number]
    decimals = max([0, *exponents])
    if decimals > MAX_DECIMALS:
        raise ScorecardError(f"points have {decimals} decimals; round them to at most {MAX_DECIMALS}")
    return decimals


def _shortest(edge: Decimal) -> str:
    """The edge without exponent or needless zeros, as :data:`compute.binning.Edge` wants it."""
    if edge.adjusted() >= EDGE_DIGITS or len(edge.as_tuple().digits) > 2 * EDGE_DIGITS:
        raise BinningError(f"the edge {edge} has too many digits; use at most {EDGE_DIGITS} before the point")
    return format(edge.normalize() if edge else Decimal(0), "f")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise ScorecardError(f"the key {key!r} stands twice in one object; keep one")
        document[key] = value
    return document


def _number(text: str) -> int | Decimal:
    """An exact number of bounded size, so that arithmetic on it is exact and quick whatever the file says."""
    mantissa, _, exponent = text.lower().partition("e")
    if len(text) > MAX_NUMBER_CHARACTERS or (exponent and abs(int(exponent)) > MAX_NUMBER_CHARACTERS):
        raise ScorecardError(f"a number is longer than {MAX_NUMBER_CHARACTERS} digits; round it and write it out")
    return Decimal(text) if exponent or "." in mantissa else int(text)


def _no_constant(name: str) -> NoReturn:
    raise ScorecardError(f"{name} is not a number")
