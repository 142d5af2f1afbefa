"""What the model reviewer signs and what it refuses; the bank's opening may lie in every way."""

import dataclasses
from collections.abc import Callable

import msgspec
import pytest
from world import NOW, PURPOSE, World, scorecard

from compute.binning import CategoryBins, NumberBins
from compute.canonical import decode
from compute.protocols.base import AnswerError, RefusedByPeerError
from compute.protocols.risk_score.leakage import leaked_bits
from compute.protocols.risk_score.messages import (
    ModelSubmission,
    Opening,
    SubmitModel,
    TableOpening,
)
from compute.protocols.risk_score.scorecard import Feature, Scorecard
from compute.protocols.risk_score.sealing import opening_info, seal, unseal
from compute.signing import sign


def submission(world: World) -> tuple[ModelSubmission, Opening]:
    """What an honest bank sends, and the opening inside."""
    handler = world.transport.handlers["reviewer"]
    sent = world.tap("reviewer")
    world.model()
    world.transport.handlers["reviewer"] = handler
    submitted = next(data for data in sent if b'"type":"submit_model"' in data)
    statement = decode(submitted, SubmitModel).submission.statement
    return statement, unseal_opening(world, statement)


def unseal_opening(world: World, statement: ModelSubmission) -> Opening:
    key = world.reviewer._epochs.current().key
    return unseal(statement.sealed_opening, key, opening_info(statement.tables), Opening)


def review(
    world: World, statement: ModelSubmission, opening: Opening | None = None, signer: str = "bank"
) -> bytes:
    if opening is not None:
        key = world.reviewer._epochs.current().public_key
        statement = msgspec.structs.replace(
            statement, sealed_opening=seal(opening, key, opening_info(statement.tables))
        )
    return world.send("reviewer", SubmitModel(submission=sign(statement, "bank", world.identities[signer])))


def first_table(opening: Opening, **changes: object) -> Opening:
    table = msgspec.structs.replace(opening.tables[0], **changes)
    return msgspec.structs.replace(opening, tables=(table, *opening.tables[1:]))


def wrong_points(statement: ModelSubmission, opening: Opening) -> tuple[ModelSubmission, Opening]:
    """Encrypted 1, 4096, … but opened as something harmless."""
    points = opening.tables[0].points
    return statement, first_table(opening, points=(points[0] + 1, *points[1:]))


def wrong_randomness(statement: ModelSubmission, opening: Opening) -> tuple[ModelSubmission, Opening]:
    randomness = bytearray(opening.tables[0].randomness)
    randomness[-1] ^= 1
    return statement, first_table(opening, randomness=bytes(randomness))


def zero_randomness(statement: ModelSubmission, opening: Opening) -> tuple[ModelSubmission, Opening]:
    return statement, first_table(opening, randomness=bytes(len(opening.tables[0].randomness)))


def points_beyond_the_bound(statement: ModelSubmission, opening: Opening) -> tuple[ModelSubmission, Opening]:
    points = opening.tables[0].points
    return statement, first_table(opening, points=(1001, *points[1:]))


def too_few_points(statement: ModelSubmission, opening: Opening) -> tuple[ModelSubmission, Opening]:
    return statement, first_table(opening, points=opening.tables[0].points[1:])


def one_provider(statement: ModelSubmission, opening: Opening) -> tuple[ModelSubmission, Opening]:
    return msgspec.structs.replace(statement, tables=statement.tables[:1]), Opening(tables=opening.tables[:1])


def same_provider_twice(statement: ModelSubmission, opening: Opening) -> tuple[ModelSubmission, Opening]:
    return (
        msgspec.structs.replace(statement, tables=(statement.tables[0],) * 2),
        Opening(tables=(opening.tables[0],) * 2),
    )


def foreign_key(statement: ModelSubmission, opening: Opening) -> tuple[ModelSubmission, Opening]:
    return msgspec.structs.replace(statement, n=b"\xff" * 256), opening


def fewer_openings(statement: ModelSubmission, opening: Opening) -> tuple[ModelSubmission, Opening]:
    return statement, Opening(tables=opening.tables[:1])


@pytest.mark.parametrize(
    ("lie", "check", "reason"),
    [
        (foreign_key, 2, "another modulus"),
        (one_provider, 2, "two providers or more"),
        (same_provider_twice, 2, "two providers or more"),
        (fewer_openings, 3, "another number of tables"),
        (wrong_points, 4, "not what the opening says"),
        (wrong_randomness, 4, "not what the opening says"),
        (zero_randomness, 4, "invertible"),
        (points_beyond_the_bound, 4, "exceed the stated bound"),
        (too_few_points, 4, "another number"),
    ],
)
def test_a_lie_is_refused(
    world: World,
    lie: Callable[[ModelSubmission, Opening], tuple[ModelSubmission, Opening]],
    check: int,
    reason: str,
) -> None:
    reply = review(world, *lie(*submission(world)))
    assert f'"check":{check}'.encode() in reply
    assert reason.encode() in reply
    assert world.events()[-1].detail == {"message": "SubmitModel", "check": check}


def test_a_foreign_signature_is_refused(world: World) -> None:
    statement, opening = submission(world)
    assert b'"check":1' in review(world, statement, opening, signer="tax")


def test_an_opening_for_other_tables_or_of_garbage_does_not_open(world: World) -> None:
    statement, _ = submission(world)
    renamed = msgspec.structs.replace(statement.tables[0], model="other")
    swapped = msgspec.structs.replace(statement, tables=(renamed, *statement.tables[1:]))
    garbage = msgspec.structs.replace(statement, sealed_opening=b"\0" * 80)
    for changed in (swapped, garbage):
        assert b'"check":3' in review(world, changed)


def card(register: tuple[int, ...], employees: tuple[int, ...]) -> Scorecard:
    region = Feature(CategoryBins(column="region", groups=(("north",), ("south",))), register)
    size = Feature(NumberBins(column="employees", edges=("1", "5")), employees)
    return Scorecard("card", "1.0.0", 0, 0, {"register": (region,), "insurance": (size,)}, ())


def test_a_constant_table_is_refused_for_it_shows_the_others_partial_score(world: World) -> None:
    with pytest.raises(RefusedByPeerError, match="check 5: the tables at tax are constant"):
        world.model(card((7, 7, 7), (0, 1, 2, 1)))


def test_a_model_that_reads_its_features_out_of_one_score_is_refused(world: World) -> None:
    """Many features with points 0, B, 2B, … let one total tell every bin: the leaked bits add up."""
    edges = tuple(str(edge) for edge in range(1, 20))
    size = Feature(NumberBins(column="employees", edges=edges), (*range(20), 0))
    age = Feature(NumberBins(column="age", edges=edges), (*(21 * i for i in range(20)), 0))
    region = Feature(CategoryBins(column="region", groups=(("north",), ("south",))), (0, 500, 0))
    greedy = Scorecard("card", "1.0.0", 0, 0, {"register": (region,), "insurance": (age, size)}, ())
    with pytest.raises(RefusedByPeerError, match="check 6: a score could tell more than 8 bits"):
        world.model(greedy)


def test_the_approval_states_what_a_score_can_tell(world: World) -> None:
    approval = world.model(card((0, 1, 1), (0, 10, 20, 20)))
    assert approval.reachable_totals == 6
    assert leaked_bits(approval.reachable_totals) == pytest.approx(2.585, abs=1e-3)
    assert (approval.bank, approval.purpose) == ("bank", PURPOSE)
    assert approval.expires > NOW


def test_points_id_is_the_same_for_every_encryption_and_another_for_other_points(world: World) -> None:
    first, again = world.model(), world.model()
    assert first.tables != again.tables
    assert first.points_id == again.points_id
    assert world.model(card((0, 1, 1), (0, 1, 2, 2))).points_id != first.points_id
    world.reviewer.office = dataclasses.replace(world.reviewer.office, points_secret=b"\2" * 32)
    assert world.model().points_id != first.points_id


def test_the_opening_is_readable_by_the_reviewer_alone(world: World) -> None:
    statement, opening = submission(world)
    assert isinstance(opening.tables[0], TableOpening)
    assert -1000 in opening.tables[0].points
    assert b"points" not in statement.sealed_opening


def test_a_source_without_its_provider_is_named(world: World) -> None:
    world.enrol()
    with pytest.raises(AnswerError, match="no provider offers insurance"):
        world.submit(scorecard(), ["tax"])
