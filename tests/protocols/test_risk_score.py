"""The risk score between roles: exact totals, answers that say nothing alone, retries, the audit trail."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from world import DAY, NOW, SUBJECTS, TODAY, World

from audit.entry import EntryKind
from compute.canonical import decode, encode
from compute.node.answers import AnswerStore
from compute.node.epochs import OVERLAP
from compute.paillier.ciphertexts import to_bytes
from compute.protocols.base import AnswerError, RefusalError, Refused, RefusedByPeerError
from compute.protocols.closed_answer.messages import (
    Abandon,
    Acknowledge,
    Acknowledgement,
    Answer,
    AnswerKey,
    Tombstone,
)
from compute.protocols.closed_answer.sealed_answer import key_digest, seal_answer
from compute.protocols.risk_score.messages import AskProviderTerms, Query
from compute.protocols.risk_score.provider import BLIND, Provider
from compute.signing import Pin, Signed, digest, sign


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
    a = world.ciphertexts(first.job.statement, answer_to(world, "tax", first))
    b = world.ciphertexts(second.job.statement, answer_to(world, "labour", second))
    job, public = first.job.statement, world.key.public
    pairs = zip(a, b, strict=True)
    seen = [v for x, y in pairs for v in job.layout.unpack(int(world.key.decrypt(public.add(x, y))), job.slots)]
    clear = [sum(parts) for parts in zip(*world.clear(SUBJECTS).values(), strict=True)]
    assert sum(x == y for x, y in zip(seen[: job.rows], clear, strict=True)) < 4


def test_two_runs_share_no_ciphertext(world: World) -> None:
    model = world.model()
    seen: list[int] = []
    for _ in range(2):
        query = world.query(model, SUBJECTS)
        for party in world.providers:
            seen += world.ciphertexts(query.job.statement, answer_to(world, party, query))
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
        world.bank.score(
            world.model(), SUBJECTS[:5], dict.fromkeys(world.permits, "another-permit"), TODAY, world.record
        )
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


def test_the_receipt_is_the_same_whatever_the_answer_holds(world: World) -> None:
    """A provider that sends well-formed nonsense hears what an honest one does: the reaction tells nothing."""
    model, honest = world.model(), world.transport.handlers["tax"]
    heard: dict[bool, list[bytes]] = {False: [], True: []}
    is_nonsense = False

    def answering(data: bytes) -> bytes:
        heard[is_nonsense].append(data)
        reply = honest(data)
        if is_nonsense and b'"type":"query"' in data:
            return encode(resealed(world, decode(reply, Signed[Answer]).statement, nonsense(world)))
        if is_nonsense and b'"type":"acknowledge"' in data:
            job = decode(data, Acknowledge).acknowledgement.statement.job
            return encode(AnswerKey(provider="tax", job=job, key=KEY, at=NOW))
        return reply

    world.transport.handlers["tax"] = answering
    world.score(model, SUBJECTS)
    is_nonsense = True
    with pytest.raises(AnswerError, match="do not add up"):
        world.score(model, SUBJECTS)
    shapes = {
        key: [(len(data), data[-40:].split(b'"type"')[-1]) for data in found] for key, found in heard.items()
    }
    assert len(shapes[True]) == len(shapes[False])
    assert [kind for _, kind in shapes[True]] == [kind for _, kind in shapes[False]]


KEY = b"\7" * 32


def nonsense(world: World) -> bytes:
    """Two ciphertexts of the bank's own key, of numbers that mean nothing."""
    return to_bytes(world.key.public, [world.key.encrypt(12345 + i) for i in range(2)])


def resealed(
    world: World, answer: Answer, ciphertexts: bytes, signer: str = "tax", **changes: Any
) -> Signed[Answer]:
    """The answer with these ciphertexts, as its provider would seal and sign them, and with these changes."""
    content = seal_answer(ciphertexts, KEY, "tax", "bank", answer.job)
    made = msgspec.structs.replace(answer, content=content, key_digest=key_digest(KEY), **changes)
    return sign(made, "tax", world.identities[signer])


@pytest.mark.parametrize("change", ["job", "provider", "short", "zero", "key", "swapped", "signature"])
def test_the_bank_refuses_a_false_answer(world: World, change: str) -> None:
    model, honest, good = world.model(), world.transport.handlers["tax"], nonsense(world)

    def forge(data: bytes) -> bytes:
        if b'"type":"acknowledge"' in data:
            job = decode(data, Acknowledge).acknowledgement.statement.job
            key = b"\6" * 32 if change == "key" else KEY
            return encode(AnswerKey(provider="labour" if change == "swapped" else "tax", job=job, key=key, at=NOW))
        if b'"type":"query"' not in data:
            return honest(data)
        answer = decode(honest(data), Signed[Answer]).statement
        ciphertexts = {"short": good[:-1], "zero": bytes(len(good))}.get(change, good)
        changes = {"job": {"job": bytes(32)}, "provider": {"provider": "labour"}}.get(change, {})
        signer = "labour" if change == "signature" else "tax"
        return encode(resealed(world, answer, ciphertexts, signer, **changes))

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
    assert world.totals(query.job.statement, answers) == clear
    world.clock.now += 1
    assert b'"check":5' in world.send("tax", late)
    assert decode(world.send("tax", query), Signed[Answer]) == answers[1]  # what was stored is still given


def test_what_a_bank_brought_outlives_a_process(world: World) -> None:
    """Key, tables and mask key: another process of the node answers as the first would have."""
    query = world.query(world.model(), SUBJECTS[:4])
    answers = [world.restarted(party).answer(query) for party in ("labour", "tax")]
    clear = [sum(parts) for parts in zip(*world.clear(SUBJECTS[:4]).values(), strict=True)]
    assert world.totals(query.job.statement, answers) == clear


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


def test_no_key_without_a_receipt_that_is_logged(world: World) -> None:
    answer = answer_to(world, "tax", world.query(world.model(), SUBJECTS[:2]))
    other = answer_to(world, "tax", world.query(world.model(), SUBJECTS[:2]))
    logged, another = world.record(answer.statement), world.record(other.statement)
    said = Acknowledgement(bank="bank", job=answer.statement.job, answer=digest(answer.statement))
    missed = msgspec.structs.replace(said, job=bytes(32), answer=bytes(32))

    def check_of(entry: bytes, receipt: bytes, said: Acknowledgement = said, signer: str = "bank") -> int:
        signed = sign(said, "bank", world.identities[signer])
        message = Acknowledge(acknowledgement=signed, entry=entry, receipt=receipt)
        return decode(world.send("tax", message), Refused).check

    stranger = json.loads(logged.entry) | {"signature": json.loads(another.entry)["signature"]}
    unsigned = json.dumps(stranger, sort_keys=True, separators=(",", ":")).encode()
    assert check_of(logged.entry, logged.receipt, signer="labour") == 1
    assert check_of(logged.entry, logged.receipt, missed) == 2
    assert check_of(another.entry, another.receipt) == 3  # the word about another answer
    assert check_of(unsigned, logged.receipt) == 4
    assert check_of(logged.entry, another.receipt) == 4
    assert check_of(logged.entry, b"") == 4
    assert check_of(b"", logged.receipt) == 4
    assert world.bank.receiver.release(answer, logged).key


def test_the_same_receipt_again_gets_the_same_key_also_after_a_restart(world: World) -> None:
    answer = answer_to(world, "tax", world.query(world.model(), SUBJECTS[:2]))
    first = world.release(answer)
    world.clock.now += 5000
    assert world.release(answer) == first
    message = acknowledgement(world, answer)
    assert world.restarted("tax").closed.acknowledge(message).key == first.key


def acknowledgement(world: World, answer: Signed[Answer]) -> Acknowledge:
    """The bank's receipt."""
    logged = world.record(answer.statement)
    said = Acknowledgement(bank="bank", job=answer.statement.job, answer=digest(answer.statement))
    signed = sign(said, "bank", world.identities["bank"])
    return Acknowledge(acknowledgement=signed, entry=logged.entry, receipt=logged.receipt)


# --- jobs that are given up ----------------------------------------------------------------------------------


def test_an_abandoned_job_counts_no_use_and_is_never_opened(world: World) -> None:
    query = world.query(world.model(), SUBJECTS[:4])
    answer = answer_to(world, "tax", query)
    answers = AnswerStore(world.engines["tax"])
    assert answers.used(world.permits["tax"]) == 4
    at = world.bank.receiver.abandon("tax", digest(query.job.statement)).at
    world.clock.now += 5000
    assert world.bank.receiver.abandon("tax", digest(query.job.statement)).at == at
    assert answers.used(world.permits["tax"]) == 0
    with pytest.raises(RefusedByPeerError, match="check 2: the job was abandoned"):
        world.release(answer)
    with pytest.raises(RefusedByPeerError, match="check 2: the job was abandoned"):
        world.bank.ask_answer("tax", query)
    kinds = [event.kind for event in world.events()]
    assert kinds.count(EntryKind.ANSWER_ABANDONED) == 1


def test_a_job_whose_answer_is_open_is_not_abandoned(world: World) -> None:
    query = world.query(world.model(), SUBJECTS[:4])
    world.release(answer_to(world, "tax", query))
    with pytest.raises(RefusedByPeerError, match="check 2: the key of the answer was given out"):
        world.bank.receiver.abandon("tax", digest(query.job.statement))
    assert AnswerStore(world.engines["tax"]).used(world.permits["tax"]) == 4


def test_a_job_that_is_abandoned_before_it_is_answered_is_not_answered(world: World) -> None:
    query = world.query(world.model(), SUBJECTS[:4])
    world.bank.receiver.abandon("tax", digest(query.job.statement))
    with pytest.raises(RefusedByPeerError, match="check 2"):
        world.bank.ask_answer("tax", query)


def test_nobody_else_buries_a_job(world: World) -> None:
    query = world.query(world.model(), SUBJECTS[:4])
    answer = answer_to(world, "tax", query)
    rival = Ed25519PrivateKey.generate()
    world.pins["rival"] = Pin("consumer", rival.public_key().public_bytes_raw())
    job = digest(query.job.statement)

    def bury(bank: str, key: Ed25519PrivateKey, provider: str = "tax") -> bytes:
        tombstone = Tombstone(bank=bank, provider=provider, job=job)
        return world.send("tax", Abandon(tombstone=sign(tombstone, bank, key)))

    assert b'"check":1' in bury("bank", rival)
    assert b'"check":1' in bury("bank", world.identities["bank"], "labour")
    assert b'"type":"abandoned"' in bury("rival", rival)  # its own word about a job that it never had
    assert AnswerStore(world.engines["tax"]).used(world.permits["tax"]) == 4
    assert world.release(answer).key
