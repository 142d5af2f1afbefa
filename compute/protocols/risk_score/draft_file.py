"""A drafted scorecard as the file that models register in, and a registered one as a draft."""

import json
from collections.abc import Mapping
from decimal import Decimal

from compute.binning import CategoryBins
from compute.paillier.encoding import FixedPoint
from compute.protocols.risk_score.scorecard import Feature, Scorecard, ScorecardError, parse_scorecard
from compute.statistics.draft import Draft, DraftFeature

_Json = dict[str, object]


def render(draft: Draft, dossier: Mapping[str, object] | None = None) -> bytes:
    """Give the card's file; ``dossier`` as the format wants it (compute/protocols/risk_score/scorecard.py).

    Raises :class:`ScorecardError` if points lie beyond the format's bounds or the card asks no product.
    """
    sources: dict[str, list[_Json]] = {}
    local: list[_Json] = []
    for feature in draft.features:
        place = local if feature.source is None else sources.setdefault(feature.source, [])
        place.append(_spec(feature))
    card: _Json = {
        "name": draft.name,
        "version": draft.version,
        "higher_is": "safer",
        "points_to_double_odds": draft.points_to_double_odds,
        "base_points": _number(draft.base_points),
        "sources": sources,
        "local": local,
    }
    if dossier is not None:
        card["dossier"] = _plain(dossier)
    data = json.dumps(card, ensure_ascii=False, indent=1).encode() + b"\n"
    parse_scorecard(data)
    return data


def with_dossier(data: bytes, version: str, dossier: Mapping[str, object]) -> bytes:
    """Give a card's file with the dossier, under a version of its own: the first is registered without one."""
    parse_scorecard(data)
    card = json.loads(data, parse_float=Decimal)
    card |= {"version": version, "dossier": dict(dossier)}
    new = json.dumps(_plain(card), ensure_ascii=False, indent=1).encode() + b"\n"
    parse_scorecard(new)
    return new


def to_draft(card: Scorecard, points_to_double_odds: int) -> Draft:
    """Give a card as a draft, to export it; bands and dossier stay behind. Points are exact decimals."""
    fixed = FixedPoint(card.decimals)
    parts: list[tuple[str | None, Feature]] = [
        *((product, feature) for product, features in sorted(card.sources.items()) for feature in features),
        *((None, feature) for feature in card.local),
    ]
    features = tuple(
        DraftFeature(source, feature.bins, tuple(map(fixed.decode, feature.points))) for source, feature in parts
    )
    return Draft(card.name, card.version, points_to_double_odds, fixed.decode(card.base_points), features)


def _spec(feature: DraftFeature) -> _Json:
    bins = feature.bins
    points = [_number(each) for each in feature.points]
    if len(points) != bins.size:
        raise ScorecardError(f"{feature.name}: {len(points)} points for {bins.size} bins; give one for each")
    if isinstance(bins, CategoryBins):
        groups = [
            {"values": list(group), "points": each} for group, each in zip(bins.groups, points[:-1], strict=True)
        ]
        prefix: _Json = {} if bins.prefix is None else {"prefix": bins.prefix}
        return {
            "column": bins.column,
            "kind": "category",
            **prefix,
            "bins": groups,
            "other_or_missing_points": points[-1],
        }
    edges = [_number(Decimal(edge)) for edge in bins.edges]
    return {
        "column": bins.column,
        "kind": "number",
        "edges": edges,
        "points": points[:-1],
        "missing_points": points[-1],
    }


def _number(value: Decimal) -> int | float:
    """A JSON number that reads back exactly: what has at most 15 digits does as a float's shortest form."""
    whole = value.to_integral_value()
    if whole == value:
        return int(whole)
    if Decimal(repr(float(value))) != value:
        raise ScorecardError(f"{value} has too many digits for a file; round it")
    return float(value)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
