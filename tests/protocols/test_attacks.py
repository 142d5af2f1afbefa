"""Attacks on the exchange that were once possible, each played by whoever would gain from it."""

import dataclasses
import threading

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from world import DAY, EXAMPLES, NOW, SUBJECTS, World, scorecard

from audit.entry import EntryKind
from compute.binning import CategoryBins, NumberBins
from compute.canonical import FormatError, Message, decode, encode
from compute.paillier.private import PrivateKey
from compute.protocols import base
from compute.protocols.base import AnswerError, Pending, RefusedByPeerError
from compute.protocols.closed_answer.messages import Acknowledge, Acknowledgement, Answer
from compute.protocols.risk_score.bin_histogram import SealedHistogram
from compute.protocols.risk_score.messages import (
    AskHistogram,
    AskProviderTerms,
    AskReviewerTerms,
    ModelApproval,
    ProviderTerms,
    RegisterTables,
    ReviewerTerms,
)
from compute.protocols.risk_score.provider import Means
from compute.protocols.risk_score.scorecard import Feature, Scorecard, parse_scorecard
from compute.signing import Pin, Signed, digest, sign


def card(register: tuple[Feature, ...], insurance: tuple[Feature, ...]) -> Scorecard:
    return Scorecard("card", "1.0.0", 0, 0, {"register": register, "insurance": insurance}, ())


REGION = scorecard().sources["register"]
AGE, EMPLOYEES = scorecard().sources["insurance"]


# --- the bank ------------------------------------------------------------------------------------------------


def test_a_bank_cannot_be_the_second_provider_of_its_own_model(world: World) -> None:
    """With a mask key of its own in the set it would strip the only other mask: a partial score in the clear."""
    mask_key = X25519PrivateKey.generate().public_key().public_bytes_raw()

    def as_provider(data: bytes) -> bytes:
        if data != encode(AskProviderTerms(bank="bank")):
            question = decode(data, AskHistogram).question.statement
            return encode(sign(SealedHistogram(question=question, sealed=b""), "bank", world.identities["bank"]))
        terms = ProviderTerms(
            provider="bank",
            product="insurance",
            product_version="1.0.0",
            snapshot="0" * 64,
            snapshot_date="2026-11-01",
            mask_key=mask_key,
            expires=NOW + DAY,
        )
        return encode(sign(terms, "bank", world.identities["bank"]))

    world.transport.handlers["bank"] = as_provider
    with pytest.raises(AnswerError, match="enrolled as consumer and cannot sign as provider"):
        world.submit(scorecard(), ["bank", "tax"])
    # A bank that skips its own check meets the reviewer's, and then every provider's.
    world.bank._pins = {**world.pins, "bank": Pin("provider", world.pins["bank"].key)}
    with pytest.raises(RefusedByPeerError, match="check 2: bank is not enrolled as a provider"):
        world.submit(scorecard(), ["bank", "tax"])


def test_a_provider_refuses_a_job_with_a_party_that_is_none(world: World) -> None:
    query = world.query(world.model())
    labour, tax = query.job.statement.providers
    for name, pin in list(world.pins.items()):
        if name == "labour":
            world.pins[name] = Pin("model_reviewer", pin.key)
    assert (labour.signer, tax.signer) == ("labour", "tax")
    reply = world.send("tax", query)
    assert b'"check":5' in reply
    assert b"cannot sign as provider" in reply


def test_a_column_named_twice_is_no_message(world: World) -> None:
    """It would fill slots that no other provider fills, and leave there a partial score alone."""
    twice = card(REGION, (EMPLOYEES, EMPLOYEES))
    with pytest.raises((RefusedByPeerError, ValueError), match="each column once"):
        world.model(twice)


def test_bins_do_not_tell_the_order_of_the_points() -> None:
    """Sorted by value: what a provider sees of the shipped card is the same whatever the points."""
    data = (EXAMPLES / "scorecard.json").read_bytes()
    shuffled = data.replace(b'"MT",\n       "MS"', b'"MS",\n       "MT"')
    assert shuffled != data
    first, second = parse_scorecard(data), parse_scorecard(shuffled)
    assert first == second
    for feature in first.sources["market-registration"]:
        assert isinstance(feature.bins, CategoryBins)
        values = [group[0] for group in feature.bins.groups]
        assert values == sorted(values)


@pytest.mark.parametrize("points", [(1, 0, 0), (0, 0, 1)])
def test_points_on_an_empty_bin_do_not_pass_for_variation(world: World, points: tuple[int, ...]) -> None:
    """All of labour in one bin would make the total the tax office's partial score."""
    empty = Feature(NumberBins(column="age", edges=("-99",)), points)
    with pytest.raises(RefusedByPeerError, match=r"check 7: the points at labour are constant|check 5: labour"):
        world.model(card(REGION, (empty,)))


def test_a_receipt_comes_from_the_bank_that_was_answered_and_counts_once(world: World) -> None:
    answer = decode(world.send("tax", world.query(world.model())), Signed[Answer]).statement
    other = Ed25519PrivateKey.generate()
    world.pins["other-bank"] = Pin("consumer", other.public_key().public_bytes_raw())

    def receipt(bank: str, key: Ed25519PrivateKey) -> bytes:
        statement = Acknowledgement(bank=bank, job=answer.job, answer=digest(answer))
        signed, logged = sign(statement, bank, key), world.record(answer)
        return world.send("tax", Acknowledge(acknowledgement=signed, entry=logged.entry, receipt=logged.receipt))

    assert b"no such answer was given to this bank" in receipt("other-bank", other)
    first = receipt("bank", world.identities["bank"])
    world.clock.now += 5000
    assert receipt("bank", world.identities["bank"]) == first
    kinds = [event.kind for event in world.events()]
    assert kinds.count(EntryKind.ANSWER_ACKNOWLEDGED) == 1


# --- whoever is on the wire ----------------------------------------------------------------------------------


def test_an_old_key_cannot_be_enrolled_again_by_replay(world: World) -> None:
    old = world.key_claim(world.key, NOW)
    new = world.key_claim(PrivateKey.generate(2048), NOW + 1)
    assert b'"accepted"' in world.send("tax", old)
    assert b'"accepted"' in world.send("tax", old)
    assert b'"accepted"' in world.send("tax", new)
    assert b'"check":5' in world.send("tax", old)


def test_an_old_submission_is_not_approved_again(world: World) -> None:
    handler = world.transport.handlers["reviewer"]
    sent = world.tap("reviewer")
    first = world.model()
    submitted = next(data for data in sent if b'"type":"submit_model"' in data)
    assert b'"model_received"' in handler(submitted)
    assert decode(handler(sent[-1]), Signed[ModelApproval]).statement == first
    assert len(world.cases.latest(10)) == 1
    world.clock.now += DAY
    world.forget("reviewer", "model_cases")
    assert b"not of the last hour" in handler(submitted)


@pytest.mark.parametrize("party", ["labour", "reviewer"])
def test_replayed_terms_are_not_used_after_they_expire(world: World, party: str) -> None:
    """The key in them may be in other hands by now."""
    question: Message = AskReviewerTerms(bank="bank") if party == "reviewer" else AskProviderTerms(bank="bank")
    old = world.send(party, question)
    honest = world.transport.handlers[party]
    world.transport.handlers[party] = lambda data: old if data == encode(question) else honest(data)
    world.model()
    world.clock.now += DAY
    with pytest.raises(AnswerError, match=f"terms of {party} are another's or have expired"):
        world.model()


def test_terms_that_name_another_party_are_not_used(world: World) -> None:
    stated = decode(world.send("reviewer", AskReviewerTerms(bank="bank")), Signed[ReviewerTerms]).statement
    forged = sign(msgspec.structs.replace(stated, reviewer="somebody"), "reviewer", world.identities["reviewer"])
    honest = world.transport.handlers["reviewer"]
    question = encode(AskReviewerTerms(bank="bank"))
    world.transport.handlers["reviewer"] = lambda data: encode(forged) if data == question else honest(data)
    with pytest.raises(AnswerError, match="are another's"):
        world.model()


def test_an_unverified_name_never_enters_the_log(world: World) -> None:
    """A refusal of a message that anybody could write must not carry the name that they wrote."""
    message = world.key_claim(world.key, NOW, bank="li-wei-110105199003078888")
    assert b'"check":1' in world.send("tax", message)
    query = world.query(world.model())
    forged = msgspec.structs.replace(
        query.job, statement=msgspec.structs.replace(query.job.statement, permits=("u9", "u9"))
    )
    assert b'"check":1' in world.send("tax", msgspec.structs.replace(query, job=forged))
    refused = [event for event in world.events() if event.kind is EntryKind.REFUSED]
    assert [(event.counterparty, event.permit_id, event.job) for event in refused] == [(None, None, None)] * 2


def test_a_long_name_in_a_malformed_message_still_gets_a_readable_refusal(world: World) -> None:
    reply = world.transport.exchange("tax", b'{"' + b"x" * 5000 + b'":1,"type":"query"}')
    assert b'"check":0' in reply
    assert len(reply) < 2000


def test_a_huge_integer_is_refused_and_recorded(world: World) -> None:
    handler = world.transport.handlers["tax"]
    sent = world.tap("tax")
    world.model()
    registration = next(data for data in sent if b'"type":"register_tables"' in data)
    totals = decode(registration, RegisterTables).approval.statement.reachable_totals
    huge = registration.replace(b'"reachable_totals":%d' % totals, b'"reachable_totals":9007199254740993')
    assert b'"check":0' in handler(huge)


# --- the reviewer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [{"points_bound": 3}, {"purpose": "curiosity"}, {"expires": NOW}, {"reviewer": "other"}]
)
def test_the_bank_uses_no_approval_but_of_what_it_submitted(world: World, change: dict[str, object]) -> None:
    honest = world.transport.handlers["reviewer"]

    def lie(data: bytes) -> bytes:
        reply = honest(data)
        if b'"type":"ask_decision"' not in data:
            return reply
        approval = msgspec.structs.replace(decode(reply, Signed[ModelApproval]).statement, **change)
        return encode(sign(approval, "reviewer", world.identities["reviewer"]))

    world.transport.handlers["reviewer"] = lie
    with pytest.raises(AnswerError, match="something else than was submitted"):
        world.model()


def test_a_provider_takes_no_model_of_one_provider_whatever_the_reviewer_signs(world: World) -> None:
    handler = world.transport.handlers["tax"]
    sent = world.tap("tax")
    world.model()
    message = decode(next(data for data in sent if b'"type":"register_tables"' in data), RegisterTables)
    own = tuple(part for part in message.approval.statement.tables if part.provider == "tax")
    wrong_count = tuple(
        msgspec.structs.replace(part, features=part.features + 1) for part in message.approval.statement.tables
    )
    for tables, reason in ((own, b"one provider only"), (wrong_count, b"does not cover")):
        approval = msgspec.structs.replace(message.approval.statement, tables=tables)
        signed = sign(approval, "reviewer", world.identities["reviewer"])
        reply = handler(encode(msgspec.structs.replace(message, approval=signed)))
        assert b'"check":4' in reply
        assert reason in reply


def test_points_id_tells_models_apart_that_split_the_same_columns_otherwise(world: World) -> None:
    """The same bins and points, once at one provider and once at another, are two models."""
    seen = {
        world.model(card(REGION, (AGE, EMPLOYEES))).points_id,
        world.model(card(REGION, (AGE,))).points_id,
        world.model(card(REGION, (EMPLOYEES,))).points_id,
    }
    assert len(seen) == 3


# --- time and threads ----------------------------------------------------------------------------------------


def test_a_mask_key_that_rotates_during_a_job_does_not_spoil_it(world: World) -> None:
    query = world.query(world.model(), SUBJECTS[:4])
    tax = world.providers["tax"]
    (before,) = tax._epochs.alive()
    world.clock.now = before.expires - 1

    def rotate(_step: str, _done: int, _total: int) -> None:
        world.clock.now = before.expires
        tax.terms(AskProviderTerms(bank="bank"))

    tax._means = Means(progress=rotate)
    answers = [decode(world.send(party, query), Signed[Answer]) for party in ("labour", "tax")]
    assert before.public_key not in {epoch.public_key for epoch in tax._epochs.alive()}
    clear = [sum(parts) for parts in zip(*world.clear(SUBJECTS[:4]).values(), strict=True)]
    assert world.totals(query.job.statement, answers) == clear


def test_identical_queries_at_once_are_one_computation_and_conflicting_ones_one_answer(world: World) -> None:
    query = world.query(world.model(), SUBJECTS[:4])
    conflicting = world.resigned(query, as_of="2026-11-20")
    computed: list[str] = []
    tax = world.providers["tax"]
    tax._means = Means(progress=lambda step, done, total: computed.append(step) if done == total else None)
    replies: dict[int, bytes] = {}

    def send(index: int) -> None:
        replies[index] = world.send("tax", query if index % 2 == 0 else conflicting)

    threads = [threading.Thread(target=send, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same, other = {replies[i] for i in (0, 2, 4)}, {replies[i] for i in (1, 3, 5)}
    assert len(same) == len(other) == 1
    assert sum(b'"check":2' in reply for reply in same | other) == 1
    assert len(computed) == 2  # one look-up and one blinding


def test_a_fault_of_the_node_is_refused_recorded_and_quiet(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    query = world.query(world.model())

    row = "ACME holds 42"

    def broken(_subjects: object, _columns: object) -> None:
        raise RuntimeError(row)

    holding = dataclasses.replace(world.providers["tax"].domain.holding, select=broken)
    monkeypatch.setattr(
        world.providers["tax"], "domain", dataclasses.replace(world.providers["tax"].domain, holding=holding)
    )
    reply = world.send("tax", query)
    assert b'"check":98' in reply
    assert b"ACME" not in reply
    assert "ACME" not in caplog.text
    assert "RuntimeError" in caplog.text
    assert world.events()[-1].detail == {"message": "Query", "check": 98}


def test_no_message_of_one_type_passes_for_another(world: World) -> None:
    terms = world.send("tax", AskProviderTerms(bank="bank"))
    with pytest.raises(FormatError):
        decode(terms, Signed[Answer])


# --- probing a table through registrations ------------------------------------------------------------------


def test_small_bins_are_refused_without_a_count_and_only_a_few_times(world: World) -> None:
    """Edges that slide, one registration after another, would find every order statistic of the table."""
    texts = []
    for edge in ("90", "91", "92", "93", "94"):
        probe = Feature(NumberBins(column="employees", edges=(edge, "99999")), (0, 1, 0, 0))
        with pytest.raises(RefusedByPeerError) as refused:
            world.model(card(REGION, (AGE, probe)))
        texts.append(str(refused.value))
    assert texts[0] == texts[1] == texts[2]
    assert "employees" not in texts[0]
    assert all("check 8: too many models or bins were tried" in text for text in texts[3:])


def test_a_bank_has_a_bounded_number_of_models(world: World) -> None:
    domain = world.providers["tax"].domain
    world.providers["tax"].domain = dataclasses.replace(domain, max_models=2)
    world.model()
    world.model()
    with pytest.raises(RefusedByPeerError, match="check 8: too many models"):
        world.model()


def test_no_row_is_looked_at_without_a_permit_for_the_field(world: World) -> None:
    sent = world.tap("labour")
    world.model()
    registration = next(data for data in sent if b'"type":"register_tables"' in data)
    world.forget("labour", "registrations")
    provider = world.providers["labour"]
    provider._admission = dataclasses.replace(provider._admission, fields=frozenset({"age"}))  # type: ignore[type-var]
    broken = dataclasses.replace(provider.domain.holding, select=None)  # type: ignore[arg-type]
    provider.domain = dataclasses.replace(provider.domain, holding=broken)
    assert b"no permit of bank covers this model" in world.transport.exchange("labour", registration)
    with pytest.raises(RefusedByPeerError, match="check 5: no permit of bank covers these fields"):
        world.model()


@pytest.mark.parametrize("lone", ["north", "west"])
def test_a_last_bin_of_few_companies_is_refused(world: World, lone: str) -> None:
    """Everybody listed but one: "other" is that one."""
    world.tables["tax"]["region"] = ["east"] * 20 + ["south"] * (len(SUBJECTS) - 21) + [lone]
    region = Feature(CategoryBins(column="region", groups=(("east",), ("south",))), (0, 2, 1))
    with pytest.raises(RefusedByPeerError, match="tax refused at check 7: a bin holds fewer"):
        world.model(card((region,), (AGE, EMPLOYEES)))


# --- statements out of time, repeated events, foreign nonces ----------------------------------------------------


@pytest.mark.parametrize("issued_at", [NOW - DAY, NOW + DAY, 2**53 - 1])
def test_a_key_statement_of_another_day_changes_nothing(world: World, issued_at: int) -> None:
    """Neither a retired key after a restart, nor one from a future that no later key could follow."""
    message = world.key_claim(world.key, issued_at)
    assert b'"check":5' in world.send("tax", message)
    assert world.providers["tax"]._registry.enrolment("bank") is None


def test_repeated_messages_are_one_event(world: World) -> None:
    handler = world.transport.handlers["tax"]
    sent = world.tap("tax")
    world.model()
    size = world.log.size()
    world.clock.now += 5000
    for data in sent * 3:
        assert b'"refused"' not in handler(data)
    assert world.log.size() == size


def test_another_bank_cannot_use_up_a_nonce(world: World) -> None:
    query = world.query(world.model())
    assert world.providers["tax"]._answers.by_nonce("rival", query.job.statement.nonce) is None
    world.send("tax", query)
    assert world.providers["tax"]._answers.by_nonce("rival", query.job.statement.nonce) is None
    assert world.providers["tax"]._answers.by_nonce("bank", query.job.statement.nonce) is not None


def test_a_stored_answer_does_not_wait_for_another_job(world: World) -> None:
    query = world.query(world.model())
    first = world.send("tax", query)
    with world.providers["tax"]._compute_lock:
        assert world.send("tax", query) == first


def test_points_id_differs_between_banks(world: World) -> None:
    """A rival that guesses a model must not see its guess confirmed."""
    first = world.model()
    rival = Ed25519PrivateKey.generate()
    world.pins["rival"] = Pin("consumer", rival.public_key().public_bytes_raw())
    world.bank.name, world.bank._identity = "rival", rival
    for provider in world.providers.values():
        provider._admission = dataclasses.replace(provider._admission, bank="rival")  # type: ignore[type-var]
    assert world.model().points_id != first.points_id


def test_a_table_that_changed_is_looked_at_again_before_a_model_is_used(world: World) -> None:
    """Bins of many enterprises when the model was registered may hold one in the next snapshot."""
    model, labour = world.model(), world.providers["labour"]
    holding = labour.domain.holding
    same = dataclasses.replace(holding, snapshot="1" * 64)
    labour.domain = dataclasses.replace(labour.domain, holding=same)
    assert len(world.score(model, SUBJECTS[:3])) == 3
    fewer = dataclasses.replace(same, snapshot="2" * 64, subjects=holding.subjects[:9])
    labour.domain = dataclasses.replace(labour.domain, holding=fewer)
    with pytest.raises(RefusedByPeerError, match="check 4: on the present table a bin holds fewer than 10"):
        world.score(model, SUBJECTS[:3])


def test_who_answers_pending_where_nothing_takes_long_is_not_waited_for(world: World) -> None:
    pending = Pending(
        party="tax", ticket="0" * 32, state="queued", step=None, done=0, total=1, milliseconds_left=None
    )
    honest = world.transport.handlers["tax"]
    world.transport.handlers["tax"] = lambda data: (
        encode(pending) if b'"type":"enrol_key"' in data else honest(data)
    )
    with pytest.raises(AnswerError, match="the reply of tax is malformed"):
        world.enrol()


def test_work_that_never_moves_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    model = world.model()
    pending = Pending(
        party="labour", ticket="0" * 32, state="running", step="x", done=1, total=2, milliseconds_left=None
    )
    honest = world.transport.handlers["labour"]

    def dawdle(data: bytes) -> bytes:
        return encode(pending) if b'"type":"query"' in data or b'"type":"collect"' in data else honest(data)

    world.transport.handlers["labour"] = dawdle
    monkeypatch.setattr(base, "STALL", 0.3)
    with pytest.raises(AnswerError, match="the work at labour has not moved"):
        world.score(model, SUBJECTS[:3])
