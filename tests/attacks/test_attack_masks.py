"""Partial scores: who could strip the mask from one provider's answer, and who cannot."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from attacker import answer as ask
from attacker import asked, assert_refused, beyond_chance, hits, plaintexts, unpacked
from attacker import ciphertexts as numbers_of
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from gmpy2 import mpz
from world import BANK, GRIDS, SUBJECTS, Parties, World, assemble, holding

from compute.binning import CategoryBins
from compute.canonical import decode, encode
from compute.paillier.blinding import blind, top_mask
from compute.paillier.lookup import lookup_sum
from compute.paillier.packing import SlotLayout
from compute.paillier.private import PrivateKey
from compute.protocols.base import AnswerError
from compute.protocols.risk_score import checks
from compute.protocols.risk_score.messages import AskProviderTerms, JobStatement, ProviderTerms, Query
from compute.protocols.risk_score.provider import Provider
from compute.protocols.risk_score.scorecard import Feature, Scorecard
from compute.protocols.risk_score.zero_sum_mask import zero_sum_masks
from compute.signing import Signed, digest, sign

BIAS = {"tax": 1000, "labour": 2000}
"""What the bias of all features adds to a provider's partial score."""
BY_CHANCE = beyond_chance(len(SUBJECTS), Fraction(1, 2**13))
"""So many of 160 slots of 13 bits agree by chance in fewer than one of 2⁴⁰ runs."""


def alone(world: World, provider: str, query: Query, more: Sequence[mpz] = ()) -> list[int]:
    """What the bank reads in one provider's answer, to which it adds the plaintexts ``more``."""
    public, job = world.key.public, query.job.statement
    answers = [numbers_of(world, query, ask(world, provider, query))]
    if more:
        answers.append([public.residue(m) for m in more])
    seen = unpacked(job.layout, plaintexts(world.key, answers), job.rows)
    return [value + job.slot_bias - BIAS[provider] for value in seen]


def stripping(
    world: World, query: Query, victim: str, name: str, key: X25519PrivateKey, victim_key: bytes
) -> list[mpz]:
    """The mask that cancels the victim's, by whoever holds the other end of its pair."""
    job = query.job.statement
    return zero_sum_masks(name, key, {victim: victim_key}, digest(job), job.outputs, world.key.public)


def mask_key(query: Query, provider: str) -> bytes:
    """A provider's public mask key, as the job names it."""
    stated = {signed.statement.provider: signed.statement for signed in query.job.statement.providers}
    return stated[provider].mask_key


# --- one provider of all -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["tax", "labour"])
def test_without_masks_the_answer_of_one_provider_is_its_partial_scores(
    world: World, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same nodes without the one line: the bank asks one of them and reads all."""
    monkeypatch.setattr(Provider, "_zero_sum_masks", lambda _self, _key, job, _public: [mpz(0)] * job.outputs)
    query = world.query(world.model(), SUBJECTS)
    assert alone(world, provider, query) == world.clear(SUBJECTS)[provider]


@pytest.mark.parametrize("provider", ["tax", "labour"])
def test_the_answer_of_one_provider_alone_tells_no_partial_score(world: World, provider: str) -> None:
    query = world.query(world.model(), SUBJECTS)
    assert hits(alone(world, provider, query), world.clear(SUBJECTS)[provider]) < BY_CHANCE


def test_a_job_that_leaves_a_provider_out_is_refused(world: World) -> None:
    """With the others gone there would be no masks at all: the set is the approved one, or there is no answer."""
    query = world.query(world.model())
    job = query.job.statement
    subset = world.resigned(query, providers=job.providers[1:], permits=job.permits[1:])
    assert_refused(world, "tax", subset, 5, "the providers are not the approved ones")
    twice = world.resigned(query, providers=job.providers[1:] * 2, permits=job.permits[1:] * 2)
    assert_refused(world, "tax", twice, 5, "the providers are not the approved ones")


# --- one context for two jobs ------------------------------------------------------------------------------------


def test_masks_of_one_context_cancel_between_two_jobs(key: PrivateKey) -> None:
    """Of the second job the bank knows the rows, its own companies': the difference is what the others score."""
    public, layout = key.public, SlotLayout(13, 20, 0)
    table = [int(key.encrypt(points)) for points in (40, 3, 17, 99)]
    secret, known = [i * i % 4 for i in range(1, 21)], [0] * 20
    own = X25519PrivateKey.from_private_bytes(b"\1" * 32)
    peer = X25519PrivateKey.from_private_bytes(b"\2" * 32).public_key().public_bytes_raw()
    seen = []
    for codes in (secret, known):
        (mask,) = zero_sum_masks("tax", own, {"labour": peer}, b"one context for all", 1, public)
        sums = [c * public.residue(mask) % public.n_squared for c in lookup_sum(public, [table], [codes], layout)]
        seen.append(int(key.decrypt(blind(public, top_mask(public, sums, layout, 2, 20))[0])))
    of_known = layout.pack([40] * 20)
    read = layout.unpack((seen[0] - seen[1] + of_known) % int(public.n), 20)
    # the two top masks leave a multiple of 2^W, or, where the second was larger, n less one: both are tried
    other = layout.unpack((seen[0] - seen[1] + of_known) % int(public.n) - int(public.n), 20)
    assert [(40, 3, 17, 99)[code] for code in secret] in (read, other)


def test_every_member_of_a_job_makes_another_context(world: World) -> None:
    """So two jobs that differ in anything, if only in the nonce, share no mask."""
    query = world.query(world.model(), SUBJECTS[:3])
    job = query.job.statement
    changed = {
        "version": 2,
        "suite": "gm",
        "bank": "other",
        "n": job.n[::-1],
        "approval": bytes(32),
        "providers": job.providers[::-1],
        "permits": job.permits[::-1],
        "nonce": bytes(32),
        "subjects_root": bytes(32),
        "rows": 4,
        "slot_width": 14,
        "slots": 2,
        "slot_bias": 1,
        "outputs": 2,
        "as_of": "2026-11-21",
    }
    assert changed.keys() == set(JobStatement.__struct_fields__)
    jobs = [job, *(msgspec.structs.replace(job, **{name: value}) for name, value in changed.items())]
    own = X25519PrivateKey.from_private_bytes(b"\1" * 32)
    peers = {"labour": mask_key(query, "labour")}
    masks = {int(zero_sum_masks("tax", own, peers, digest(each), 1, world.key.public)[0]) for each in jobs}
    assert len(masks) == len(jobs)


def test_two_jobs_over_the_same_rows_do_not_cancel_and_a_used_nonce_serves_no_second(world: World) -> None:
    model = world.model()
    first, second = (world.query(model, SUBJECTS) for _ in range(2))
    (one, other) = (
        plaintexts(world.key, [numbers_of(world, each, ask(world, "tax", each))]) for each in (first, second)
    )
    job, n = first.job.statement, int(world.key.public.n)
    differences = [(a - b) % n for a, b in zip(one, other, strict=True)]
    seen = [value + job.slot_bias for value in unpacked(job.layout, differences, job.rows)]
    assert hits(seen, [0] * job.rows) < BY_CHANCE
    reused = world.resigned(second, nonce=job.nonce)
    assert_refused(world, "tax", reused, 2, "the nonce was used by another job")


# --- mask keys that are another's --------------------------------------------------------------------------------


def with_key(world: World, query: Query, provider: str, key: bytes, signer: str) -> Query:
    """The job with another mask key of the provider's, in terms that ``signer`` signed as it."""
    stated = tuple(
        sign(msgspec.structs.replace(signed.statement, mask_key=key), provider, world.identities[signer])
        if signed.statement.provider == provider
        else signed
        for signed in query.job.statement.providers
    )
    return world.resigned(query, providers=stated)


def test_a_swapped_mask_key_strips_the_mask_where_terms_are_not_verified(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who stands in the middle, or the bank itself, puts its own key in the place of the other provider's."""
    monkeypatch.setattr(checks, "verify", lambda signed, *_: signed.statement)
    own = X25519PrivateKey.from_private_bytes(b"\7" * 32)
    public_key = own.public_key().public_bytes_raw()
    query = with_key(world, world.query(world.model(), SUBJECTS), "labour", public_key, BANK)
    mask = stripping(world, query, "tax", "labour", own, mask_key(query, "tax"))
    assert alone(world, "tax", query, mask) == world.clear(SUBJECTS)["tax"]


def test_a_provider_refuses_terms_that_the_other_did_not_sign(world: World) -> None:
    own = X25519PrivateKey.from_private_bytes(b"\7" * 32).public_key().public_bytes_raw()
    query = world.query(world.model(), SUBJECTS)
    for signer in (BANK, "tax", "reviewer"):
        swapped = with_key(world, query, "labour", own, signer)
        assert_refused(world, "tax", swapped, 5, "does not verify under its pinned key")


def test_a_bank_refuses_terms_that_the_provider_did_not_sign(world: World) -> None:
    """The marketplace in the middle of bank and provider: no job is made with its key, so nobody is asked."""
    model, honest = world.model(), world.transport.handlers["labour"]
    own = X25519PrivateKey.from_private_bytes(b"\7" * 32).public_key().public_bytes_raw()

    def swap(data: bytes) -> bytes:
        reply = honest(data)
        if data != encode(AskProviderTerms(bank=BANK)):
            return reply
        terms = decode(reply, Signed[ProviderTerms])
        stated = msgspec.structs.replace(terms.statement, mask_key=own)
        return encode(msgspec.structs.replace(terms, statement=stated))

    world.transport.handlers["labour"] = swap
    before = len(world.events())
    with pytest.raises(AnswerError, match="the reply of labour cannot be trusted"):
        world.score(model, SUBJECTS)
    assert world.events()[before:] == []


class Unchecked:
    """X25519 as RFC 7748 computes it, where the all-zero result of a point of small order is not looked for."""

    def exchange(self, _peer: object) -> bytes:
        return bytes(32)


def test_a_mask_under_a_key_of_small_order_is_known_to_everybody(key: PrivateKey) -> None:
    public, point = key.public, (1).to_bytes(32, "little")
    peers = {"labour": point}
    (mask,) = zero_sum_masks("tax", Unchecked(), peers, bytes(32), 1, public)  # type: ignore[arg-type]
    (outsider,) = zero_sum_masks("labour", Unchecked(), {"tax": point}, bytes(32), 1, public)  # type: ignore[arg-type]
    masked = key.encrypt(1234) * public.residue(mask) % public.n_squared
    assert key.decrypt(masked * public.residue(outsider) % public.n_squared) == 1234


@pytest.mark.parametrize("point", [0, 1, 2**255 - 19, 2**255 - 20])
def test_a_provider_refuses_a_key_of_small_order_that_the_other_signed(world: World, point: int) -> None:
    """A colluding provider need not even tell its key: everybody could strip the mask. It is no key."""
    query = world.query(world.model(), SUBJECTS)
    small = with_key(world, query, "labour", point.to_bytes(32, "little"), "labour")
    assert_refused(world, "tax", small, 5, "a provider's mask key is of small order")


# --- what stays: collusion with the bank -------------------------------------------------------------------------


def test_with_two_providers_one_and_the_bank_together_see_the_other_s_partial_scores(world: World) -> None:
    """Not defended, and said so in docs/threat-model.md: a total less one's own part is the other's."""
    query = world.query(world.model(), SUBJECTS)
    (epoch,) = world.providers["labour"]._epochs.alive()
    mask = stripping(world, query, "tax", "labour", epoch.key, mask_key(query, "tax"))
    assert alone(world, "tax", query, mask) == world.clear(SUBJECTS)["tax"]


THREE = ("labour", "permits", "tax")
BINS = CategoryBins(column="size", groups=(("a",), ("b",), ("c",)))


@pytest.fixture
def three(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parties]:
    """Three providers with one column each."""
    monkeypatch.setitem(GRIDS, "size", BINS)
    with ExitStack() as stack:
        yield assemble(key, tmp_path, {name: _holding(name) for name in THREE}, SUBJECTS, stack)


def _holding(name: str) -> object:
    table = pd.DataFrame({"size": pd.Series([_value(name, i) for i in range(160)], SUBJECTS, dtype=object)})
    return holding(f"product-of-{name}", table, {"size": None})


def _value(name: str, row: int) -> str:
    return "abc"[(row * (THREE.index(name) + 1) + row // 7) % 3]


def _partials(points: Mapping[str, tuple[int, ...]]) -> dict[str, list[int]]:
    return {name: [points[name]["abc".index(_value(name, i))] for i in range(160)] for name in THREE}


def test_with_three_providers_one_and_the_bank_together_see_only_the_sum_of_the_others(three: Parties) -> None:
    points = {"labour": (0, 1, 2, 1), "permits": (0, 5, 9, 5), "tax": (0, 30, 60, 30)}
    sources = {f"product-of-{name}": (Feature(BINS, points[name]),) for name in THREE}
    query = asked(three, three.model(Scorecard("card", "1.0.0", 0, 0, sources, ())), SUBJECTS)
    public, job = three.key.public, query.job.statement
    answers = {name: numbers_of(three, query, ask(three, name, query)) for name in THREE}
    (epoch,) = three.providers["labour"]._epochs.alive()
    names = {name: mask_key(query, name) for name in ("permits", "tax")}
    partials = _partials(points)
    for victim, peer in names.items():
        own = zero_sum_masks("labour", epoch.key, {victim: peer}, digest(job), job.outputs, public)
        seen = plaintexts(three.key, [answers[victim], [public.residue(m) for m in own]])
        read = [value + job.slot_bias - 1000 for value in unpacked(job.layout, seen, job.rows)]
        assert hits(read, partials[victim]) < beyond_chance(160, Fraction(1, 2**job.slot_width))
    both = zero_sum_masks("labour", epoch.key, names, digest(job), job.outputs, public)
    seen = plaintexts(three.key, [answers["permits"], answers["tax"], [public.residue(m) for m in both]])
    read = [value + job.slot_bias - 2000 for value in unpacked(job.layout, seen, job.rows)]
    assert read == [a + b for a, b in zip(partials["permits"], partials["tax"], strict=True)]
