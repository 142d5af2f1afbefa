"""What others do, as a source: how a bank reacts to an answer, what a provider says and does of whom it lacks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
import numpy as np
import pytest
from attacker import answer as ask
from attacker import ciphertexts as numbers_of
from attacker import lie, unpacked
from gmpy2 import mpz
from world import SUBJECTS, World

from compute.canonical import decode
from compute.paillier import lookup, split
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.lookup import lookup_sum
from compute.protocols.base import AnswerError, RefusedByPeerError
from compute.protocols.closed_answer.messages import Acknowledge, Answer
from compute.protocols.risk_score.messages import ModelApproval, Query
from compute.signing import Signed

# --- the bank's reaction ---------------------------------------------------------------------------------------


def shifted(world: World, delta: int) -> Callable[[list[mpz]], bytes]:
    """Add ``delta`` to the first company's total: the answer stays well-formed."""
    public = world.key.public

    def change(numbers: list[mpz]) -> bytes:
        first, *others = numbers
        return to_bytes(public, [public.add(first, public.encrypt(delta % public.n)), *others])

    return change


def test_a_bank_that_shows_whether_a_total_made_sense_tells_it_bit_by_bit(world: World) -> None:
    """A provider shifts the total until the bank complains: a dozen answers for a score that it must not know.

    The bank here is the product's, but one that lets the provider see whether decryption raised an error.
    """
    model, honest = world.model(), dict(world.transport.handlers)
    bias = world.query(model, SUBJECTS[:1]).job.statement.slot_bias

    def complains(delta: int) -> bool:
        world.transport.handlers.update(honest)
        lie(world, "tax", shifted(world, delta))
        try:
            world.score(model, SUBJECTS[:1])
        except AnswerError:
            return True
        return False

    low, high, asked = 0, 2 * bias + 1, 0
    while low + 1 < high:  # it is silent at low, and complains at high
        middle = (low + high) // 2
        low, high = (low, middle) if complains(middle) else (middle, high)
        asked += 1
    (total,) = (sum(parts) for parts in zip(*world.clear(SUBJECTS[:1]).values(), strict=True))
    assert bias - low == total
    assert asked <= 13


Heard = list[tuple[str, bytes]]


def after_the_answer(world: World, model: ModelApproval, change: Callable[[list[mpz]], bytes]) -> Heard:
    """All that the bank sends, to anybody, after the tax office's answer to one job: to whom, and the bytes."""
    sent: Heard = []
    honest = dict(world.transport.handlers)
    lie(world, "tax", change)

    def tapped(party: str, handler: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        def record(data: bytes) -> bytes:
            sent.append((party, data))
            return handler(data)

        return record

    world.transport.handlers.update({party: tapped(party, world.transport.handlers[party]) for party in honest})
    try:
        world.score(model, SUBJECTS[:3])
    except AnswerError as error:
        assert "tell no provider" in str(error) or "is malformed" in str(error)  # noqa: PT017 -- both are seen
    finally:
        world.transport.handlers.update(honest)
    asked = max(index for index, (_, data) in enumerate(sent) if b'"type":"query"' in data)
    return sent[asked + 1 :]


def shape(data: bytes) -> tuple[object, ...]:
    """What a receipt says beside the digests, signatures and proof that are of this very answer."""
    receipt = decode(data, Acknowledge)
    said = receipt.acknowledgement.statement
    return type(said).__name__, said.bank, receipt.acknowledgement.signer, sorted(msgspec.json.decode(data))


def test_after_any_answer_the_bank_sends_the_same(world: World) -> None:
    """Honest, shifted a little or out of all range, or no ciphertext at all: a receipt, and nothing else."""
    model, public = world.model(), world.key.public
    honest = after_the_answer(world, model, lambda numbers: to_bytes(public, numbers))
    assert sorted(party for party, _ in honest) == ["labour", "tax"]
    changes = [shifted(world, delta) for delta in (1, 1 << 13, 1 << 1000)]
    for change in (*changes, lambda _numbers: bytes(512)):
        seen = after_the_answer(world, model, change)
        assert [(party, shape(data)) for party, data in seen] == [(party, shape(data)) for party, data in honest]


def test_the_receipt_goes_out_before_anything_is_decrypted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So not even its time depends on what came out."""
    model, order = world.model(), []
    tax, totals = world.transport.handlers["tax"], world.bank.totals

    def record(data: bytes) -> bytes:
        if b'"type":"acknowledge"' in data:
            order.append("receipt")
        return tax(data)

    def decrypted(*arguments: object) -> list[int]:
        order.append("totals")
        return totals(*arguments)  # type: ignore[arg-type]

    world.transport.handlers["tax"] = record
    monkeypatch.setattr(world.bank, "totals", decrypted)
    world.score(model, SUBJECTS[:3])
    assert order == ["receipt", "totals"]


# --- who is in the table ---------------------------------------------------------------------------------------

KNOWN, UNKNOWN = SUBJECTS[::2][:20], SUBJECTS[1::2][:20]
"""Of the labour office's table: every second company stands in it."""


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the kernel's operations: which, on how many numbers."""
    done: list[str] = []
    multiply, square = split.Products.multiply, split.Products.square

    def multiplied(self: split.Products, table: split.Table, codes: np.ndarray) -> None:
        done.append(f"multiply {len(codes)}")
        multiply(self, table, codes)

    def squared(self: split.Products, times: int) -> None:
        done.append(f"square {times}")
        square(self, times)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup.Products, "multiply", multiplied)
        patch.setattr(lookup.Products, "square", squared)
        yield done


def work_of(world: World, model: ModelApproval, subjects: Sequence[str]) -> tuple[int, list[str]]:
    """The length of the labour office's reply, and what its kernel did for it."""
    query = world.query(model, subjects)
    with counted() as done:
        reply = world.send("labour", query)
    decode(reply, Signed[Answer])
    return len(reply), done


def test_a_kernel_that_leaves_out_whom_it_lacks_tells_by_its_work_and_its_size(world: World) -> None:
    """The shortcut that suggests itself: rows without a record are not looked up."""
    public = world.key.public
    table = [int(world.key.encrypt(points)) for points in (1, 2, 3, 4)]
    layout = world.query(world.model()).job.statement.layout
    work = []
    for subjects in (KNOWN, UNKNOWN):
        listed = [subject for subject in subjects if subject in world.tables["labour"].index]
        with counted() as done:
            sums = lookup_sum(public, [table], [[0] * len(listed)], layout)
        work.append((len(sums), len(done)))
    assert work[0] > work[1] == (0, 0)


def test_replies_and_work_are_alike_for_known_and_unknown_companies(world: World) -> None:
    model = world.model()
    length, done = work_of(world, model, KNOWN)
    assert done
    for subjects in (UNKNOWN, [*KNOWN[:10], *UNKNOWN[:10]]):
        assert work_of(world, model, subjects) == (length, done)


def test_an_unknown_company_scores_as_one_whose_values_are_missing(world: World) -> None:
    """Its answer is in no slot of its own kind: the last bin's points, which lie between the column's others."""
    model = world.model()
    query = world.query(model, UNKNOWN)
    answers = [ask(world, party, query) for party in ("labour", "tax")]
    totals = world.totals(query.job.statement, answers)
    assert totals == [sum(parts) for parts in zip(*world.clear(UNKNOWN).values(), strict=True)]
    assert len(unpacked(query.job.statement.layout, [0], len(UNKNOWN))) == len(UNKNOWN)


REFUSALS: list[tuple[str, Callable[[World, Query], Query]]] = [
    ("check 8", lambda _world, query: msgspec.structs.replace(query, subjects=query.subjects[::-1])),
    ("check 6", lambda world, query: world.resigned(query, as_of="2026-10-31")),
    ("check 7", lambda world, query: world.resigned(query, slot_bias=0)),
    ("check 9", lambda world, query: world.resigned(query, permits=("permit-labour", "permit-9"))),
]


@pytest.mark.parametrize(("check", "cheat"), REFUSALS, ids=[check for check, _ in REFUSALS])
def test_refusals_are_alike_for_known_and_unknown_companies(
    world: World, check: str, cheat: Callable[[World, Query], Query]
) -> None:
    """Byte for byte; no check but the last looks at rows, and that one counts and names only consents."""
    model = world.model()
    party = "tax" if check == "check 9" else "labour"
    replies = {world.send(party, cheat(world, world.query(model, subjects))) for subjects in (KNOWN, UNKNOWN)}
    (reply,) = replies
    assert b'"check":%d' % int(check.split()[1]) in reply


def test_a_company_without_a_consent_is_named_whether_or_not_the_table_has_it(world: World) -> None:
    model, strangers = world.model(), [KNOWN[0], UNKNOWN[0]]
    for provider in world.providers.values():
        consenting = frozenset(SUBJECTS) - frozenset(strangers)
        object.__setattr__(provider._admission, "consents", consenting)
    with pytest.raises(RefusedByPeerError) as refused:
        world.score(model, [*strangers, KNOWN[1], UNKNOWN[1]])
    assert refused.value.refused.subjects == tuple(strangers)


def test_a_constant_number_of_ciphertexts_whatever_the_rows_hold(world: World) -> None:
    """One for as many rows as fit, also where every single row is missing."""
    model = world.model()
    for subjects in (KNOWN, UNKNOWN):
        query = world.query(model, subjects)
        found = numbers_of(world, query, ask(world, "labour", query))
        assert len(found) == query.job.statement.outputs == 1
        assert all(isinstance(c, mpz) and c.bit_length() > 4000 for c in found)
