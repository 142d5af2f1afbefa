"""The attack: align everybody, points that are none, one subject at two places, an order of one's own, replays."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from aligned import BANK, KEYS, LIMITS, NOW, PROVIDER, RIVAL, Office, asked, begun, companies, forged
from sqlalchemy import Engine

from audit.database import open_engine
from compute.canonical import HOUR
from compute.protocols.alignment.bank import align, begin, give_back
from compute.protocols.alignment.messages import Align, AlignmentStatement, AlignReturn
from compute.protocols.alignment.points import hash_and_multiply, hash_to_curve, multiply, new_secret, split
from compute.protocols.alignment.provider import Limits
from compute.protocols.base import AnswerError, RefusalError, RefusedByPeerError
from compute.signing import digest, sign

P = 2**255 - 19
ALL = companies(60)
HELD = ALL[:40]
FREE = Limits(contract_alignments=10**6, bank_ids=10**9)
TWIST, SMALL, TOP, BEYOND = (
    number.to_bytes(32, "little")
    for number in (
        2,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        2**255 + 9,
        P + 9,
    )
)
BAD = {
    "the curve's twist": TWIST,
    "small order": SMALL,
    "its top bit set": TOP,
    "not canonical": BEYOND,
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(tmp_path / "node.sqlite")
    yield opened
    opened.dispose()


def refusal(act: Callable[[], object]) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        act()
    return caught.value


def inverse(point: bytes) -> bytes:
    """P + (0, 0): another point, whose products by secrets of X25519 are P's."""
    return pow(int.from_bytes(point, "little"), -1, P).to_bytes(32, "little")


def swapped(message: Align, *points: bytes) -> Align:
    """The message with these points in place of its last ones."""
    kept = split(message.points)[: -len(points)]
    return forged(message, [*kept, *points])


# --- everybody -------------------------------------------------------------------------------------------------


def test_a_bank_that_may_align_all_companies_has_every_row_of_the_provider_in_its_cohort(engine: Engine) -> None:
    office = Office(engine, HELD, FREE)
    assert set(office.matched(office.align(ALL))) == set(HELD)


def test_all_companies_are_too_many_ids_in_one_cohort_or_in_many_contracts(engine: Engine) -> None:
    """Also those count whose alignment was refused after that, and none that the limit itself refused."""
    office = Office(engine, HELD, Limits(contract_alignments=8, bank_ids=50))
    with pytest.raises(RefusedByPeerError, match="check 4: 60 ids asked, 50 left of bank's 50"):
        office.align(ALL)
    office.align(ALL[:20], asked("contract-1"))
    refused = refusal(lambda: office.aligner.align(swapped(begun(ALL[20:40], asked("contract-2"))[1], TWIST)))
    assert refused.check == 5
    assert office.store.aligned_ids(BANK) == 40
    with pytest.raises(RefusedByPeerError, match="check 4: 20 ids asked, 10 left"):
        office.align(ALL[40:], asked("contract-3"))
    office.align(ALL[40:50], asked("contract-3"))
    with pytest.raises(RefusedByPeerError, match="check 4: 1 ids asked, 0 left"):
        office.align(ALL[50:51], asked("contract-4"))


def test_a_refused_alignment_takes_a_place_of_its_contract(engine: Engine) -> None:
    office = Office(engine, HELD)
    for _ in range(LIMITS.contract_alignments):
        message = swapped(begun(ALL[:3])[1], TWIST)
        for _ in range(2):  # the very same again is refused again, and counted once
            assert refusal(lambda m=message: office.aligner.align(m)).check == 5  # type: ignore[misc]
    assert refusal(lambda: office.aligner.align(begun(ALL[:3])[1])).check == 4


def test_a_provider_with_all_companies_among_its_rows_would_learn_the_cohort_and_gets_nothing_back(
    engine: Engine,
) -> None:
    office = Office(engine, ALL)
    alignment, message = begun(ALL[30:])
    align(office, alignment, message, declared_rows=60)
    assert set(office.matched(alignment)) == set(ALL[30:])  # so it does where it may
    alignment, message = begun(ALL[30:])
    with pytest.raises(AnswerError, match="sent 60 rows and has declared 40; nothing was returned"):
        align(office, alignment, message, declared_rows=40)
    assert office.store.cohort(alignment.name) is None


# --- points that are none ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", BAD)
def test_a_bank_s_bad_point_is_refused_with_its_place(engine: Engine, what: str) -> None:
    office = Office(engine, HELD)
    refused = refusal(lambda: office.aligner.align(swapped(begun(ALL)[1], BAD[what])))
    assert refused.check == 5
    assert refused.reason.startswith("point 59 ")
    assert what in refused.reason


@pytest.mark.parametrize("what", BAD)
def test_a_provider_s_bad_point_gets_nothing_back(engine: Engine, what: str) -> None:
    alignment, message = begun(ALL)
    reply = Office(engine, HELD).aligner.align(message)
    bad = msgspec.structs.replace(reply, points=reply.points[:-32] + BAD[what])
    with pytest.raises(AnswerError, match=f"{PROVIDER}: point 39 .*{what}.*nothing was returned"):
        give_back(alignment, bad, 40)


@pytest.mark.parametrize("what", sorted(set(BAD) - {"small order"}))
def test_a_bad_point_that_comes_back_is_refused(engine: Engine, what: str) -> None:
    office = Office(engine, HELD)
    alignment, message = begun(ALL)
    returned = give_back(alignment, office.aligner.align(message), 40)
    bad = msgspec.structs.replace(returned, points=returned.points[:-32] + BAD[what])
    assert (refusal(lambda: office.aligner.complete(bad)).check) == 8
    office.aligner.complete(returned)  # what was refused tells nothing: the true ones may still come


def test_a_point_of_small_order_that_comes_back_is_nobody_s_place(engine: Engine) -> None:
    """Products by the provider's secret have no component of small order, so it equals none of them."""
    office = Office(engine, HELD)
    alignment, message = begun(ALL)
    returned = give_back(alignment, office.aligner.align(message), 40)
    office.aligner.complete(msgspec.structs.replace(returned, points=returned.points[:-32] + SMALL))
    assert len(office.matched(alignment)) == 39


def test_another_number_of_points_than_rows_is_refused(engine: Engine) -> None:
    office = Office(engine, HELD)
    points = split(begun(ALL)[1].points)
    for changed in (points[:-1], [*points, hash_to_curve(ALL[0])]):
        message = forged(begun(ALL)[1], changed, rows=60)
        assert refusal(lambda m=message: office.aligner.align(m)).check == 2  # type: ignore[misc]
    part = forged(begun(ALL)[1], [*points[:-1], points[-1][:-1]], rows=60)
    assert refusal(lambda: office.aligner.align(part)).check == 2
    assert office.store.aligned_ids(BANK) == 0
    alignment, message = begun(ALL)
    returned = give_back(alignment, office.aligner.align(message), 40)
    short = msgspec.structs.replace(returned, points=returned.points[:-32])
    refused = refusal(lambda: office.aligner.complete(short))
    assert (refused.check, refused.reason) == (8, "39 points came back, 40 were sent")
    odd = msgspec.structs.replace(returned, points=returned.points[:-1])
    assert refusal(lambda: office.aligner.complete(odd)).check == 8


# --- one subject, several places ---------------------------------------------------------------------------------


def test_without_a_look_at_the_products_one_company_stands_at_two_places_by_points_that_differ() -> None:
    """The bare curve: both u are canonical, on the curve, distinct, and of no small order."""
    a, b = new_secret(), new_secret()
    (point,) = hash_and_multiply(a, ALL[:1])
    assert multiply(b, [point]) == multiply(b, [inverse(point)]) == multiply(a, hash_and_multiply(b, ALL[:1]))


def test_one_company_at_two_places_is_refused_as_itself_and_in_disguise(engine: Engine) -> None:
    office = Office(engine, HELD)
    _, message = begun(ALL)
    first = split(message.points)[0]
    for copy in (first, inverse(first)):
        refused = refusal(lambda c=copy: office.aligner.align(swapped(message, c)))  # type: ignore[misc]
        assert (refused.check, refused.reason) == (5, "point 59 is point 0 once more")
    with pytest.raises(ValueError, match="1 subjects are there twice"):
        begin(BANK, KEYS[BANK], asked(), [*ALL, ALL[0]], NOW)


def test_one_row_at_two_places_is_refused(engine: Engine) -> None:
    office = Office(engine, HELD)
    alignment, message = begun(ALL)
    returned = give_back(alignment, office.aligner.align(message), 40)
    points = returned.points[:-32] + returned.points[:32]
    refused = refusal(lambda: office.aligner.complete(msgspec.structs.replace(returned, points=points)))
    assert (refused.check, refused.reason) == (8, "point 39 is point 0 once more")


# --- what comes back ---------------------------------------------------------------------------------------------


def scrambled(returned: AlignReturn) -> AlignReturn:
    points = split(returned.points)
    return msgspec.structs.replace(returned, points=b"".join([*points[1:], points[0]]))


def test_another_order_matches_places_to_rows_that_the_bank_did_not_choose(engine: Engine) -> None:
    """Its own loss: as many places as before, each with a row drawn among all, that it cannot tell from others."""
    office = Office(engine, HELD)
    alignment, message = begun(ALL)
    office.aligner.complete(scrambled(give_back(alignment, office.aligner.align(message), 40)))
    found = office.matched(alignment)
    assert len(found) == len(set(found.values())) == 40
    assert not any(own == theirs for own, theirs in found.items())
    small, message = begun(ALL[:10])
    office.aligner.complete(scrambled(give_back(small, office.aligner.align(message), 40)))
    assert len(office.matched(small)) == 10


def test_the_order_sent_says_nothing_of_the_row_since_the_same_rows_stand_elsewhere_each_time(
    engine: Engine,
) -> None:
    office, orders = Office(engine, HELD), set()
    for _ in range(3):
        alignment, message = begun(ALL)
        office.aligner.align(message)
        kept = office.store.find(alignment.name)
        assert kept is not None
        assert kept.session is not None
        orders.add(kept.session.order)
    assert len(orders) == 3
    assert HELD not in orders


@pytest.mark.parametrize("cohort", [ALL[40:], ALL[39:], HELD], ids=["none", "one", "all"])
def test_the_bank_hears_the_same_whether_nobody_or_everybody_was_found(
    engine: Engine, cohort: Sequence[str]
) -> None:
    office = Office(engine, HELD)
    alignment = office.align(cohort)
    assert len(office.matched(alignment)) in {0, 1, 40}
    assert office.sent[-1] == b'{"at":1800000000000,"party":"tax","type":"accepted"}'


def test_a_session_takes_one_answer_and_that_again(engine: Engine) -> None:
    office = Office(engine, HELD)
    alignment, message = begun(ALL[30:])
    returned = give_back(alignment, office.aligner.align(message), 40)
    first = office.aligner.complete(returned)
    office.now += HOUR
    assert office.aligner.complete(returned) == first
    before = office.matched(alignment)
    for other in (scrambled(returned), msgspec.structs.replace(returned, points=returned.points[:32])):
        refused = refusal(lambda o=other: office.aligner.complete(o))  # type: ignore[misc]
        assert (refused.check, "complete, by other points" in refused.reason) == (7, True)
    assert office.matched(alignment) == before


def test_another_bank_s_alignment_cannot_be_completed(engine: Engine) -> None:
    office = Office(engine, HELD)
    alignment, message = begun(ALL[30:])
    returned = give_back(alignment, office.aligner.align(message), 40)
    for changes in ({"bank": RIVAL}, {"alignment": secrets.token_bytes(32)}):
        other = msgspec.structs.replace(returned, **changes)
        assert refusal(lambda o=other: office.aligner.complete(o)).check == 6  # type: ignore[misc]
    counted, unanswered = begun(ALL[:3])
    office.aligner.check(unanswered)
    early = msgspec.structs.replace(returned, alignment=counted.name)
    assert refusal(lambda: office.aligner.complete(early)).check == 6


# --- statements --------------------------------------------------------------------------------------------------


def changed(message: Align, signer: str = BANK, **changes: object) -> Align:
    statement = msgspec.structs.replace(message.statement.statement, **changes)
    return msgspec.structs.replace(message, statement=sign(statement, statement.bank, KEYS[signer]))


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (1, lambda message: changed(message, signer=RIVAL)),
        (1, lambda message: changed(message, signer=PROVIDER, bank=PROVIDER)),
        (2, lambda message: changed(message, issued_at=NOW - HOUR - 1)),
        (2, lambda message: changed(message, issued_at=NOW + HOUR + 1)),
        (2, lambda message: changed(message, provider="labour")),
        (2, lambda message: changed(message, product="insurance")),
        (2, lambda message: changed(message, product_version="1.0.1")),
        (2, lambda message: changed(message, rows=59)),
        (2, lambda message: changed(message, points=bytes(32))),
        (2, lambda message: msgspec.structs.replace(message, points=begun(ALL)[1].points)),
    ],
)
def test_a_statement_out_of_its_place_is_refused_and_not_counted(
    engine: Engine, check: int, change: Callable[[Align], Align]
) -> None:
    office = Office(engine, HELD)
    assert refusal(lambda: office.aligner.align(change(begun(ALL)[1]))).check == check
    assert office.store.aligned_ids(BANK) == office.store.aligned_ids(PROVIDER) == 0


def test_without_a_permit_nothing_is_counted_or_computed(engine: Engine) -> None:
    seen: list[AlignmentStatement] = []

    def admit(statement: AlignmentStatement) -> None:
        seen.append(statement)
        raise RefusalError(3, "the permit is revoked", "ask why")

    office = Office(engine, HELD, admit=admit)
    alignment, message = begun(ALL)
    assert refusal(lambda: office.aligner.align(message)).check == 3
    assert seen == [alignment.statement.statement]
    assert office.store.find(alignment.name) is None


@pytest.mark.parametrize("rows", [0, 1_000_001])
def test_a_provider_whose_table_no_alignment_can_hold_says_so_before_it_counts(engine: Engine, rows: int) -> None:
    office = Office(engine, [ALL[0]] * rows)
    refused = refusal(lambda: office.aligner.align(begun(ALL)[1]))
    assert (refused.check, refused.reason) == (
        2,
        f"the product has {rows} rows; an alignment takes 1 to 1000000",
    )
    assert office.store.aligned_ids(BANK) == 0


def test_an_answer_to_another_alignment_or_of_another_party_gets_nothing_back(engine: Engine) -> None:
    office = Office(engine, HELD)
    alignment, message = begun(ALL)
    reply = office.aligner.align(message)
    other = office.aligner.align(begun(ALL)[1])
    odd = msgspec.structs.replace(reply, points=reply.points[:-1])
    for wrong in (other, msgspec.structs.replace(reply, party="labour"), odd):
        with pytest.raises(AnswerError):
            give_back(alignment, wrong, 40)
    assert give_back(alignment, reply, 40).alignment == digest(message.statement.statement)


@pytest.mark.parametrize("cohort", [(), ("91350200MA2Y8QJX3L",), ("91350200ma2y8qjx3k",), ("x",)], ids=str)
def test_what_is_no_cohort_is_not_sent(cohort: Sequence[str]) -> None:
    with pytest.raises(ValueError, match=r"a cohort has 1 to 1000000|no unified social credit code"):
        begin(BANK, KEYS[BANK], asked(), cohort, NOW)


def test_no_representation_shows_secrets_or_subjects(engine: Engine) -> None:
    office = Office(engine, HELD)
    alignment, message = begun(ALL)
    office.aligner.align(message)
    kept = office.store.find(alignment.name)
    office.aligner.complete(give_back(alignment, office.aligner.align(message), 40))
    shown = repr((alignment, kept, office.store.cohort(alignment.name)))
    assert not any(subject in shown for subject in ALL)
    assert kept is not None
    assert kept.session is not None
    for secret in (alignment.secret, kept.session.secret):
        assert repr(secret)[2:-1] not in shown
