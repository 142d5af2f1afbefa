"""What attackers share: messages that no honest party makes, what is read out of answers, and what chance gives.

A kernel whose defence is off is the same code with the one line left out or patched in the test: it shows what the
line is for.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import msgspec
import pytest
from gmpy2 import mpz
from world import BANK, DAY, DOSSIER, NOW, PURPOSE, REVIEWER, TODAY, Parties

from audit.entry import EntryKind
from compute.binning import Bins
from compute.canonical import Message, decode, encode
from compute.paillier.ciphertexts import from_bytes, to_bytes
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey
from compute.protocols.base import Refused
from compute.protocols.closed_answer.messages import Acknowledge, Answer, AnswerKey
from compute.protocols.closed_answer.sealed_answer import open_answer, seal_answer
from compute.protocols.risk_score.job import approved_tables
from compute.protocols.risk_score.messages import (
    ModelApproval,
    ModelSubmission,
    Opening,
    Query,
    RegisteredTables,
    RegisterTables,
    SubmitModel,
    TableOpening,
)
from compute.protocols.risk_score.scorecard import Scorecard
from compute.protocols.risk_score.sealing import opening_info, seal, unseal
from compute.signing import SUITE, Signed, digest, sign

SURPRISE_BITS = 40
"""A test of randomness fails by chance less than once in 2⁴⁰ runs."""


def beyond_chance(trials: int, chance: Fraction) -> int:
    """Give the least number of hits that guessing reaches with a probability below 2^-SURPRISE_BITS."""
    tail = Fraction(0)
    for hits in range(trials, -1, -1):
        tail += comb(trials, hits) * chance**hits * (1 - chance) ** (trials - hits)
        if tail >= Fraction(1, 2**SURPRISE_BITS):
            return hits + 1
    return 0


def assert_refused(parties: Parties, party: str, message: Message, check: int, reason: str) -> Refused:
    """Send a message; see that this check refuses it, and that the log has this refusal and nothing else new."""
    before = len(parties.events())
    reply = decode(parties.send(party, message), Refused)
    assert (reply.check, reply.party) == (check, party), reply.reason
    assert reason in reply.reason
    assert reply.remedy
    events = parties.events()[before:]
    assert [event.kind for event in events] == [EntryKind.REFUSED]
    assert events[0].detail["check"] == check
    return reply


# --- a bank and a reviewer who collude ----------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A feature as it is registered: bins in the clear, and any numbers as its ciphertexts."""

    bins: Bins
    ciphertexts: Sequence[int]


def forged(
    parties: Parties, columns: Mapping[str, Sequence[Column]], **changes: object
) -> tuple[RegisterTables, ...]:
    """Give each provider's registration, with any ciphertexts, under an approval that the reviewer never read."""
    public = parties.key.public
    tables = tuple(
        RegisteredTables(
            bank=BANK,
            key=public.fingerprint,
            model="forged",
            model_version="1.0.0",
            provider=provider,
            product=parties.providers[provider].domain.holding.product,
            product_version=parties.providers[provider].domain.holding.product_version,
            bins=tuple(column.bins for column in columns[provider]),
            ciphertexts=to_bytes(public, (c for column in columns[provider] for c in column.ciphertexts)),
        )
        for provider in sorted(columns)
    )
    return under_one_approval(parties, tables, **changes)


def under_one_approval(
    parties: Parties, tables: Sequence[RegisteredTables], **changes: object
) -> tuple[RegisterTables, ...]:
    """Give the tables with an approval that says what they like to hear, in the reviewer's own hand."""
    approval = ModelApproval(
        reviewer=REVIEWER,
        suite=SUITE,
        bank=BANK,
        key=parties.key.public.fingerprint,
        purpose=PURPOSE,
        tables=approved_tables(tables),
        points_id="0" * 64,
        points_bound=1,
        reachable_totals=2,
        expires=NOW + DAY,
    )
    signed = sign(msgspec.structs.replace(approval, **changes), REVIEWER, parties.identities[REVIEWER])
    return tuple(RegisterTables(tables=each, approval=signed) for each in tables)


def register(parties: Parties, registrations: Sequence[RegisterTables]) -> ModelApproval:
    """Bring the tables to their providers, who must take them; give the approval."""
    for each in registrations:
        assert b'"accepted"' in parties.send(each.tables.provider, each)
    return registrations[0].approval.statement


def asked(parties: Parties, approval: ModelApproval, subjects: Sequence[str]) -> Query:
    """Give a fresh query of the bank's, over these subjects."""
    return parties.bank.prepare(approval, subjects, parties.permits, TODAY)


# --- a bank that lies to the reviewer -----------------------------------------------------------------------


def submitted(parties: Parties, card: Scorecard) -> tuple[ModelSubmission, Opening]:
    """Give what an honest bank would submit for this card, and what is sealed in it."""
    parties.enrol()
    card = dataclasses.replace(card, dossier=DOSSIER)
    message = parties.bank.prepare_model(card, list(parties.providers), REVIEWER, PURPOSE)
    statement = message.submission.statement
    key = parties.reviewer._epochs.current().key
    return statement, unseal(statement.sealed_opening, key, opening_info(statement.tables), Opening)


def resubmitted(
    parties: Parties,
    statement: ModelSubmission,
    tables: Sequence[RegisteredTables],
    openings: Sequence[TableOpening],
) -> SubmitModel:
    """Give the submission with other tables and other openings, sealed and signed by the bank."""
    key = parties.reviewer._epochs.current().public_key
    sealed = seal(Opening(tables=tuple(openings), dossier=DOSSIER), key, opening_info(tables))
    lying = msgspec.structs.replace(statement, tables=tuple(tables), sealed_opening=sealed)
    return SubmitModel(submission=sign(lying, BANK, parties.identities[BANK]))


# --- what is read out of answers ----------------------------------------------------------------------------


def answer(parties: Parties, provider: str, query: Query) -> Signed[Answer]:
    """Give the provider's answer to the query."""
    return decode(parties.send(provider, query), Signed[Answer])


def ciphertexts(parties: Parties, query: Query, signed: Signed[Answer]) -> list[mpz]:
    """Give the numbers of an answer, for which the bank acknowledges it."""
    return parties.ciphertexts(query.job.statement, signed)


def plaintexts(key: PrivateKey, answers: Sequence[Sequence[mpz]]) -> list[int]:
    """Multiply the answers and decrypt, as the bank does, but keep every bit of what comes out."""
    sums = [mpz(1)] * len(answers[0])
    for each in answers:
        sums = [a * b % key.public.n_squared for a, b in zip(sums, each, strict=True)]
    return [int(key.decrypt(c)) for c in sums]


def unpacked(layout: SlotLayout, numbers: Sequence[int], rows: int) -> list[int]:
    """Give the rows' values as the layout places them."""
    values = [value for number in numbers for value in layout.unpack(number, layout.slots)]
    return values[:rows]


def hits(seen: Sequence[object], truth: Sequence[object]) -> int:
    """Give in how many places the two agree."""
    return sum(a == b for a, b in zip(seen, truth, strict=True))


# --- a provider that lies in its answers -----------------------------------------------------------------------


def lie(parties: Parties, provider: str, change: Callable[[list[mpz]], bytes]) -> list[bytes]:
    """Have a provider put other bytes into its answers, sealed and signed as its own; collect what it receives."""
    honest, role = parties.transport.handlers[provider], parties.providers[provider]
    received: list[bytes] = []

    def handle(data: bytes) -> bytes:
        received.append(data)
        if b'"type":"query"' in data:
            true = decode(honest(data), Signed[Answer]).statement
            named = (true.provider, true.bank, true.job)
            numbers = open_answer(true.content, role.closed._key(true.job), true.key_digest, *named)
            key = parties.key.public
            content = change(from_bytes(key, numbers, len(numbers) // key.ciphertext_bytes))
            sealed = seal_answer(content, role.closed._key(true.job), *named)
            false = msgspec.structs.replace(true, content=sealed)
            return encode(sign(false, provider, parties.identities[provider]))
        if b'"type":"acknowledge"' in data:
            job = decode(data, Acknowledge).acknowledgement.statement.job
            return encode(AnswerKey(provider=provider, job=job, key=role.closed._key(job), at=NOW))
        return honest(data)

    parties.transport.handlers[provider] = handle
    return received


# --- the kernel with a defence switched off -----------------------------------------------------------------


@contextmanager
def unchecked() -> Iterator[None]:
    """Take any number for a ciphertext."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PublicKey, "check_ciphertexts", lambda _key, _numbers: None)
        yield


def primes(first: int = 3) -> Iterator[int]:
    """Give the odd primes from ``first`` on."""
    return (n for n in itertools.count(first, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2)))


def job_digest(query: Query) -> bytes:
    """Give what the masks of a job are bound to."""
    return digest(query.job.statement)
