"""The scorecard's file: what it says, against a reading of its own, and every file that says nothing certain."""

import copy
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import EXAMPLES

from compute.binning import CategoryBins, NumberBins, code_columns
from compute.protocols.risk_score.scorecard import (
    MAX_FEATURES,
    MAX_SCORECARD_BYTES,
    Feature,
    Scorecard,
    ScorecardError,
    parse_scorecard,
    sum_points,
)

SHIPPED = Path(__file__).parents[2] / "examples" / "sba" / "scorecard.json"
Document = dict[str, Any]
POINTS = st.integers(0, 3).flatmap(lambda places: st.decimals(-1000, 1000, places=places))
CARD: Document = {
    "name": "card",
    "version": "1.0.0",
    "higher_is": "safer",
    "points_to_double_odds": 20,
    "base_points": 500,
    "sources": {
        "registry": [
            {
                "kind": "category",
                "column": "state",
                "bins": [{"values": ["NY", "NJ"], "points": 10}, {"values": ["TX"], "points": -5}],
                "other_or_missing_points": 1,
            },
            {"kind": "number", "column": "age", "edges": [2, 5], "points": [-3, 0, 4], "missing_points": -1},
        ]
    },
    "local": [
        {
            "kind": "category",
            "column": "sector",
            "prefix": 2,
            "bins": [{"values": ["62"], "points": 7}],
            "other_or_missing_points": 0,
        }
    ],
}


def with_(path: str, value: object) -> Document:
    """CARD with one place changed: ``sources.registry.0.bins.0.points``; ``...`` removes it."""
    document = copy.deepcopy(CARD)
    *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = document
    for step in parents:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


def parse(document: Document) -> Scorecard:
    return parse_scorecard(json.dumps(document, ensure_ascii=False).encode())


def written(number: str, place: str = "@") -> bytes:
    """CARD with a number spelled as given, in the place of 4 points, 500 base points or the edge 5."""
    text = json.dumps(with_({"@": "sources.registry.1.points.2", "base": "base_points"}.get(place, place), "@"))
    return text.replace('"@"', number).encode()


def test_a_card_is_read() -> None:
    card = parse(CARD)
    assert (card.name, card.version, card.decimals, card.base_points) == ("card", "1.0.0", 0, 500)
    assert card.points_bound == 1000
    assert card.sources == {
        "registry": (
            Feature(NumberBins(column="age", edges=("2", "5")), (-3, 0, 4, -1)),
            Feature(CategoryBins(column="state", groups=(("NJ", "NY"), ("TX",))), (10, -5, 1)),
        )
    }
    assert card.local == (Feature(CategoryBins(column="sector", groups=(("62",),), prefix=2), (7, 0)),)


# --- the sum against a reading of the JSON that shares no code ------------------------------------------------


def oracle(spec: Document, value: str | None) -> Fraction:
    """The points of one feature for a value as text, straight from the file's words."""
    if spec["kind"] == "category":
        if value is not None:
            key = value[: spec["prefix"]] if "prefix" in spec else value
            for group in spec["bins"]:
                if key in group["values"]:
                    return Fraction(str(group["points"]))
        return Fraction(str(spec["other_or_missing_points"]))
    if value is None:
        return Fraction(str(spec["missing_points"]))
    index = len([edge for edge in spec["edges"] if Fraction(str(edge)) <= Fraction(value)])
    return Fraction(str(spec["points"][index]))


def coded(features: tuple[Feature, ...], rows: list[dict[str, str | None]], scale: int) -> list[bytes]:
    series, scales = {}, {}
    for feature in features:
        column = feature.bins.column
        values = [row[column] for row in rows]
        if isinstance(feature.bins, NumberBins):
            scales[column] = scale
            units = [None if v is None else int(Fraction(v) * 10**scale) for v in values]
            series[column] = pd.Series(units, dtype="Int64")
        else:
            scales[column] = None
            series[column] = pd.Series(values, dtype=object)
    return code_columns([feature.bins for feature in features], pd.DataFrame(series), scales)


def assert_sums(document: Document, rows: list[dict[str, str | None]], scale: int = 0) -> None:
    card = parse(document)
    unit = 10**card.decimals
    for product, features in [*card.sources.items(), (None, card.local)]:
        specs = document["local"] if product is None else document["sources"][product]
        expected = [sum(oracle(spec, row[spec["column"]]) for spec in specs) * unit for row in rows]
        assert sum_points(features, coded(features, rows, scale), len(rows)) == expected


ROWS: list[dict[str, str | None]] = [
    {"state": "NY", "age": "1", "sector": "621111"},
    {"state": "TX", "age": "2", "sector": "62"},
    {"state": "CA", "age": "5", "sector": "6"},
    {"state": None, "age": None, "sector": None},
    {"state": "", "age": "-7", "sector": "44"},
]


def test_points_are_summed_as_the_file_says() -> None:
    card = parse(CARD)
    (features,) = card.sources.values()
    assert sum_points(features, coded(features, ROWS, 0), len(ROWS)) == [10 - 3, -5 + 0, 1 + 4, 1 - 1, 1 - 3]
    assert sum_points(card.local, coded(card.local, ROWS, 0), len(ROWS)) == [7, 7, 0, 0, 0]
    assert_sums(CARD, ROWS)


def test_points_with_decimals_are_exact() -> None:
    document = with_("sources.registry.0.bins.0.points", 12.5)
    document["local"][0]["other_or_missing_points"] = -0.125
    document["base_points"] = 500.25
    card = parse(document)
    assert (card.decimals, card.base_points, card.points_bound) == (3, 500_250, 1_000_000)
    assert card.sources["registry"][-1].points == (12_500, -5000, 1000)
    assert card.local[0].points == (7000, -125)
    assert_sums(document, ROWS)


def test_edges_with_decimals() -> None:
    document = with_("sources.registry.1.edges", [-0.5, 2.25])
    rows: list[dict[str, str | None]] = [
        {"state": "NY", "sector": None, "age": age} for age in ("-0.51", "-0.5", "2.24", "2.25", None)
    ]
    assert_sums(document, rows, scale=2)


@given(numbers=st.lists(POINTS, min_size=3, max_size=3))
def test_any_points_within_the_bound_are_exact(numbers: list[Decimal]) -> None:
    """The unit is the coarsest in which every number of points is an integer."""
    data = json.dumps(with_("sources.registry.1.points", "@")).replace('"@"', f"[{', '.join(map(str, numbers))}]")
    card = parse_scorecard(data.encode())
    units = [Fraction(number) * 10**card.decimals for number in numbers]
    assert list(card.sources["registry"][0].points) == [*units, -(10**card.decimals)]
    assert card.decimals == 0 or any((unit / 10).denominator > 1 for unit in units)


@pytest.mark.parametrize(
    ("number", "units", "decimals"),
    [
        ("4", 4, 0),
        ("4.0", 4, 0),
        ("4.50", 45, 1),
        ("-0.001", -1, 3),
        ("-0", 0, 0),
        ("-0.0", 0, 0),
        ("4e2", 400, 0),
        ("1E-2", 1, 2),
        ("1000", 1000, 0),
        ("-1000.000", -1000, 0),
        ("999.999", 999_999, 3),
    ],
)
def test_spellings_of_a_number(number: str, units: int, decimals: int) -> None:
    card = parse_scorecard(written(number))
    assert card.decimals == decimals
    assert card.sources["registry"][0].points[2] == units


def test_the_shipped_card_is_read() -> None:
    document = json.loads(SHIPPED.read_bytes())
    card = parse_scorecard(SHIPPED.read_bytes())
    assert (card.name, card.version, card.decimals, card.base_points) == ("sme-default", "1.0.0", 0, 500)
    assert {product: len(features) for product, features in card.sources.items()} == {
        "market-registration": 5,
        "social-insurance": 3,
    }
    assert len(card.local) == 3
    values: dict[str, list[str | None]] = {
        "urban_rural": ["urban", "rural", None],
        "business_age": ["new", "existing", "startup"],
        "franchise": ["yes", "no", None],
        "state": ["MT", "FL", "AK"],
        "naics": ["621111", "44", "99"],
        "employees": ["1", "2", "20"],
        "jobs_created": ["0", "6", None],
        "jobs_retained": ["1", "7", "8"],
        "revolving": ["yes", "no", None],
        "low_doc": ["no", "yes", None],
        "approved_usd": ["9999.99", "10000", "250000"],
    }
    rows = [{column: cells[i] for column, cells in values.items()} for i in range(3)]
    assert_sums(document, rows, scale=2)


def test_sums_need_a_column_per_feature() -> None:
    (features,) = parse(CARD).sources.values()
    for codes in ([b"\0"], [b"\0", b"\0", b"\0"], [b"\0", b"\0\0"]):
        with pytest.raises(ValueError, match=r"zip\(\)"):
            sum_points(features, codes, 2)


def test_no_rows_have_no_sums() -> None:
    (features,) = parse(CARD).sources.values()
    assert sum_points(features, [b"", b""], 0) == []
    assert sum_points([], [], 3) == [0, 0, 0]


# --- refusals, each with the place ---------------------------------------------------------------------------


@pytest.mark.parametrize("points", [[], [1], [1, 2], [1, 2, 3, 4]])
def test_a_gap_is_named(points: list[int]) -> None:
    message = rf"sources.registry\[1\]: bins have a gap: {len(points)} points where the edges make 3 bins"
    with pytest.raises(ScorecardError, match=message):
        parse(with_("sources.registry.1.points", points))


@pytest.mark.parametrize("edges", [[5, 2], [2, 2], [2, 2.0], [0, -1], [0.1, 0.10]])
def test_edges_that_overlap_are_named(edges: list[float]) -> None:
    with pytest.raises(
        ScorecardError, match=r"sources.registry\[1\]: age: bins overlap: edge .* follows .*; edges"
    ):
        parse(with_("sources.registry.1.edges", edges))


def test_a_value_in_two_bins_is_named() -> None:
    with pytest.raises(ScorecardError, match=r"sources.registry\[0\]: state: bins overlap: NJ stands in more"):
        parse(with_("sources.registry.0.bins.1.values", ["TX", "NJ"]))
    with pytest.raises(ScorecardError, match="bins overlap: TX"):
        parse(with_("sources.registry.0.bins.1.values", ["TX", "TX"]))


@pytest.mark.parametrize("points", [1001, -1001, 1000.001, -1000.001, 123_456_789])
@pytest.mark.parametrize(
    "path",
    [
        "sources.registry.0.bins.0.points",
        "sources.registry.0.other_or_missing_points",
        "sources.registry.1.points.0",
        "sources.registry.1.missing_points",
        "local.0.bins.0.points",
    ],
)
def test_overflowing_points_are_named(path: str, points: float) -> None:
    place = r"local\[0\]" if path.startswith("local") else rf"sources.registry\[{path[17]}\]"
    with pytest.raises(ScorecardError, match=rf"{place}: .* points overflow the bound of ±1000; rescale"):
        parse(with_(path, points))


@pytest.mark.parametrize("points", [1_000_001, -1_000_001, 1_000_000.5])
def test_overflowing_base_points_are_named(points: float) -> None:
    with pytest.raises(ScorecardError, match="base_points lie beyond ±1000000"):
        parse(with_("base_points", points))


@pytest.mark.parametrize("place", ["@", "base"])
@pytest.mark.parametrize("number", ["0.0001", "1.2345", "1e-4", "-7.00010"])
def test_too_many_decimals_are_named(number: str, place: str) -> None:
    with pytest.raises(ScorecardError, match=r"points have 4 decimals; round them to at most 3"):
        parse_scorecard(written(number, place))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_named(number: str) -> None:
    for place in ("@", "base", "sources.registry.1.edges.1"):
        with pytest.raises(ScorecardError, match=f"{number} is not a number"):
            parse_scorecard(written(number, place))


@pytest.mark.parametrize("number", ["01", "+1", ".5", "1.", "0x1", "1_0", "٥", "1e", "--1", "nan"])
def test_what_json_does_not_know_is_refused(number: str) -> None:
    with pytest.raises(ScorecardError, match="not a scorecard"):
        parse_scorecard(written(number))


@pytest.mark.parametrize("number", ["1e15", "123456789012345", "1e14", "-1e14"])
def test_an_edge_with_too_many_digits_is_named(number: str) -> None:
    with pytest.raises(ScorecardError, match=r"sources.registry\[1\]: the edge .* has too many digits"):
        parse_scorecard(written(number, "sources.registry.1.edges.1"))


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("1e300", "@"),
        ("1e-300", "@"),
        ("-1e300", "base"),
        ("1e-300", "base"),
        ("9" * 40, "@"),
        ("9" * 40, "base"),
        ("1e-999999999", "@"),
        ("1e-999999999", "base"),
        ("1e999999999", "@"),
        ("1e99999999999999999999", "@"),
        ("0e999999999999999999999", "@"),
        ("9" * 4400, "@"),
        ("1.00000000000000000000000000000001", "@"),
        ("1e-999999999", "sources.registry.1.edges.1"),
        ("1e-1000030", "sources.registry.1.edges.1"),
        ("1e999999999", "sources.registry.1.edges.1"),
        ("-1e999999999", "sources.registry.1.edges.1"),
    ],
)
def test_an_extreme_number_is_refused_at_once(number: str, place: str) -> None:
    with pytest.raises(ScorecardError):
        parse_scorecard(written(number, place))


@pytest.mark.parametrize("number", ["5.0000001", "5.1234567", "1e-7"])
def test_an_edge_with_too_many_decimals_is_refused(number: str) -> None:
    with pytest.raises(ScorecardError, match=r"sources.registry\[1\]: .*edges"):
        parse_scorecard(written(number, "sources.registry.1.edges.1").replace(b"[2,", b"[-1,"))


@pytest.mark.parametrize("key", ["name", "base_points", "kind", "column", "points", "registry", "values"])
def test_a_key_that_stands_twice_is_named(key: str) -> None:
    text = json.dumps(CARD)
    data = text.replace(f'"{key}":', f'"{key}": null, "{key}":', 1).encode()
    with pytest.raises(ScorecardError, match=f"the key '{key}' stands twice"):
        parse_scorecard(data)


@pytest.mark.parametrize(
    "path",
    ["surplus", "sources.registry.0.surplus", "sources.registry.0.bins.0.surplus", "sources.registry.1.bins"],
)
def test_an_unknown_key_is_named(path: str) -> None:
    with pytest.raises(ScorecardError, match=f"unknown field `{path.rpartition('.')[2]}`"):
        parse(with_(path, 1))


@pytest.mark.parametrize(
    "path",
    [
        "name",
        "version",
        "higher_is",
        "points_to_double_odds",
        "base_points",
        "sources",
        "local",
        "sources.registry.0.kind",
        "sources.registry.0.column",
        "sources.registry.0.bins",
        "sources.registry.0.bins.0.values",
        "sources.registry.0.bins.0.points",
        "sources.registry.0.other_or_missing_points",
        "sources.registry.1.edges",
        "sources.registry.1.points",
        "sources.registry.1.missing_points",
    ],
)
def test_a_missing_key_is_named(path: str) -> None:
    with pytest.raises(ScorecardError, match=f"missing required field `{path.rpartition('.')[2]}`"):
        parse(with_(path, ...))


@pytest.mark.parametrize("value", ["1", "1.5", True, False, None, [1], {}])
@pytest.mark.parametrize(
    "path",
    [
        "points_to_double_odds",
        "base_points",
        "sources.registry.0.bins.0.points",
        "sources.registry.1.points.1",
        "sources.registry.1.edges.0",
        "sources.registry.1.missing_points",
    ],
)
def test_what_is_no_number_is_not_made_one(path: str, value: object) -> None:
    with pytest.raises(ScorecardError, match=r"not a scorecard: Expected `int \| decimal`, got"):
        parse(with_(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", "v1"),
        ("version", ""),
        ("version", 1),
        ("version", 1.0),
        ("version", "1.0\n"),
        ("version", "1" * 65),
        ("version", "1 0"),
        ("name", "Card"),
        ("name", ""),
        ("name", "card\n"),
        ("higher_is", "riskier"),
        ("higher_is", None),
        ("sources", {}),
        ("sources", []),
        ("sources", {"registry": []}),
        ("sources", {"Registry": CARD["sources"]["registry"]}),
        ("local", {}),
        ("local", None),
        ("sources.registry.0.kind", "text"),
        ("sources.registry.0.kind", "number"),
        ("sources.registry.1.kind", "category"),
        ("sources.registry.0.column", "State"),
        ("sources.registry.0.column", 1),
        ("sources.registry.0.bins.0.values", []),
        ("sources.registry.0.bins.0.values", ["NY", 1]),
        ("sources.registry.0.bins.0.values", "NY"),
        ("sources.registry.0.bins.0.values", [None]),
        ("local.0.prefix", "2"),
        ("local.0.prefix", 2.0),
        ("local.0.prefix", True),
    ],
)
def test_a_wrong_value_is_refused(path: str, value: object) -> None:
    with pytest.raises(ScorecardError, match="not a scorecard: "):
        parse(with_(path, value))


@pytest.mark.parametrize("value", ["6", "621"])
def test_a_value_that_the_prefix_cuts_off_is_named(value: str) -> None:
    with pytest.raises(ScorecardError, match=rf"local\[0\]: sector: {value} can never match; write 2 characters"):
        parse(with_("local.0.bins.0.values", ["62", value]))


@pytest.mark.parametrize("prefix", [0, -1, 257])
def test_a_prefix_out_of_range_is_refused(prefix: int) -> None:
    with pytest.raises(ScorecardError, match=r"local\[0\]: .*"):
        parse(with_("local.0.prefix", prefix))


@pytest.mark.parametrize("value", ["", "a" * 257])
def test_a_category_of_no_or_many_characters_is_refused(value: str) -> None:
    with pytest.raises(ScorecardError, match=r"sources.registry\[0\]: .*length"):
        parse(with_("sources.registry.0.bins.0.values", [value]))


def test_a_column_that_stands_twice_is_named() -> None:
    document = copy.deepcopy(CARD)
    document["sources"]["registry"].append(document["sources"]["registry"][0])
    with pytest.raises(ScorecardError, match=r"sources.registry\[2\]: the column state stands twice"):
        parse(document)
    document = copy.deepcopy(CARD)
    document["local"] *= 2
    with pytest.raises(ScorecardError, match=r"local\[1\]: the column sector stands twice"):
        parse(document)


def test_two_sources_may_have_a_column_of_one_name() -> None:
    document = copy.deepcopy(CARD)
    document["sources"]["other"] = document["local"] = document["sources"]["registry"]
    assert len(parse(document).sources) == 2


def test_a_card_without_local_features() -> None:
    assert parse(with_("local", [])).local == ()


def test_too_many_features_are_refused() -> None:
    spec = CARD["local"][0]
    features = [{**spec, "column": f"c{i}"} for i in range(MAX_FEATURES + 1)]
    assert len(parse(with_("local", features[:-1])).local) == MAX_FEATURES
    with pytest.raises(ScorecardError, match=f"length <= {MAX_FEATURES}"):
        parse(with_("local", features))


def test_too_many_bins_are_named() -> None:
    with pytest.raises(ScorecardError, match=r"sources.registry\[1\]: age: 257 bins; merge them to at most 256"):
        parse(with_("sources.registry.1.edges", list(range(255))))


def test_a_large_file_is_not_even_read() -> None:
    data = b" " * (2 * MAX_SCORECARD_BYTES)
    with pytest.raises(
        ScorecardError, match=f"the file has {2 * MAX_SCORECARD_BYTES} bytes; a scorecard has at most"
    ):
        parse_scorecard(data)


def test_a_file_of_the_greatest_size_is_read() -> None:
    data = json.dumps(CARD).encode()
    assert parse_scorecard(data.ljust(MAX_SCORECARD_BYTES)) == parse(CARD)
    with pytest.raises(ScorecardError, match="the file has"):
        parse_scorecard(data.ljust(MAX_SCORECARD_BYTES + 1))


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b'{"local":' + b"[" * 100_000])
def test_deep_nesting_is_refused(data: bytes) -> None:
    with pytest.raises(ScorecardError, match="not a scorecard: "):
        parse_scorecard(data)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe{", b"null", b"[]", b'"card"', b"1", b"{}", b"name: card\n", b"\0"]
)
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(ScorecardError, match="not a scorecard: "):
        parse_scorecard(data)


@given(data=st.binary(max_size=100) | st.text(max_size=50).map(str.encode))
def test_noise_is_a_scorecard_error(data: bytes) -> None:
    with pytest.raises(ScorecardError):
        parse_scorecard(data)


def test_many_keys_are_read_at_once() -> None:
    with pytest.raises(ScorecardError):
        parse_scorecard(b"{" + b",".join(b'"%d":1' % i for i in range(50_000)) + b"}")


def test_only_utf_8_without_a_mark_is_read() -> None:
    text = (EXAMPLES / "scorecard.json").read_text("utf-8")
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        with pytest.raises(ScorecardError):
            parse_scorecard(text.encode(encoding))


@pytest.mark.parametrize("value", [r"\ud800", r"\u0000", r"\u202e", r"\u200b"])
def test_a_category_that_cannot_be_seen_is_refused(value: str) -> None:
    text = (EXAMPLES / "scorecard.json").read_text("utf-8").replace('"rural"', f'"{value}"')
    with pytest.raises(ScorecardError, match="cannot be seen"):
        parse_scorecard(text.encode())


# --- bands ----------------------------------------------------------------------------------------------------

BANDED: Document = with_("local", []) | {"bands": {"cuts": [495, 505.5], "names": ["低", "B", "A+ (best)"]}}


def banded(**changes: object) -> Document:
    return BANDED | {"bands": BANDED["bands"] | changes}


def test_cuts_are_of_the_total_over_the_sources() -> None:
    card = parse(BANDED)
    assert card.decimals == 1
    assert card.cuts == (-50, 55)  # the score's less the base points, in tenths
    assert card.band_names == ("低", "B", "A+ (best)")
    plain = parse(CARD)
    assert (plain.cuts, plain.band_names) == (None, ())


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (BANDED | {"local": CARD["local"]}, "a card with bands has no local features"),
        (banded(names=["A", "B"]), "2 cuts make 3 bands"),
        (banded(names=["A", "B", "A"]), "name each once"),
        (banded(names=["A", "B", "=cmd()"]), "not a scorecard"),
        (banded(names=["A", "B", ""]), "not a scorecard"),
        (banded(names=["A", "B", "a\n"]), "not a scorecard"),
        (banded(cuts=[505, 495]), "do not rise"),
        (banded(cuts=[495.2, 495.4]), "no total lies"),
        (banded(cuts=[0, 495]), "no total lies"),
        (banded(cuts=[495, 10_000_000]), "beyond ±1000000"),
        (banded(cuts=[]), "not a scorecard"),
        (banded(cuts=[495] * 10), "not a scorecard"),
    ],
)
def test_what_makes_no_bands_of_a_card(document: Document, message: str) -> None:
    with pytest.raises(ScorecardError, match=message):
        parse(document)
