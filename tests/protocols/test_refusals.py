"""What a provider refuses, check by check, each audited; the bank here is a cheat that signs whatever it likes."""

import dataclasses
import itertools
from collections.abc import Callable

import msgspec
import pytest
from attacker import assert_refused
from world import DAY, NOW, SUBJECTS, World

from compute.binning import NumberBins
from compute.canonical import decode, encode
from compute.paillier.private import PrivateKey
from compute.protocols.base import RefusalError, Refused
from compute.protocols.risk_score.checks import check_job
from compute.protocols.risk_score.job import subjects_root
from compute.protocols.risk_score.messages import ModelApproval, Query, RegisterTables
from compute.signing import Signed, digest, sign


def with_job(**changes: object) -> Callable[[World, Query], Query]:
    return lambda world, query: world.resigned(query, **changes)


def foreign_signature(world: World, query: Query) -> Query:
    job = sign(query.job.statement, "bank", world.identities["tax"])
    return msgspec.structs.replace(query, job=job)


def unknown_bank(world: World, query: Query) -> Query:
    job = msgspec.structs.replace(query.job.statement, bank="nobody")
    return msgspec.structs.replace(query, job=sign(job, "nobody", world.identities["bank"]))


def subset(world: World, query: Query) -> Query:
    job = query.job.statement
    return world.resigned(query, providers=job.providers[1:], permits=job.permits[1:])


def without_us(world: World, query: Query) -> Query:
    job = query.job.statement
    return world.resigned(query, providers=job.providers[:1], permits=job.permits[:1])


def reordered(world: World, query: Query) -> Query:
    job = query.job.statement
    return world.resigned(query, providers=job.providers[::-1], permits=job.permits[::-1])


def swapped_mask_key(world: World, query: Query) -> Query:
    """The cheating bank replaces the other provider's mask key by its own, so that it could strip the mask."""
    own, other = query.job.statement.providers
    statement = msgspec.structs.replace(other.statement, mask_key=b"\x09" + bytes(31))
    forged = Signed(suite="intl", signer=other.signer, signature=other.signature, statement=statement)
    return world.resigned(query, providers=(own, forged))


def self_made_terms(world: World, query: Query) -> Query:
    own, other = query.job.statement.providers
    forged = sign(other.statement, "bank", world.identities["bank"])
    return world.resigned(query, providers=(own, forged))


def stale_terms(world: World, query: Query) -> Query:
    """The other provider's, which it signed itself; ours are good for long."""
    labour, tax = query.job.statement.providers
    short = msgspec.structs.replace(labour.statement, expires=NOW + 1)
    world.clock.now = NOW + 1
    return world.resigned(query, providers=(sign(short, "labour", world.identities["labour"]), tax))


def forgotten_mask_key(world: World, query: Query) -> Query:
    """Not expired by what the terms say, but no key of ours any more."""
    world.forget("tax", "key_epochs")
    return query


def other_subjects(_world: World, query: Query) -> Query:
    return msgspec.structs.replace(query, subjects=tuple(SUBJECTS[3:6]))


def reordered_subjects(_world: World, query: Query) -> Query:
    return msgspec.structs.replace(query, subjects=query.subjects[::-1])


def other_salt(_world: World, query: Query) -> Query:
    return msgspec.structs.replace(query, salt=b"\1" * 32)


def with_subjects(subjects: tuple[str, ...]) -> Callable[[World, Query], Query]:
    def change(world: World, query: Query) -> Query:
        query = msgspec.structs.replace(query, subjects=subjects)
        root = subjects_root(query.salt, subjects)
        return world.resigned(query, subjects_root=root, rows=len(subjects))

    return change


def fewer_slots(world: World, query: Query) -> Query:
    """One row per ciphertext and a wider slot: a bank that would rather see more of a sum."""
    return world.resigned(query, slots=1, outputs=query.job.statement.rows)


WRONG_DIGIT = SUBJECTS[0][:-1] + ("0" if SUBJECTS[0][-1] != "0" else "1")
NO_CONSENT = "91330106MA2CFLDG4R"

CASES = [
    (foreign_signature, 1, "does not verify"),
    (unknown_bank, 1, "no key of nobody"),
    (with_job(n=b"\xff" * 256), 3, "not the enrolled one"),
    (with_job(approval=bytes(32)), 4, "no tables are registered"),
    (subset, 5, "not the approved ones"),
    (reordered, 5, "not the approved ones"),
    (without_us, 9, "no permit"),
    (swapped_mask_key, 5, "does not verify"),
    (self_made_terms, 5, "must be signed by"),
    (stale_terms, 5, "have expired"),
    (forgotten_mask_key, 5, "not the current ones"),
    (with_job(as_of="2026-10-31"), 6, "observation date"),
    (with_job(as_of="2026-11-24"), 6, "observation date"),
    (with_job(slot_width=14), 7, "slots"),
    (with_job(slot_bias=0), 7, "slots"),
    (with_job(outputs=2), 7, "slots"),
    (fewer_slots, 7, "slots"),
    (other_subjects, 8, "commits to"),
    (reordered_subjects, 8, "commits to"),
    (other_salt, 8, "commits to"),
    (with_subjects((SUBJECTS[0], SUBJECTS[0])), 8, "more than once"),
    (with_subjects((WRONG_DIGIT,)), 8, "wrong check digits"),
    (with_job(permits=("permit-labour", "permit-9")), 9, "no permit permit-9"),
    (with_job(permits=("permit-tax", "permit-labour")), 9, "no permit permit-labour"),
    (with_subjects((*SUBJECTS[:2], NO_CONSENT)), 9, "1 subjects gave no consent"),
]


@pytest.mark.parametrize(("cheat", "check", "reason"), CASES, ids=itertools.count())
def test_a_cheating_job_is_refused_and_nothing_is_stored(
    world: World, cheat: Callable[[World, Query], Query], check: int, reason: str
) -> None:
    query = cheat(world, world.query(world.model()))
    assert_refused(world, "tax", query, check, reason)
    assert world.providers["tax"]._answers.by_nonce("bank", query.job.statement.nonce) is None


def test_every_check_of_a_job_has_a_case() -> None:
    """Check 2 has its own test below; 3 to 8 are numbered in the docstring."""
    numbered = {
        int(line.split(".")[0]) for line in (check_job.__doc__ or "").split("\n    ") if line[:1].isdigit()
    }
    assert numbered == {3, 4, 5, 6, 7, 8}
    assert {check for _, check, _ in CASES} == numbered | {1, 9}


def test_a_nonce_serves_one_job(world: World) -> None:
    query = world.query(world.model())
    world.send("tax", query)
    assert_refused(world, "tax", world.resigned(query, as_of="2026-11-21"), 2, "used by another job")


@pytest.mark.parametrize("permits", [(), ("permit-labour",), ("permit-labour", "permit-tax", "permit-tax")])
def test_a_job_with_another_number_of_permits_than_providers_is_no_message(
    world: World, permits: tuple[str, ...]
) -> None:
    query = world.query(world.model())
    names = b'"permits":["permit-labour","permit-tax"]'
    data = encode(query)
    assert names in data
    other = b'"permits":[%s]' % b",".join(b'"%s"' % permit.encode() for permit in permits)
    assert decode(world.transport.exchange("tax", data.replace(names, other)), Refused).check == 0


def test_an_expired_approval_stops_jobs(world: World) -> None:
    model = world.model()
    world.clock.now += 365 * DAY
    assert_refused(world, "tax", world.query(model), 4, "approval has expired")


def test_tables_of_an_earlier_key_are_not_used_under_the_next(world: World) -> None:
    """Ciphertexts checked against one modulus must not be multiplied under another."""
    query = world.query(world.model())
    successor = PrivateKey.generate(2048)
    world.send("tax", world.key_claim(successor, NOW + 1))
    assert_refused(
        world, "tax", world.resigned(query, n=successor.public.to_bytes()), 4, "no tables are registered"
    )


def test_no_job_before_the_key_is_enrolled(world: World) -> None:
    model = world.model()
    world.forget("tax", "proven_keys")
    assert_refused(world, "tax", world.query(model), 3, "not the enrolled one")


def registration(world: World) -> RegisterTables:
    sent: list[bytes] = []
    handler = world.transport.handlers["tax"]

    def record(data: bytes) -> bytes:
        if b'"type":"register_tables"' in data:
            sent.append(data)
        return handler(data)

    world.transport.handlers["tax"] = record
    world.model()
    world.transport.handlers["tax"] = handler
    return decode(sent[0], RegisterTables)


def reapproved(world: World, message: RegisterTables, by: str = "reviewer", **changes: object) -> RegisterTables:
    approval = msgspec.structs.replace(message.approval.statement, **changes)
    return msgspec.structs.replace(message, approval=sign(approval, "reviewer", world.identities[by]))


def retabled(world: World, message: RegisterTables, **changes: object) -> RegisterTables:
    """Other tables under an approval that covers them: only the reviewer's key could make it."""
    tables = msgspec.structs.replace(message.tables, **changes)
    approval: ModelApproval = message.approval.statement
    parts = tuple(
        msgspec.structs.replace(part, digest=digest(tables), product_version=tables.product_version)
        if part.provider == "tax"
        else part
        for part in approval.tables
    )
    approval = msgspec.structs.replace(approval, tables=parts)
    return RegisterTables(tables=tables, approval=sign(approval, "reviewer", world.identities["reviewer"]))


def test_registration_is_checked(world: World) -> None:
    message = registration(world)
    tables = message.tables
    size = world.key.public.ciphertext_bytes
    renamed = msgspec.structs.replace(tables, model="other")
    other_bins = (msgspec.structs.replace(tables.bins[0], column="secret"),)
    numbers = NumberBins(column="region", edges=("1",))
    cases = [
        (reapproved(world, message, by="bank"), 1, "does not verify"),
        (reapproved(world, message, bank="other"), 2, "not under the enrolled key"),
        (reapproved(world, message, key="0" * 64), 2, "not under the enrolled key"),
        (reapproved(world, message, expires=NOW), 3, "has expired"),
        (reapproved(world, message, reachable_totals=257), 3, "8.01 bits; 8 are allowed"),
        (msgspec.structs.replace(message, tables=renamed), 4, "does not cover"),
        (retabled(world, message, product_version="2.0.0"), 4, "does not cover"),
        (retabled(world, message, bins=other_bins), 5, "no field secret"),
        (retabled(world, message, bins=(numbers,)), 5, "do not fit its type"),
        (retabled(world, message, ciphertexts=tables.ciphertexts[:-size]), 6, "were expected"),
        (retabled(world, message, ciphertexts=bytes(len(tables.ciphertexts))), 6, "outside (0, n²)"),
        (
            retabled(
                world,
                message,
                ciphertexts=tables.ciphertexts[:-size] + int(world.key.factors[0]).to_bytes(size, "big"),
            ),
            6,
            "shares a factor with n",
        ),
    ]
    for changed, check, reason in cases:
        assert_refused(world, "tax", changed, check, reason)


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"\xff", b'{"type":"submit_model"}', b"[" * 100_000])
def test_what_is_no_message_is_refused_and_audited(world: World, data: bytes) -> None:
    reply = decode(world.transport.exchange("tax", data), Refused)
    assert reply.check == 0
    assert world.events()[-1].detail == {"message": "unreadable", "check": 0}


def test_a_refusal_lists_whom_it_is_about_to_the_asker_alone(world: World) -> None:
    query = with_subjects((*SUBJECTS[:2], NO_CONSENT))(world, world.query(world.model()))
    reply = decode(world.send("tax", query), Refused)
    assert reply.subjects == (NO_CONSENT,)
    assert not any(subject in reply.reason + reply.remedy for subject in query.subjects)
    assert NO_CONSENT not in "".join(map(str, world.events()))


def test_more_rows_than_the_permit_has_uses_are_refused_and_not_stored(world: World) -> None:
    query = world.query(world.model())
    tax = world.providers["tax"]
    tax._admission = dataclasses.replace(tax._admission, max_uses=len(query.subjects) - 1)  # type: ignore[type-var]
    assert_refused(world, "tax", query, 9, "count of the permit is used up")
    assert tax._answers.by_nonce("bank", query.job.statement.nonce) is None


def test_a_look_before_the_work_refuses_what_the_work_would_and_does_nothing(world: World) -> None:
    query = world.query(world.model())
    tax, cheat = world.providers["tax"], with_subjects((*SUBJECTS[:2], NO_CONSENT))(world, query)
    tax.check(query)
    assert tax._answers.by_nonce("bank", query.job.statement.nonce) is None
    with pytest.raises(RefusalError, match="check 9") as refused:
        tax.check(cheat)
    assert refused.value.subjects == (NO_CONSENT,)
    world.send("tax", query)
    tax.check(query)  # a retry passes
    with pytest.raises(RefusalError, match="check 2"):
        tax.check(world.resigned(query, as_of="2026-11-21"))
