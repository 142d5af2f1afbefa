"""The risk score between roles: exact totals, answers that say nothing alone, retries, the audit trail."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from world import DAY, NOW, SUBJECTS, TODAY, World

from audit.entry import EntryKind
from compute.canonical import decode, encode
from compute.node.answers import AnswerStore
from compute.node.epochs import OVERLAP
from compute.paillier.ciphertexts import from_bytes
from compute.protocols.base import AnswerError, RefusalError, RefusedByPeerError
from compute.protocols.risk_score.messages import (
    Acknowledge,
    Acknowledged,
    Answer,
    AskProviderTerms,
    Query,
)
from compute.protocols.risk_score.provider import BLIND, Provider
from compute.signing import Signed, digest, sign


def answer_to(world: World, party: str, query: Query) -> Signed[Answer]:
    return decode(world.send(party, query), Signed[Answer])


@pytest.mark.parametrize("rows", [0, 1, 153, 154, 160])
def test_totals_are_those_of_the_clear(world: World, rows: int) -> None:
    subjects = SUBJECTS[::-1][:rows]
    clear = world.clear(subjects)
    assert world.score(world.model(), subjects) == [sum(parts) for parts in zip(*clear.values(), strict=True)]


def test_answers_to_different_jobs_do_not_add_up(world: World) -> None:
    model = world.model()
    first, second = world.query(model, SUBJECTS), world.query(model, SUBJECTS)
    a = answer_to(world, "tax", first).statement.ciphertexts
    b = answer_to(world, "labour", second).statement.ciphertexts
    job, public = first.job.statement, world.key.public
    pairs = zip(from_bytes(public, a, job.outputs), from_bytes(public, b, job.outputs), strict=True)
    seen = [v for x, y in pairs for v in job.layout.unpack(int(world.key.decrypt(public.add(x, y))), job.slots)]
    clear = [sum(parts) for parts in zip(*world.clear(SUBJECTS).values(), strict=True)]
    assert sum(x == y for x, y in zip(seen[: job.rows], clear, strict=True)) < 4


def test_two_runs_share_no_ciphertext(world: World) -> None:
    model = world.model()
    size = world.key.public.ciphertext_bytes
    seen: list[bytes] = []
    for _ in range(2):
        query = world.query(model, SUBJECTS)
        for party in world.providers:
            data = answer_to(world, party, query).statement.ciphertexts
            seen += [data[i : i + size] for i in range(0, len(data), size)]
    assert len(seen) == len(set(seen)) == 8


def test_a_retry_gets_the_same_bytes_also_after_a_restart_and_is_one_event(world: World) -> None:
    query = world.query(world.model(), SUBJECTS)
    first = world.send("tax", query)
    world.clock.now += 5000
    assert world.send("tax", query) == first
    assert encode(world.restarted("tax").answer(query)) == first
    released = [event for event in world.events() if event.kind is EntryKind.ANSWER_SENT]
    assert len(released) == 1


def test_no_audit_no_answer_and_the_retry_releases_what_was_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = world.query(world.model(), SUBJECTS[:1])

    def full_disk(_work: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(world.log, "grouped", full_disk)
        with pytest.raises(OSError, match="No space left"):
            world.send("tax", query)
    stored = world.providers["tax"]._answers.by_nonce("bank", query.job.statement.nonce)
    assert stored is not None
    assert world.send("tax", query) == encode(stored)


def test_every_use_and_refusal_is_in_the_log_without_a_subject(world: World) -> None:
    world.score(world.model(), SUBJECTS[:5])
    with pytest.raises(RefusedByPeerError):
        world.bank.score(world.model(), SUBJECTS[:5], dict.fromkeys(world.permits, "another-permit"), TODAY)
    events = world.events()
    released = [event for event in events if event.permit_id is not None]
    assert {(event.kind, event.node, event.permit_id) for event in released} == {
        (EntryKind.ANSWER_SENT, party, world.permits[party]) for party in world.providers
    }
    assert len(released) == 2
    assert [event.kind for event in events].count(EntryKind.ANSWER_ACKNOWLEDGED) == 2
    refused = events[-1]
    assert (refused.kind, refused.counterparty, refused.permit_id) == (EntryKind.REFUSED, "bank", None)
    assert refused.detail == {"message": "Query", "check": 9}
    text = "".join(str(event) for event in events)
    assert not any(subject in text for subject in SUBJECTS)
    world.check_log()


def test_nothing_that_a_provider_gets_holds_points_or_scores(world: World) -> None:
    """The bank's extremes, ±1000, and the card's base are nowhere in the clear; nor is the reviewer's opening."""
    received: list[bytes] = []
    for party in world.providers:
        handler = world.transport.handlers[party]

        def record(data: bytes, handler=handler) -> bytes:  # noqa: ANN001 -- bound per party
            received.append(data)
            return handler(data)

        world.transport.handlers[party] = record
    world.score(world.model(), SUBJECTS)
    traffic = b"".join(received)
    assert b'"points"' not in traffic
    assert b"randomness" not in traffic
    assert b"sealed_opening" not in traffic
    factors = [str(f).encode() for f in world.key.factors]
    assert not any(f in traffic for f in factors)


def test_the_receipt_is_the_same_whether_or_not_decryption_succeeds(world: World) -> None:
    """A provider that sends well-formed nonsense is acknowledged alike: nothing to learn from the reaction."""
    model = world.model()
    receipts: list[dict[str, object]] = []
    honest = world.transport.handlers["tax"]

    def nonsense(data: bytes) -> bytes:
        reply = honest(data)
        if b'"type":"query"' in data:
            answer = decode(reply, Signed[Answer]).statement
            outputs = len(answer.ciphertexts) // world.key.public.ciphertext_bytes
            junk = b"".join(
                int(world.key.encrypt(12345 + i)).to_bytes(world.key.public.ciphertext_bytes, "big")
                for i in range(outputs)
            )
            forged = Answer(
                provider="tax", bank="bank", job=answer.job, ciphertexts=junk, answered_at=answer.answered_at
            )
            return encode(sign(forged, "tax", world.identities["tax"]))
        if b'"type":"acknowledge"' in data:
            receipts.append({"size": len(data)})
            return encode(Acknowledged(provider="tax", at=NOW))
        return reply

    world.transport.handlers["tax"] = nonsense
    with pytest.raises(AnswerError, match="do not add up"):
        world.score(model, SUBJECTS)
    assert len(receipts) == 1


@pytest.mark.parametrize("change", ["job", "provider", "short", "zero", "signature"])
def test_the_bank_refuses_a_false_answer(world: World, change: str) -> None:
    model = world.model()
    honest = world.transport.handlers["tax"]

    def forge(data: bytes) -> bytes:
        if b'"type":"query"' not in data:
            return honest(data)
        answer = decode(honest(data), Signed[Answer]).statement
        ciphertexts = answer.ciphertexts
        if change == "short":
            ciphertexts = ciphertexts[:-1]
        if change == "zero":
            ciphertexts = bytes(len(ciphertexts))
        forged = Answer(
            provider="labour" if change == "provider" else "tax",
            bank="bank",
            job=bytes(32) if change == "job" else answer.job,
            ciphertexts=ciphertexts,
            answered_at=answer.answered_at,
        )
        return encode(sign(forged, "tax", world.identities["labour" if change == "signature" else "tax"]))

    world.transport.handlers["tax"] = forge
    with pytest.raises(AnswerError, match=r"tax|another job"):
        world.score(model, SUBJECTS)


def test_swapped_mask_keys_are_refused_by_the_bank(world: World) -> None:
    """A marketplace in the middle cannot put its own X25519 key into a provider's terms."""
    model = world.model()
    honest = world.transport.handlers["labour"]

    def swap(data: bytes) -> bytes:
        if decode_is_question(data):
            return world.transport.handlers["tax"](data)
        return honest(data)

    def decode_is_question(data: bytes) -> bool:
        return data == encode(AskProviderTerms(bank="bank"))

    world.transport.handlers["labour"] = swap
    with pytest.raises(AnswerError, match="cannot be trusted"):
        world.score(model, SUBJECTS)


def test_two_processes_that_compute_two_jobs_of_one_nonce_answer_one(world: World) -> None:
    query = world.query(world.model(), SUBJECTS[:4])
    queries = [query, world.resigned(query, as_of="2026-11-21")]
    roles = [world.restarted("tax") for _ in queries]
    together = threading.Barrier(2)
    for role in roles:
        role._progress = lambda step, done, total: together.wait() if (step, done) == (BLIND, total) else None

    def ask(role: Provider, query: Query) -> Signed[Answer] | int:
        try:
            return role.answer(query)
        except RefusalError as error:
            return error.check

    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(ask, roles, queries))
    assert replies.count(2) == 1
    (answered,) = (reply for reply in replies if isinstance(reply, Signed))
    assert answered.statement.job == digest(queries[replies.index(answered)].job.statement)


def test_mask_keys_change_with_the_epoch(world: World) -> None:
    provider = world.providers["tax"]
    question = AskProviderTerms(bank="bank")
    before = provider.terms(question).statement
    world.clock.now = before.expires - OVERLAP - 1
    assert provider.terms(question).statement == before
    assert world.restarted("tax").terms(question).statement == before
    world.clock.now += 1
    assert provider.terms(question).statement.mask_key != before.mask_key
    assert before.expires == NOW + DAY


def test_a_job_on_the_last_epoch_is_answered_until_its_key_expires(world: World) -> None:
    model = world.model()
    query, late = world.query(model, SUBJECTS[:4]), world.query(model, SUBJECTS[:4])
    world.clock.now = NOW + DAY - 1
    assert world.query(model).job.statement.providers != query.job.statement.providers  # newer keys are offered
    answers = [answer_to(world, party, query) for party in ("labour", "tax")]
    clear = [sum(parts) for parts in zip(*world.clear(SUBJECTS[:4]).values(), strict=True)]
    assert world.bank.totals(query.job.statement, answers) == clear
    world.clock.now += 1
    assert b'"check":5' in world.send("tax", late)
    assert decode(world.send("tax", query), Signed[Answer]) == answers[1]  # what was stored is still given


def test_what_a_bank_brought_outlives_a_process(world: World) -> None:
    """Key, tables and mask key: another process of the node answers as the first would have."""
    query = world.query(world.model(), SUBJECTS[:4])
    answers = [world.restarted(party).answer(query) for party in ("labour", "tax")]
    clear = [sum(parts) for parts in zip(*world.clear(SUBJECTS[:4]).values(), strict=True)]
    assert world.bank.totals(query.job.statement, answers) == clear


def test_two_processes_that_compute_one_job_give_one_answer(world: World) -> None:
    """Each computes, for neither sees the other; what is stored first is what both give, and counts once."""
    query = world.query(world.model(), SUBJECTS[:4])
    roles = [world.restarted("tax") for _ in range(2)]
    together = threading.Barrier(2)
    for role in roles:
        role._progress = lambda step, done, total: together.wait() if (step, done) == (BLIND, total) else None
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda role: role.answer(query), roles)
    assert first == second
    assert AnswerStore(world.engines["tax"]).used(world.permits["tax"]) == 4


def test_a_forged_receipt_is_refused(world: World) -> None:
    receipts: list[bytes] = []
    handler = world.transport.handlers["tax"]

    def record(data: bytes) -> bytes:
        if b'"type":"acknowledge"' in data:
            receipts.append(data)
        return handler(data)

    world.transport.handlers["tax"] = record
    world.score(world.model(), SUBJECTS[:2])
    honest = decode(receipts[0], Acknowledge)
    signed = honest.acknowledgement
    forged = sign(signed.statement, "bank", world.identities["labour"])
    other = sign(
        type(signed.statement)(bank="bank", job=bytes(32), answer=bytes(32)), "bank", world.identities["bank"]
    )
    for receipt, check in ((forged, 1), (other, 2)):
        reply = handler(encode(Acknowledge(acknowledgement=receipt)))
        assert f'"check":{check}'.encode() in reply
