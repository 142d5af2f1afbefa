"""The joint histogram: what is counted and left out, who may ask, who can read, what the reviewer believes."""

import dataclasses
from collections import Counter
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from world import DAY, NOW, World

from audit.entry import EntryKind
from compute.binning import CategoryBins, NumberBins
from compute.canonical import decode
from compute.protocols.base import Refused
from compute.protocols.risk_score.bin_histogram import BinHistogram, HistogramQuestion, SealedHistogram
from compute.protocols.risk_score.joint_counts import joint_counts
from compute.protocols.risk_score.messages import (
    AskHistogram,
    AskReviewerTerms,
    ModelSubmission,
    Opening,
    ReviewerTerms,
    SubmitModel,
)
from compute.protocols.risk_score.sealing import histogram_info, opening_info, seal, unseal
from compute.signing import Signed, digest, sign

REGION = CategoryBins(column="region", groups=(("north",), ("south",)))
AGE = NumberBins(column="age", edges=("4",))
EMPLOYEES = NumberBins(column="employees", edges=("1", "5"))


# --- counting ---------------------------------------------------------------------------------------------------

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 255), st.integers(0, 1)), max_size=60)


@given(ROWS, st.integers(1, 5))
def test_cells_of_k_rows_are_counted_and_the_others_only_in_multiples_of_k(
    rows: list[tuple[int, int, int]], least: int
) -> None:
    codes = [bytes(column) for column in zip(*rows, strict=True)] or [b"", b"", b""]
    found, expected = joint_counts(codes, least), Counter(rows)
    assert {tuple(cell): n for cell, n in zip(found.cells.tolist(), found.counts.tolist(), strict=True)} == {
        row: n for row, n in expected.items() if n >= least
    }
    assert found.cells.tolist() == sorted(found.cells.tolist())
    few = [n for n in expected.values() if n < least]
    for told, true in ((found.suppressed_cells, len(few)), (found.suppressed_rows, sum(few))):
        assert true <= told < true + least
        assert told % least == 0


def test_every_row_of_a_large_table_is_kept_or_told_of() -> None:
    random = np.random.default_rng(7)
    codes = [random.integers(0, 6, 200_000, dtype=np.uint8).tobytes() for _ in range(8)]
    found = joint_counts(codes, 10)
    assert found.counts.sum() + found.suppressed_rows == pytest.approx(200_000, abs=10)


# --- the exchange -----------------------------------------------------------------------------------------------


def terms(world: World) -> Signed[ReviewerTerms]:
    return decode(world.send("reviewer", AskReviewerTerms(bank="bank")), Signed[ReviewerTerms])


def question(provider: str = "labour", **changes: object) -> HistogramQuestion:
    asked = HistogramQuestion(
        bank="bank",
        provider=provider,
        product={"labour": "insurance", "tax": "register"}.get(provider, "register"),
        product_version="1.0.0",
        bins=(AGE, EMPLOYEES) if provider == "labour" else (REGION,),
        nonce=b"\1" * 32,
    )
    return msgspec.structs.replace(asked, **changes)


def asking(world: World, asked: HistogramQuestion, signer: str = "bank") -> AskHistogram:
    return AskHistogram(question=sign(asked, "bank", world.identities[signer]), terms=terms(world))


def answered(world: World, asked: HistogramQuestion) -> SealedHistogram:
    return decode(world.send(asked.provider, asking(world, asked)), Signed[SealedHistogram]).statement


def opened(world: World, sealed: SealedHistogram) -> BinHistogram:
    key = world.reviewer._epochs.current().key
    return unseal(sealed.sealed, key, histogram_info(sealed.question), Signed[BinHistogram]).statement


def test_the_reviewer_reads_how_many_companies_are_in_each_combination(world: World) -> None:
    asked = question()
    found = opened(world, answered(world, asked))
    codes = zip(*(bins.codes(world.tables["labour"][bins.column], 0) for bins in asked.bins), strict=True)
    expected = Counter(codes)
    kept = {tuple(cell): n for cell, n in zip(found.cells(asked.bins).tolist(), found.counts, strict=True)}
    assert kept == {cell: n for cell, n in expected.items() if n >= 10}
    assert kept
    few = [n for n in expected.values() if n < 10]
    assert found.suppressed_companies == -(-sum(few) // 10) * 10 > 0
    assert [grid.column for grid in found.grids] == ["age", "employees"]
    assert (found.question, found.counted_at, found.min_cohort) == (digest(asked), NOW, 10)


def test_nobody_but_the_reviewer_reads_it_and_its_length_tells_nothing_of_the_table(world: World) -> None:
    sealed = answered(world, question("tax"))
    with pytest.raises(ValueError, match="not sealed to this key"):
        unseal(sealed.sealed, X25519PrivateKey.generate(), histogram_info(sealed.question), Signed[BinHistogram])
    before = opened(world, sealed)
    world.tables["tax"]["region"] = "north"  # one combination where there were three
    after = answered(world, question("tax"))
    assert opened(world, after).counts != before.counts
    assert len(after.sealed) == len(sealed.sealed)


def test_each_question_is_one_event_however_often_it_is_asked(world: World) -> None:
    message = asking(world, question())
    for _ in range(3):
        world.clock.now += 1000
        world.send("labour", message)
    sent = [event for event in world.events() if event.kind is EntryKind.HISTOGRAM_SENT]
    assert [(event.node, event.counterparty, event.detail) for event in sent] == [
        ("labour", "bank", {"question": digest(question()).hex()})
    ]


def expired(world: World, message: AskHistogram) -> AskHistogram:
    world.clock.now = message.terms.statement.expires
    return message


def of_another_reviewer(world: World, message: AskHistogram) -> AskHistogram:
    """The bank seals to itself."""
    own = msgspec.structs.replace(message.terms.statement, sealing_key=b"\7" * 32)
    return msgspec.structs.replace(message, terms=sign(own, "reviewer", world.identities["bank"]))


def with_another(**changes: object) -> Callable[[World, AskHistogram], AskHistogram]:
    return lambda world, message: asking(world, msgspec.structs.replace(message.question.statement, **changes))


def unsigned(world: World, message: AskHistogram) -> AskHistogram:
    return asking(world, message.question.statement, signer="tax")


def without_permit(world: World, message: AskHistogram) -> AskHistogram:
    provider = world.providers["labour"]
    provider._admission = dataclasses.replace(provider._admission, fields=frozenset({"age"}))  # type: ignore[type-var]
    return message


def after_others(world: World, message: AskHistogram) -> AskHistogram:
    provider = world.providers["labour"]
    provider.domain = dataclasses.replace(provider.domain, max_histograms=2)
    for column in (AGE, EMPLOYEES):
        world.send("labour", asking(world, question(bins=(column,))))
    return message


@pytest.mark.parametrize(
    ("change", "check", "reason"),
    [
        (unsigned, 1, "does not verify"),
        (of_another_reviewer, 2, "does not verify"),
        (expired, 2, "have expired"),
        (with_another(provider="tax"), 3, "not about the product version held here"),
        (with_another(product_version="2.0.0"), 3, "not about the product version held here"),
        (
            with_another(bins=(NumberBins(column="age", edges=("3.5",)),)),
            4,
            "3.5 is not one of the published grid",
        ),
        (with_another(bins=(NumberBins(column="wages", edges=("1",)),)), 4, "wages has no published grid"),
        (without_permit, 5, "no permit of bank covers these fields"),
        (after_others, 6, "too many different bins"),
    ],
)
def test_a_question_that_breaks_a_check_is_refused_and_recorded(
    world: World, change: Callable[[World, AskHistogram], AskHistogram], check: int, reason: str
) -> None:
    message = change(world, asking(world, question()))
    reply = decode(world.send("labour", message), Refused)
    assert (reply.check, reason in reply.reason) == (check, True), reply.reason
    assert world.events()[-1].detail == {"message": "AskHistogram", "check": check}


def test_the_same_bins_may_be_asked_about_again_when_no_others_may(world: World) -> None:
    provider = world.providers["labour"]
    provider.domain = dataclasses.replace(provider.domain, max_histograms=1)
    first = opened(world, answered(world, question()))
    again = opened(world, answered(world, question(nonce=b"\2" * 32)))
    assert (again.codes, again.counts) == (first.codes, first.counts)
    assert decode(world.send("labour", asking(world, question(bins=(AGE,)))), Refused).check == 6


def test_an_answer_that_is_too_long_for_a_message_is_refused_before_it_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compute.protocols.risk_score.histogram_answer.MAX_SEALED", 100)
    reply = decode(world.send("labour", asking(world, question())), Refused)
    assert (reply.check, reply.reason) == (7, "these bins have too many combinations")


# --- what the reviewer believes -------------------------------------------------------------------------------


def submission(world: World) -> ModelSubmission:
    handler = world.transport.handlers["reviewer"]
    sent = world.tap("reviewer")
    world.model()
    world.transport.handlers["reviewer"] = handler
    submitted = next(data for data in sent if b'"type":"submit_model"' in data)
    return decode(submitted, SubmitModel).submission.statement


def resealed(
    world: World,
    statement: ModelSubmission,
    inner: dict[str, object] | None = None,
    signers: tuple[str, str] = ("labour", "labour"),
    **outer: object,
) -> ModelSubmission:
    """The submission with labour's histogram changed, inside and outside, and signed by these for it."""
    first, *others = statement.histograms
    histogram = msgspec.structs.replace(opened(world, first.statement), **(inner or {}))
    asked = msgspec.structs.replace(first.statement.question, **outer)
    inside = sign(histogram, "labour", world.identities[signers[0]])
    sealing_key = world.reviewer._epochs.current().public_key
    sealed = SealedHistogram(question=asked, sealed=seal(inside, sealing_key, histogram_info(asked)))
    outside = sign(sealed, "labour", world.identities[signers[1]])
    return msgspec.structs.replace(statement, histograms=(outside, *others))


LIES: list[tuple[Callable[[World, ModelSubmission], ModelSubmission], str]] = [
    (lambda _, s: msgspec.structs.replace(s, histograms=s.histograms[:1]), "1 histograms for 2 tables"),
    (lambda _, s: msgspec.structs.replace(s, histograms=s.histograms[::-1]), "must be signed by labour"),
    (lambda w, s: resealed(w, s, signers=("bank", "labour")), "histogram of labour: the signature"),
    (lambda w, s: resealed(w, s, signers=("labour", "bank")), "histogram of labour: the signature"),
    (lambda w, s: resealed(w, s, bins=(AGE,)), "not about the bins that were submitted"),
    (lambda w, s: resealed(w, s, product_version="0.9.0"), "not about the bins that were submitted"),
    (lambda w, s: resealed(w, s, bank="rival"), "not about the bins that were submitted"),
    (lambda w, s: resealed(w, s, nonce=b"\3" * 32), "answers another question inside"),
    (lambda w, s: resealed(w, s, inner={"question": bytes(32)}), "answers another question inside"),
    (lambda w, s: resealed(w, s, inner={"counted_at": NOW - DAY}), "not of the last hour"),
    (lambda w, s: resealed(w, s, inner={"grids": (AGE,)}), "the grid of each column"),
    (lambda w, s: resealed(w, s, inner={"codes": b"\0"}), "one code for each feature"),
    (lambda w, s: resealed(w, s, inner={"codes": b"\x09\x09", "counts": (10,)}), "a bin that the question"),
    (lambda w, s: resealed(w, s, inner={"codes": b"\0\1\0\1", "counts": (10, 10)}), "in rising order"),
]


@pytest.mark.parametrize(("lie", "reason"), LIES)
def test_a_histogram_that_is_not_what_it_must_be_is_refused(
    world: World, lie: Callable[[World, ModelSubmission], ModelSubmission], reason: str
) -> None:
    changed = lie(world, submission(world))
    message = SubmitModel(submission=sign(changed, "bank", world.identities["bank"]))
    reply = decode(world.send("reviewer", message), Refused)
    assert (reply.check, reason in reply.reason) == (3, True), reply.reason


def test_a_histogram_that_is_sealed_to_another_key_is_not_opened(world: World) -> None:
    statement = submission(world)
    info, old = opening_info(statement.tables), world.reviewer._epochs.current().key
    opening = unseal(statement.sealed_opening, old, info, Opening)
    world.forget("reviewer", "key_epochs")
    sealed = seal(opening, world.reviewer._epochs.current().public_key, info)
    statement = msgspec.structs.replace(statement, sealed_opening=sealed)
    message = SubmitModel(submission=sign(statement, "bank", world.identities["bank"]))
    reply = decode(world.send("reviewer", message), Refused)
    assert (reply.check, "histogram of labour: it is not sealed to this key" in reply.reason) == (3, True)
