"""What the reviewer says of the difference to an earlier version, with its points open and without."""

import dataclasses

import pytest
from world import EXAMINERS, World, scorecard

from compute.binning import NumberBins
from compute.protocols.risk_score.case import Case
from compute.protocols.risk_score.case_states import FourEyesError, RefusalCode
from compute.protocols.risk_score.comparison import Change, differences, marks
from compute.protocols.risk_score.desk import VersionDifference
from compute.protocols.risk_score.opened import OpenedFeature, OpenedModel, OpenedTables
from compute.protocols.risk_score.scorecard import Feature, Scorecard

SECRET = b"\5" * 32
FIRST = EXAMINERS[0]


def feature(column: str, points: tuple[int, ...], edges: tuple[str, ...] = ("1",)) -> OpenedFeature:
    return OpenedFeature(bins=NumberBins(column=column, edges=edges), points=points)


def model(*features: OpenedFeature, bank: str = "bank") -> OpenedModel:
    part = OpenedTables(provider="tax", product="register", product_version="1.0.0", features=features)
    return OpenedModel(bank=bank, model="card", model_version="1.0.0", purpose="loans", tables=(part,))


EARLIER = model(feature("age", (1, 2, 3)), feature("jobs", (0, 5, 5)), feature("size", (4, 4, 5)))
LATER = model(feature("age", (1, 2, 4)), feature("jobs", (0, 5, 5), ("2",)), feature("turnover", (0, 1, 1)))


def test_exactly_what_changed_is_named() -> None:
    found = differences(marks(EARLIER, SECRET), marks(LATER, SECRET))
    assert [(each.column, each.change) for each in found] == [
        ("age", Change.POINTS),
        ("jobs", Change.BINS),
        ("size", Change.REMOVED),
        ("turnover", Change.ADDED),
    ]
    assert all(each.points is each.earlier_points is None for each in found)


def test_with_both_open_the_points_are_shown() -> None:
    age, jobs, size, turnover = differences(marks(EARLIER, SECRET), marks(LATER, SECRET), EARLIER, LATER)
    assert (age.earlier_points, age.points) == ((1, 2, 3), (1, 2, 4))
    assert (jobs.earlier_bins, jobs.bins) == (
        NumberBins(column="jobs", edges=("1",)),
        NumberBins(column="jobs", edges=("2",)),
    )
    assert (size.points, turnover.earlier_points) == (None, None)


def test_one_version_has_no_difference_to_itself() -> None:
    assert differences(marks(EARLIER, SECRET), marks(EARLIER, SECRET)) == ()


def test_marks_recognise_points_and_nothing_beside() -> None:
    """Not equal points in two columns, nor those of two banks, nor a guess without the secret."""
    same = model(feature("age", (1, 2, 3)), feature("jobs", (1, 2, 3)))
    age, jobs = marks(same, SECRET)
    assert age.points != jobs.points
    assert marks(model(feature("age", (1, 2, 3))), SECRET)[0].points == age.points
    assert marks(model(feature("age", (1, 2, 3)), bank="rival"), SECRET)[0].points != age.points
    assert marks(model(feature("age", (1, 2, 3))), b"\6" * 32)[0].points != age.points


# --- at the desk -------------------------------------------------------------------------------------------------


def changed(points: tuple[int, ...], version: str) -> Scorecard:
    card = scorecard()
    (region,) = card.sources["register"]
    sources = {**card.sources, "register": (Feature(region.bins, points),)}
    return dataclasses.replace(card, version=version, sources=sources)


def opened(world: World, card: Scorecard) -> Case:
    case = world.cases.find(world.submit(card).submission)
    assert case is not None
    return case


def compared(world: World, case: Case) -> list[VersionDifference]:
    found, file = world.desk.read(case.case, FIRST)
    return world.desk.compare(found, file, FIRST)


@pytest.fixture
def approved(world: World) -> World:
    world.model()
    return world


def test_of_an_approved_version_it_is_said_what_changed_and_not_by_how_much(approved: World) -> None:
    case = opened(approved, changed((-13, 26, 8), "1.1.0"))
    (difference,) = compared(approved, case)
    assert (difference.model_version, difference.with_points) == ("1.0.0", False)
    (region,) = difference.features
    assert (region.column, region.change, region.points, region.earlier_points) == ("region", "points", None, None)


def test_two_open_versions_are_compared_in_full_and_the_look_is_written_down(approved: World) -> None:
    earlier = opened(approved, changed((-13, 26, 8), "1.1.0"))
    later = opened(approved, changed((-13, 25, 8), "1.2.0"))
    to_open, to_approved = compared(approved, later)
    assert (to_open.case, to_open.with_points) == (earlier.case, True)
    assert [(each.earlier_points, each.points) for each in to_open.features] == [((-13, 26, 8), (-13, 25, 8))]
    assert (to_approved.model_version, to_approved.with_points) == ("1.0.0", False)
    readings = [approved.cases.get(case.case).readings for case in (earlier, later)]
    looks = [[(reading.examiner, reading.times, reading.compared) for reading in each] for each in readings]
    assert looks == [[(FIRST, 0, 1)], [(FIRST, 1, 0)]]
    assert [each.model_version for each in compared(approved, earlier)] == ["1.0.0", "1.2.0"]


def test_what_differs_is_not_the_model_so_its_reader_cannot_approve_that(approved: World) -> None:
    earlier = opened(approved, changed((-13, 26, 8), "1.1.0"))
    compared(approved, opened(approved, changed((-13, 25, 8), "1.2.0")))
    with pytest.raises(FourEyesError, match=f"{FIRST} has not read case {earlier.case}"):
        approved.desk.approve(earlier.case, FIRST)
    approved.desk.read(earlier.case, FIRST)
    approved.desk.approve(earlier.case, FIRST)


def test_another_name_hides_no_model_that_takes_the_same_field(approved: World) -> None:
    renamed = dataclasses.replace(changed((-13, 26, 8), "1.0.0"), name="quite-another")
    waiting = opened(approved, dataclasses.replace(renamed, name="third"))
    differences = compared(approved, opened(approved, renamed))
    assert [(each.model, each.with_points) for each in differences] == [("third", True), ("test-card", False)]
    approved.desk.refuse(waiting.case, FIRST, RefusalCode.OTHER, "no")
    assert [each.model for each in compared(approved, opened(approved, renamed))][-1] == "test-card"


def test_a_refused_version_is_compared_with_nothing(world: World) -> None:
    world.enrol()
    first = opened(world, scorecard())
    world.desk.refuse(first.case, FIRST, RefusalCode.OTHER, "no")
    assert compared(world, opened(world, changed((-13, 26, 8), "1.1.0"))) == []
