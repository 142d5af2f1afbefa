"""Banded answers between roles: exact bands, nothing but bands, and what a cheating bank gets instead."""

import dataclasses
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from banded import CUTS, EMPLOYEES, REGION, answer_of, band_query, banded_card, clear_bands
from world import SUBJECTS, World, scorecard

from audit.entry import EntryKind
from compute.canonical import Message, decode, encode
from compute.node import ledger
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.pool import Pool
from compute.protocols.base import AnswerError, Refused, RefusedByPeerError
from compute.protocols.closed_answer.messages import Answer, ReleasedAnswer
from compute.protocols.closed_answer.sealed_answer import key_digest, seal_answer
from compute.protocols.risk_score import job as job_module
from compute.protocols.risk_score.charge import name_of
from compute.protocols.risk_score.messages import BandQuery
from compute.protocols.risk_score.provider import BLIND, LEDGER, LOOK_UP, TEST, Means
from compute.signing import Signed, derived_secret, digest, sign

FEW = SUBJECTS[:3]
KEY = b"\7" * 32


@pytest.mark.long
def test_every_subject_gets_the_band_of_its_total(world: World, pool: Pool) -> None:
    world.providers["tax"]._means = Means(pool=lambda _key, _outputs: pool)
    bands = world.bands(world.model(banded_card()), SUBJECTS)
    assert bands == clear_bands(world, SUBJECTS)
    assert set(bands) == {0, 1, 2, 3}


def test_no_subject_has_no_band(world: World) -> None:
    assert world.bands(world.model(banded_card()), []) == []


def test_all_that_the_bank_decrypts_are_zeros_and_numbers_that_mean_nothing(world: World) -> None:
    model = world.model(banded_card())
    query = world.query(model, FEW)
    message, job = band_query(world, query), query.job.statement
    (alone,) = message.answers
    masked = [int(world.key.decrypt(c)) for c in world.bank.open(job, alone)]
    assert model.bands is not None
    tests = world.bank.open(job, answer_of(world, message, "tax"), len(FEW) * model.bands.tests)
    seen = [int(m) for m in world.key.decrypt_many(tests)]
    assert Counter(seen)[0] == len(FEW)
    telling = [m for m in (*masked, *seen) if m != 0]
    assert len(set(telling)) == len(telling) == len(FEW) * model.bands.tests
    # Whatever is small, or n less something small, or a small multiple of a small number's inverse, would tell.
    n = int(world.key.public.n)
    assert all(n >> 100 < m * factor % n < n - (n >> 100) for m in telling for factor in range(1, 51))


def test_a_retry_gets_the_same_bytes_also_in_another_process(world: World) -> None:
    message = band_query(world, world.query(world.model(banded_card()), FEW))
    first = world.send("tax", message)
    assert world.send("tax", message) == first
    assert encode(world.restarted("tax").answer(message)) == first
    sent = [event for event in world.events() if event.kind is EntryKind.ANSWER_SENT and event.node == "tax"]
    assert len(sent) == 1
    assert (sent[0].permit_id, sent[0].counterparty) == (world.permits["tax"], "bank")
    assert sent[0].job == digest(message.query.job.statement).hex()
    assert sent[0].detail["rows"] == len(FEW)


def test_progress_hears_of_every_step(world: World) -> None:
    heard: list[str] = []
    world.providers["tax"]._means = Means(progress=lambda step, _done, _total: heard.append(step))
    world.bands(world.model(banded_card()), FEW)
    assert list(dict.fromkeys(heard)) == [LOOK_UP, TEST, BLIND]


def spent(world: World, party: str) -> dict[str, int]:
    """What was charged for the first subject, in thousandths of a bit, by bank."""
    name = name_of(FEW[0], derived_secret(world.identities[party], LEDGER))
    with world.engines[party].begin() as connection:
        return ledger.spent(connection, name)


def test_the_ledger_charges_the_bits_of_the_bands(world: World) -> None:
    model = world.model(banded_card())
    for _ in range(2):  # the second time for nothing
        world.bands(model, FEW)
        assert spent(world, "labour") == spent(world, "tax") == {"bank": 2000}
    other = world.model(banded_card((10,), "other-card"))
    world.bands(other, FEW)
    assert spent(world, "labour") == spent(world, "tax") == {"bank": 3000}


def renew(world: World, party: str, snapshot: str) -> None:
    """Give a provider another table, in which these subjects are as they were."""
    provider = world.providers[party]
    held = dataclasses.replace(provider.domain.holding, snapshot=snapshot)
    provider.domain = dataclasses.replace(provider.domain, holding=held)


def test_bands_beside_other_parts_close_in_on_a_part_so_another_s_new_table_is_charged(world: World) -> None:
    """One band leaves two parts of labour's; beside all parts of the tax office each is another row of bands."""
    told = {part: tuple(bisect_right(CUTS, part + other) for other in REGION) for part in set(EMPLOYEES)}
    assert len(set(told.values())) == 3 > len({bands[0] for bands in told.values()})

    model, plain_model = world.model(banded_card()), world.model(scorecard())
    world.bands(model, FEW)
    renew(world, "tax", "1" * 64)
    for _ in range(2):  # the second time for nothing
        world.bands(model, FEW)
        assert (spent(world, "labour"), spent(world, "tax")) == ({"bank": 4000}, {"bank": 2000})

    # A total is charged no less than any part of it holds, so of these nothing is news.
    for party in ("labour", "tax"):
        world.forget(party, "ledger_charges")
    world.score(plain_model, FEW)
    once = spent(world, "labour")
    renew(world, "tax", "2" * 64)
    world.score(plain_model, FEW)
    assert spent(world, "labour") == once != {}


def test_the_reviewer_signs_the_range_and_the_cuts_and_tells_the_log_their_number(world: World) -> None:
    model = world.model(banded_card())
    assert model.bands is not None
    assert (model.bands.low, model.bands.high, model.bands.step, model.bands.cuts) == (-20, 30, 10, CUTS)
    assert (model.reachable_totals, model.outcomes) == (6, 4)
    (approved,) = [event for event in world.events() if event.kind is EntryKind.MODEL_APPROVED]
    assert approved.detail["bands"] == 4


# A cheating bank. Each gives a message for the banding provider, which is "tax", or another one.

Cheat = Callable[[World, BandQuery], Message]


def replaced(*answers: ReleasedAnswer) -> Cheat:
    return lambda _, honest: msgspec.structs.replace(honest, answers=answers)


def plain(_: World, honest: BandQuery) -> Message:
    return honest.query


def of_another_job(world: World, honest: BandQuery) -> Message:
    other = world.resigned(honest.query, nonce=b"\5" * 32)
    return msgspec.structs.replace(honest, answers=(answer_of(world, other),))


def twice(_: World, honest: BandQuery) -> Message:
    return msgspec.structs.replace(honest, answers=honest.answers * 2)


def forged(**changes: object) -> Cheat:
    """The other provider's answer, changed and signed by the bank as if it were one."""

    def cheat(world: World, honest: BandQuery) -> Message:
        (answer,) = honest.answers
        changed = msgspec.structs.replace(answer.answer.statement, **changes)
        signed = sign(changed, "labour", world.identities["bank"])
        return msgspec.structs.replace(honest, answers=(ReleasedAnswer(answer=signed, key=answer.key),))

    return cheat


def own_answer(world: World, honest: BandQuery) -> Message:
    """The bank puts an answer of its own into the other provider's place: all masks but one are known to it."""
    (answer,) = honest.answers
    changed = msgspec.structs.replace(answer.answer.statement, provider="bank")
    signed = sign(changed, "bank", world.identities["bank"])
    return msgspec.structs.replace(honest, answers=(ReleasedAnswer(answer=signed, key=answer.key),))


def another_key(_: World, honest: BandQuery) -> Message:
    (answer,) = honest.answers
    return msgspec.structs.replace(honest, answers=(msgspec.structs.replace(answer, key=KEY),))


def resealed(ciphertexts: Callable[[World], bytes]) -> Cheat:
    """What a provider that helps the bank might sign."""

    def cheat(world: World, honest: BandQuery) -> Message:
        return msgspec.structs.replace(honest, answers=(signed_by_labour(world, honest, ciphertexts(world)),))

    return cheat


def signed_by_labour(world: World, honest: BandQuery, ciphertexts: bytes) -> ReleasedAnswer:
    answer: Answer = honest.answers[0].answer.statement
    content = seal_answer(ciphertexts, KEY, "labour", "bank", answer.job)
    changed = msgspec.structs.replace(answer, content=content, key_digest=key_digest(KEY))
    return ReleasedAnswer(answer=sign(changed, "labour", world.identities["labour"]), key=KEY)


def short(world: World) -> bytes:
    return to_bytes(world.key.public, [world.key.encrypt(1)] * (len(FEW) - 1))


def zeros(world: World) -> bytes:
    return bytes(len(FEW) * world.key.public.ciphertext_bytes)


def multiples(world: World) -> bytes:
    return to_bytes(world.key.public, [world.key.factors[0]] * len(FEW))


CASES = [
    (plain, "tax", 10, "this provider tells the bands"),
    (lambda _, honest: honest, "labour", 10, "labour tells no bands"),
    (twice, "tax", 11, "each once"),
    (own_answer, "tax", 11, "not those of the other providers"),
    (of_another_job, "tax", 11, "to another job"),
    (forged(job=b"\5" * 32), "tax", 11, "does not verify"),
    (forged(bank="rival"), "tax", 11, "does not verify"),
    (another_key, "tax", 12, "not the one that the answer committed to"),
    (resealed(short), "tax", 12, "ciphertexts"),
    (resealed(zeros), "tax", 12, "outside"),
    (resealed(multiples), "tax", 12, "shares a factor"),
]


@pytest.mark.long
@pytest.mark.parametrize(("cheat", "party", "check", "reason"), CASES, ids=range(len(CASES)))
def test_a_cheating_bank_gets_no_tests(world: World, cheat: Cheat, party: str, check: int, reason: str) -> None:
    query = world.query(world.model(banded_card()), FEW)
    message = cheat(world, band_query(world, query))
    if party == "labour":  # to which the honest bank has sent the query already
        query = world.resigned(query, nonce=b"\6" * 32)
        message = msgspec.structs.replace(band_query(world, query), query=world.resigned(query, nonce=b"\7" * 32))
    refused = decode(world.send(party, message), Refused)
    assert (refused.check, reason in refused.reason) == (check, True), refused.reason
    if party == "tax":
        assert world.providers["tax"]._answers.by_nonce("bank", query.job.statement.nonce) is None
    last = world.events()[-1]
    assert last.detail == {"message": type(message).__name__, "check": check}


def test_no_answers_at_all_are_no_message(world: World) -> None:
    message = band_query(world, world.query(world.model(banded_card()), FEW))
    data = encode(message)
    start, end = data.index(b'"answers":['), data.index(b'],"query"')
    empty = data[:start] + b'"answers":[' + data[end:]
    assert decode(world.transport.exchange("tax", empty), Refused).check == 0


@pytest.mark.parametrize("party", ["labour", "tax"])
def test_a_model_without_bands_gives_none(world: World, party: str) -> None:
    query = world.query(world.model(banded_card(None)), FEW)
    other = "tax" if party == "labour" else "labour"
    message = BandQuery(query=query, answers=(answer_of(world, query, other),))
    assert decode(world.send(party, message), Refused).check == 10


def test_a_provider_that_shifts_its_answer_makes_no_band(world: World) -> None:
    """Its number is no total: the bank sees that something is wrong, and tells nobody."""
    model = world.model(banded_card())
    honest = band_query(world, world.query(model, FEW))
    nonsense = to_bytes(world.key.public, [world.key.encrypt(5 + i) for i in range(len(FEW))])
    message = msgspec.structs.replace(honest, answers=(signed_by_labour(world, honest, nonsense),))
    answer = world.release(decode(world.send("tax", message), Signed[Answer]))
    with pytest.raises(AnswerError, match="do not add up"):
        world.bank.bands_of(model, honest.query.job.statement, answer)


def test_rows_that_fit_no_message_are_refused_by_both_sides(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    model = world.model(banded_card())
    query = world.query(model, FEW)
    monkeypatch.setattr(job_module, "MAX_CONTENT", 2 * 6 * world.key.public.ciphertext_bytes)
    for party in world.providers:
        refused = decode(world.send(party, query), Refused)
        assert (refused.check, refused.remedy) == (7, "ask for at most 2 at once")
    with pytest.raises(AnswerError, match="ask for 2 at a time"):
        world.query(model, FEW)
    assert len(world.bands(model, FEW[:2])) == 2


def test_the_largest_banded_job_is_a_message(world: World) -> None:
    """What is counted in rows stays below a message's size with all that stands around it."""
    model = world.model(banded_card())
    rows = job_module.most_rows(model, world.key.public)
    answer = rows * 6 * world.key.public.ciphertext_bytes * 4 // 3
    subjects = rows * len(SUBJECTS[0] + '"",')
    assert answer < 60 * 2**20
    assert answer + subjects < 63 * 2**20
    assert (rows + 1) * 6 * world.key.public.ciphertext_bytes > job_module.MAX_CONTENT


def test_the_bank_takes_no_approval_of_other_cuts(world: World) -> None:
    world.enrol()
    submitted = world.submit(banded_card())
    world.examine(submitted)
    for cuts in (None, (0,)):
        changed = msgspec.structs.replace(submitted, cuts=cuts)
        with pytest.raises(AnswerError, match="something else than was submitted"):
            world.bank.ask_decision(changed)


@pytest.mark.parametrize(
    ("cuts", "reason"),
    [
        ((-20,), "no total lies"),
        ((31,), "no total lies"),
        ((1, 9), "no total lies"),
        ((10, 10), "do not rise"),
        ((10, -10), "do not rise"),
    ],
)
def test_cuts_that_make_no_bands_are_refused(world: World, cuts: tuple[int, ...], reason: str) -> None:
    with pytest.raises(RefusedByPeerError, match=rf"check 9: .*{reason}"):
        world.model(banded_card(cuts))


def test_no_message_to_a_provider_holds_a_point_or_a_total(world: World) -> None:
    received = [message for party in world.providers for message in [world.tap(party)]]
    world.bands(world.model(banded_card()), FEW)
    traffic = b"".join(data for messages in received for data in messages)
    assert b'"cuts":[0,10,20]' in traffic
    for word in (b'"points"', b"randomness", b"sealed_opening"):
        assert word not in traffic
