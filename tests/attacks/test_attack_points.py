"""Models whose points are no scores: they read features out of totals."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from math import prod
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from attacker import (
    Column,
    asked,
    assert_refused,
    beyond_chance,
    forged,
    hits,
    plaintexts,
    register,
    resubmitted,
    submitted,
    unpacked,
)
from attacker import answer as ask
from attacker import ciphertexts as numbers_of
from world import EXAMPLES, GRIDS, SUBJECTS, Parties, World, assemble, holding, scorecard

from audit.entry import EntryKind
from compute.binning import Bins, CategoryBins, code_columns
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey
from compute.protocols.base import RefusedByPeerError
from compute.protocols.risk_score.charge import Budget
from compute.protocols.risk_score.messages import TableOpening
from compute.protocols.risk_score.scorecard import Feature, Scorecard, parse_scorecard
from veilmart.demo.data import load_scorecard

FEATURES, DIGIT = 40, 32
"""Of a base packing: so many features, so many bits for each."""
VALUES = ["a", "b", "c"]
REGION = scorecard().sources["register"]
AGE, EMPLOYEES = scorecard().sources["insurance"]


def values(row: int, feature: int) -> int:
    """The code of a feature of a company: every value of every feature has a third of all companies."""
    return (row * 7 + row // 3 * feature + feature) % 3


@pytest.fixture
def wide(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parties]:
    """Forty features at one provider and one at another."""
    for feature in range(FEATURES):
        monkeypatch.setitem(GRIDS, f"c{feature:02}", category(feature))
    columns = {f"c{j:02}": [VALUES[values(i, j)] for i in range(len(SUBJECTS))] for j in range(FEATURES)}
    many, one = (pd.DataFrame(data, SUBJECTS, dtype=object) for data in (columns, {"c00": columns["c00"]}))
    holdings = {
        "many": holding("register", many, dict.fromkeys(columns)),
        "one": holding("insurance", one, {"c00": None}),
    }
    with ExitStack() as stack:
        yield assemble(key, tmp_path, holdings, SUBJECTS, stack)


def category(feature: int) -> CategoryBins:
    return CategoryBins(column=f"c{feature:02}", groups=(("a",), ("b",), ("c",)))


# --- base packing -------------------------------------------------------------------------------------------


def packing(key: PrivateKey) -> list[list[int]]:
    """Give tables of which the total has feature j's code in bits 32·(j+1) to 32·(j+2)."""
    return [
        [int(key.encrypt(code << DIGIT * (feature + 1))) for code in (*range(3), 0)] for feature in range(FEATURES)
    ]


def digits(total: int) -> list[int]:
    return [total >> DIGIT * (feature + 1) & (1 << DIGIT) - 1 for feature in range(FEATURES)]


TRUE = [values(0, feature) for feature in range(FEATURES)]
GUESSED = beyond_chance(FEATURES, Fraction(1, 4))
"""Hits of 40 that guessing two bits never reaches."""


def test_one_total_of_the_bare_kernel_holds_every_feature(key: PrivateKey) -> None:
    layout = SlotLayout.for_bound(2 * (FEATURES + 1), FEATURES + 1, key.public.bits, 2)
    (total,) = lookup_sum(key.public, packing(key), [[code] for code in TRUE], layout)
    assert digits(int(key.decrypt(total))) == TRUE


def test_the_top_mask_leaves_nothing_of_a_packing_that_a_colluding_reviewer_approved(wide: Parties) -> None:
    """The answers are real; what is above the one slot of the one row is noise, also in its two low bits."""
    key = wide.key
    wide.enrol()
    approval = register(
        wide,
        forged(
            wide,
            {
                "many": [Column(category(j), table) for j, table in enumerate(packing(key))],
                "one": [Column(category(0), [int(key.encrypt(code)) for code in (0, 1, 2, 0)])],
            },
        ),
    )
    query = asked(wide, approval, SUBJECTS[:1])
    answers = [numbers_of(wide, query, ask(wide, provider, query)) for provider in ("many", "one")]
    (total,) = plaintexts(key, answers)
    read = digits(total)
    assert hits(read, TRUE) == 0
    assert hits([digit % 4 for digit in read], TRUE) < GUESSED
    layout = query.job.statement.layout
    assert total % (1 << layout.width) == values(0, 0)  # what a score may carry is there: feature 0 of the other


def test_the_reviewer_counts_the_bits_of_a_packing(wide: Parties) -> None:
    """The honest way to have it approved: open the points as they are."""
    wide.enrol()
    few = [Feature(category(j), (*(code << 2 * j for code in range(3)), 0)) for j in range(5)]
    card = Scorecard("card", "1.0.0", 3, 0, {"register": tuple(few), "insurance": (few[0],)}, ())
    with pytest.raises(RefusedByPeerError, match="check 6: a score could tell more than 8 bits"):
        wide.model(card)
    last = wide.events()[-1]
    assert (last.kind, last.node, last.detail["check"]) == (EntryKind.REFUSED, "reviewer", 6)


def test_the_reviewer_recomputes_what_a_lying_opening_says(wide: Parties) -> None:
    """The other way: ciphertexts of a packing, opened as the harmless points of the first submission."""
    harmless = [Feature(category(j), (0, 1, 1, 0)) for j in range(2)]
    card = Scorecard("card", "1.0.0", 0, 0, {"register": tuple(harmless), "insurance": (harmless[0],)}, ())
    statement, opening = submitted(wide, card)
    packed = b"".join(c.to_bytes(512, "big") for table in packing(wide.key)[:2] for c in table)
    first = msgspec.structs.replace(statement.tables[0], ciphertexts=packed)
    message = resubmitted(wide, statement, (first, *statement.tables[1:]), opening.tables)
    assert_refused(wide, "reviewer", message, 4, "is not what the opening says")


# --- unit vectors -------------------------------------------------------------------------------------------


def unit(size: int, code: int) -> tuple[int, ...]:
    return tuple(int(each == code) for each in range(size))


def test_unit_vectors_read_a_feature_bin_by_bin_from_the_bare_kernel(key: PrivateKey) -> None:
    codes = [i % EMPLOYEES.bins.size for i in range(20)]
    layout = SlotLayout.for_bound(1, 0, key.public.bits, 2)
    read = [-1] * len(codes)
    for code in range(EMPLOYEES.bins.size):
        table = [int(key.encrypt(points)) for points in unit(EMPLOYEES.bins.size, code)]
        (total,) = lookup_sum(key.public, [table], [codes], layout)
        for row, is_there in enumerate(layout.unpack(int(key.decrypt(total)), len(codes))):
            read[row] = code if is_there else read[row]
    assert read == codes


@pytest.mark.parametrize("code", range(4))
def test_a_unit_vector_alone_is_no_model(world: World, code: int) -> None:
    """The other provider would add nothing: its table is constant."""
    probe = Feature(EMPLOYEES.bins, unit(4, code))
    silent = Feature(REGION[0].bins, (0, 0, 0))
    with pytest.raises(RefusedByPeerError, match=r"check 5: (the tables at tax are constant|labour: the points)"):
        world.model(Scorecard("card", "1.0.0", 0, 0, {"register": (silent,), "insurance": (probe,)}, ()))
    assert world.events()[-1].detail == {"message": "SubmitModel", "check": 5}


# --- a neighbour's slot -------------------------------------------------------------------------------------


def test_points_that_overflow_show_one_company_in_the_slot_of_another(key: PrivateKey) -> None:
    """A point of x·2^width moves x into the next row: whoever is scored there, the number is the neighbour's."""
    layout, codes = SlotLayout(13, 100, 0), [3, 1, 0, 2, 3, 0]
    table = [int(key.encrypt(code << 13)) for code in range(4)]
    (total,) = lookup_sum(key.public, [table], [codes], layout)
    assert layout.unpack(int(key.decrypt(total)), 7) == [0, *codes]
    negative = [int(key.encrypt(points % key.public.n)) for points in (5, -1)]
    (total,) = lookup_sum(key.public, [negative], [[1, 0, 0]], SlotLayout(13, 3, 0))
    assert layout.unpack(int(key.decrypt(total)), 3) == [2**13 - 1, 4, 5]  # a negative total borrows


@pytest.mark.parametrize("points", [-1001, 1001, 1 << 13])
def test_points_beyond_the_bound_are_not_approved(world: World, points: int) -> None:
    """Biased by the bound an entry lies in [0, 2·bound], and the layout has room for the sum of the largest."""
    statement, opening = submitted(world, scorecard())
    public, r = world.key.public, world.key.public.random_unit()
    tables, first = statement.tables[0], opening.tables[0]
    ciphertext = public.encrypt((points + statement.points_bound) % public.n, r)
    tables = msgspec.structs.replace(
        tables, ciphertexts=int(ciphertext).to_bytes(512, "big") + tables.ciphertexts[512:]
    )
    first = TableOpening(
        points=(points, *first.points[1:]), randomness=int(r).to_bytes(256, "big") + first.randomness[256:]
    )
    message = resubmitted(world, statement, (tables, statement.tables[1]), (first, opening.tables[1]))
    assert_refused(world, "reviewer", message, 4, "points of the tables of labour exceed the stated bound")


def test_an_overflow_that_a_colluding_reviewer_approved_moves_no_row_into_the_next_answer(world: World) -> None:
    """The last slot in use is the end: what flows over it falls under the top mask, whatever was approved."""
    key, layout_bits = world.key, 4
    world.enrol()
    over = [int(key.encrypt(code << layout_bits)) for code in range(4)]
    columns = {
        "labour": [Column(EMPLOYEES.bins, over)],
        "tax": [Column(REGION[0].bins, [int(key.encrypt(0))] * 3)],
    }
    approval = register(world, forged(world, columns))
    query = asked(world, approval, SUBJECTS[:1])
    assert query.job.statement.slot_width == 3
    answers = [numbers_of(world, query, ask(world, provider, query)) for provider in ("labour", "tax")]
    (total,) = plaintexts(key, answers)
    assert total % 8 == 0
    assert total >> 3 > 1 << 1000  # and not the code of a company's size


# --- several models -----------------------------------------------------------------------------------------


def mixed_radix(bins: tuple[Bins, ...]) -> tuple[list[Feature], int]:
    """Give features of which one total has every code, and the range of the totals."""
    features, weight = [], 1
    for each in bins:
        features.append(Feature(each, tuple(weight * code for code in range(each.size))))
        weight *= each.size
    return features, weight


def test_two_models_of_324_and_175_totals_read_seven_of_eight_features_of_real_companies(key: PrivateKey) -> None:
    """Each is a scorecard of few points over the shipped card's own bins; neither looks at the eighth column."""
    card = parse_scorecard((EXAMPLES / "scorecard.json").read_bytes())
    assert card == load_scorecard(EXAMPLES)
    registration = {feature.bins.column: feature.bins for feature in card.sources["market-registration"]}
    insurance = tuple(feature.bins for feature in card.sources["social-insurance"])
    first, first_range = mixed_radix(
        tuple(registration[name] for name in ("business_age", "franchise", "naics", "state"))
    )
    second, second_range = mixed_radix(insurance)
    assert (first_range, second_range) == (324, 175)
    rows = 200
    codes = [
        code_columns(bins, table, dict.fromkeys(table, 0 if numeric else None))
        for bins, table, numeric in (
            ([feature.bins for feature in first], _table("market_regulation.csv", rows), False),
            (list(insurance), _table("social_security.csv", rows, numeric=True), True),
        )
    ]
    for features, columns in zip((first, second), codes, strict=True):
        layout = SlotLayout.for_bound(prod(f.bins.size for f in features), 0, key.public.bits, 2)
        tables = [[int(key.encrypt(points)) for points in feature.points] for feature in features]
        answers = [int(key.decrypt(c)) for c in lookup_sum(key.public, tables, columns, layout)]
        for row, total in enumerate(unpacked(layout, answers, rows)):
            read, rest = [], total
            for feature in features:
                rest, code = divmod(rest, feature.bins.size)
                read.append(code)
            assert read == [column[row] for column in columns]


def _table(name: str, rows: int, *, numeric: bool = False) -> pd.DataFrame:
    table = pd.read_csv(EXAMPLES / name, dtype=str, nrows=rows, index_col="uscc").reset_index(drop=True)
    return table.astype("Int64") if numeric else table


def reading(first: int) -> Scorecard:
    """A card of 243 totals, 7.9 bits, from each of which five codes follow. Missing stands in the middle."""
    many = tuple(Feature(category(first + place), (0, 3**place, 2 * 3**place, 3**place)) for place in range(4))
    one = Feature(category(0), (0, 81, 162, 81))
    return Scorecard(f"card-{first}", "1.0.0", 0, 0, {"register": many, "insurance": (one,)}, ())


def read_by(total: int) -> list[int]:
    return [total // 3**place % 3 for place in range(4)]


def truth(first: int) -> list[list[int]]:
    return [[values(row, first + place) for place in range(4)] for row in range(20)]


def test_models_that_pass_one_by_one_read_more_together_where_no_ledger_adds_up(wide: Parties) -> None:
    """Each keeps to eight bits and is approved; three of them read twelve features of every company."""
    for provider in wide.providers.values():
        provider.domain = dataclasses.replace(provider.domain, budget=Budget(bank_bits=1000, all_bits=1000))
    for first in (0, 4, 8):
        totals = wide.score(wide.model(reading(first)), SUBJECTS[:20])
        assert [read_by(total) for total in totals] == truth(first)


def test_the_ledger_refuses_a_second_model_over_the_same_companies(wide: Parties) -> None:
    first, second = wide.model(reading(0)), wide.model(reading(4))
    assert [read_by(total) for total in wide.score(first, SUBJECTS[:20])] == truth(0)
    query = asked(wide, second, SUBJECTS[10:30])
    reply = assert_refused(wide, "many", query, 9, "of 10 subjects as much was told by scores as may be")
    assert reply.subjects == tuple(SUBJECTS[10:20])
    assert len(wide.score(first, SUBJECTS[:20])) == 20  # the same points again tell nothing new
    assert len(wide.score(second, SUBJECTS[20:40])) == 20


def test_the_ledger_knows_points_in_disguise(wide: Parties) -> None:
    """Encrypted anew, renamed, doubled, shifted and turned over, it is the same model, and costs nothing more."""
    first = wide.model(reading(0))
    wide.score(first, SUBJECTS[:20])
    card = reading(0)
    disguised = {
        product: tuple(Feature(f.bins, tuple(7 - 2 * points for points in f.points)) for f in features)
        for product, features in card.sources.items()
    }
    second = wide.model(dataclasses.replace(card, name="other", version="2.0.0", sources=disguised))
    assert (second.points_id, second.tables) != (first.points_id, first.tables)
    assert second.points_id == first.points_id
    totals = [(7 * 5 - total) // 2 for total in wide.score(second, SUBJECTS[:20])]
    assert [read_by(total) for total in totals] == truth(0)


def test_a_charge_under_a_field_that_is_published_no_more_stands_and_stops_no_node(world: World) -> None:
    """Whether what an old score told is still true nobody can say then, so the bank is refused as any other."""
    world.score(world.model(scorecard()), SUBJECTS[:3])
    labour = world.providers["labour"]
    later = holding("insurance", world.tables["labour"][["employees"]], {"employees": 0})
    held = dataclasses.replace(later, product_version="2.0.0", snapshot="1" * 64)
    labour.domain = dataclasses.replace(labour.domain, holding=held, budget=Budget(bank_bits=5))
    (region,), employees = REGION, Feature(EMPLOYEES.bins, (0, 1, 2, 1))
    model = world.model(
        dataclasses.replace(scorecard(), sources={"register": (region,), "insurance": (employees,)})
    )
    refused = assert_refused(
        world, "labour", asked(world, model, SUBJECTS[2:6]), 9, "of 1 subjects as much was told"
    )
    assert refused.subjects == (SUBJECTS[2],)
