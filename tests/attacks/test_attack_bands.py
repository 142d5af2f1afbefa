"""A bank that wants a total behind a band: each way shown to work where its defence is off, then the product."""

import dataclasses

import msgspec
import pytest
from band_attacks import guesses_by_quotients, guesses_by_roots
from banded import answer_of, band_query, banded_card, clear_bands, clear_totals
from gmpy2 import mpz
from world import SUBJECTS, World

from compute.canonical import decode
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.zero_test import band_of, zero_tests
from compute.protocols.base import Refused, RefusedByPeerError
from compute.protocols.closed_answer.messages import ReleasedAnswer
from compute.protocols.closed_answer.sealed_answer import key_digest, seal_answer
from compute.protocols.risk_score import provider as provider_module
from compute.protocols.risk_score.bands import Bands
from compute.protocols.risk_score.charge import Budget
from compute.signing import sign

ONE = SUBJECTS[:1]
KEY = b"\7" * 32
TOTALS = range(-20, 31, 10)


def given(world: World) -> list[mpz]:
    """What the product gives the bank about one subject."""
    query = world.query(world.model(banded_card()), ONE)
    answer = answer_of(world, band_query(world, query), "tax")
    return world.bank.open(query.job.statement, answer, len(TOTALS))


def bisect(world: World, total: mpz, *, offset: bool) -> tuple[int, int]:
    """Find a total from one bit at a time, as a cut moves or as an offset does; and in how many steps."""
    public, low, high, steps = world.key.public, TOTALS.start, TOTALS.stop - 1, 0
    while low < high:
        middle, steps = (low + high) // 20 * 10 + 10, steps + 1
        shifted = total * public.residue(20 - middle) if offset else total
        bands = Bands(low=-60, high=90, step=10, cuts=(20 if offset else middle,)).values()
        tests = zero_tests(public, [shifted % public.n_squared], bands)
        band = band_of(world.key.are_zero(tests), bands)
        low, high = (middle, high) if band else (low, middle - 10)
    return low, steps


def test_roots_and_quotients_of_the_product_s_tests_fit_no_total(world: World) -> None:
    """That they fit the right one where blinding or fresh factors are off is in ``test_zero_test.py``."""
    tests = given(world)
    assert guesses_by_quotients(world.key, tests, TOTALS) == set()
    some = [c for c, zero in zip(tests, world.key.are_zero(tests), strict=True) if not zero][:2]
    # The bank knows more than that: in which band each test stands, so which values it may be of.
    assert guesses_by_roots(world.key, some, TOTALS[:3]) == set()


def test_a_cut_that_moves_finds_a_total_and_costs_a_bit_for_each_place(world: World) -> None:
    (total,) = clear_totals(world, ONE)
    assert bisect(world, world.key.encrypt(total % world.key.public.n), offset=False) == (total, 3)

    for provider in world.providers.values():
        provider.domain = dataclasses.replace(provider.domain, budget=Budget(bank_bits=2.0))

    def band(cut: int) -> list[int]:
        return world.bands(world.model(banded_card((cut,), f"card-{cut}")), ONE)

    assert [band(cut) for cut in (10, 0)] == [clear_bands(world, ONE, (cut,)) for cut in (10, 0)]
    with pytest.raises(RefusedByPeerError, match="check 9: of 1 subjects as much was told by scores as may be"):
        band(20)


def test_an_offset_that_the_bank_adds_moves_the_cut_for_nothing_and_is_no_provider_s(world: World) -> None:
    """One model, one charge: if the bank could add to a subject's total, all its bits would come for two bits."""
    (total,) = clear_totals(world, ONE)
    assert bisect(world, world.key.encrypt(total % world.key.public.n), offset=True) == (total, 3)

    query = world.query(world.model(banded_card()), ONE)
    honest, public = band_query(world, query), world.key.public
    (theirs,) = honest.answers
    job, answer = query.job.statement, theirs.answer.statement
    shifted = [c * public.residue(10) % public.n_squared for c in world.bank.open(job, theirs)]
    content = seal_answer(to_bytes(public, shifted), KEY, "labour", "bank", answer.job)
    changed = msgspec.structs.replace(answer, content=content, key_digest=key_digest(KEY))
    forged = ReleasedAnswer(answer=sign(changed, "labour", world.identities["bank"]), key=KEY)
    message = msgspec.structs.replace(honest, answers=(forged,))
    assert decode(world.send("tax", message), Refused).check == 11


def test_the_last_provider_s_plain_answer_would_give_the_total(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = world.model(banded_card())
    query = world.query(model, ONE)
    with monkeypatch.context() as off:
        off.setattr(provider_module, "check_place", lambda *_: None)
        answers = [answer_of(world, query, provider) for provider in ("labour", "tax")]
    assert world.bank.totals(query.job.statement, answers) == clear_totals(world, ONE)

    assert decode(world.send("tax", world.query(model, ONE)), Refused).check == 10
