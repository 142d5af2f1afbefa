"""A subject is shown every use of its data, and erased at a provider, between real processes."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing

import pytest
from processes.live_market import MARKET_REGULATION, SOCIAL_SECURITY, Market
from processes.refusal_checks import asked, kind, problem_of

from audit.presence import parse
from audit.subjects import use_value, verify
from compute.canonical import DAY, encode
from compute.node.console.messages import ErasureRequest, LegalHold, SubjectUse
from compute.node.jobs.states import State
from compute.node.site import clock
from compute.web.errors import PeerProblemError
from veilmart.demo.sites import NodeSite
from veilmart.demo.story import staff

pytestmark = pytest.mark.long

CASE = "(2026)琼01民初1号"


def uses(market: Market, contract: str, subject: str, provider: str = MARKET_REGULATION) -> list[SubjectUse]:
    with staff(market.provider(provider)) as clerk:
        return [use for use in clerk.uses(subject).uses if use.contract == contract]


def verified(subject: str, shown: Sequence[SubjectUse]) -> list[bool]:
    """Whether each use was about the subject, as whoever holds its salt finds it."""
    found = []
    for use in shown:
        value = use_value(bytes.fromhex(use.salt), bytes.fromhex(use.job), subject)
        found.append(verify(value, bytes.fromhex(use.subjects_root), use.rows, parse(use.proof.encode())))
        assert found[-1] == use.present
    return found


def refused(market: Market, site: NodeSite, request: ErasureRequest | LegalHold) -> dict[str, object]:
    path = "/holds" if isinstance(request, LegalHold) else "/erasures"
    with market.peer(site.staff, site, site.folder / "staff.jwe") as person:
        return asked(person, "POST", path, encode(request))


def sealed_tree(site: NodeSite, contract: str) -> bytes:
    """The contract's tree of salts as it lies in the node's file."""
    uri = f"{(site.folder / 'node.sqlite').resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        ((tree,),) = database.execute("SELECT tree FROM salt_trees WHERE contract = ?", (contract,))
    return bytes(tree)


def has(site: NodeSite, sealed: bytes) -> bool:
    """Whether a file of the node still has a piece of it, which its key would open."""
    files = [path.read_bytes() for path in site.folder.glob("node.sqlite*")]
    pieces = [sealed[at : at + 16] for at in range(0, len(sealed) - 16, 16)]
    return any(piece in data for piece in pieces for data in files)


def test_a_subject_is_shown_its_uses_and_erased_and_the_others_go_on(market: Market) -> None:
    erased, kept, unasked = market.applicants[20:23]
    contract = market.agree("to-be-erased", subjects=(erased, kept, unasked)).contract
    assert market.scoring(contract, (erased, kept), "before").state == State.DONE
    provider = market.provider()

    (at_one,), (at_other,) = (uses(market, contract, kept, name) for name in (MARKET_REGULATION, SOCIAL_SECURITY))
    assert (at_one.job, at_one.subjects_root, at_one.rows) == (at_other.job, at_other.subjects_root, 2)
    for subject, present in ((erased, True), (kept, True), (unasked, False)):
        assert verified(subject, uses(market, contract, subject)) == [present]

    asked_for = ErasureRequest(contract=contract, subject=erased)
    with staff(provider) as clerk:
        placed = clerk.hold(LegalHold(contract=contract, case_number=CASE, until=clock() + DAY))
        assert clerk.holds(contract) == placed
    problem = refused(market, provider, asked_for)
    assert kind(problem) == (409, "retained")
    assert CASE in str(problem["detail"])
    here, there = sealed_tree(provider, contract), sealed_tree(market.bank, contract)
    assert has(provider, here)
    with staff(provider) as clerk:
        assert clerk.lift_hold(contract, CASE).holds == ()
        assert clerk.erase(contract, erased).new
        assert not clerk.erase(contract, erased).new
        assert contract in clerk.uses(erased).erased
    deadline = time.monotonic() + 60
    while has(provider, here) and time.monotonic() < deadline:
        time.sleep(0.2)  # another process was reading: the node's upkeep wipes what is left
    assert not has(provider, here)
    assert has(market.bank, there)  # each party erases at its own node

    assert verified(kept, uses(market, contract, kept)) == [True]
    with market.analyst() as analyst:
        analyst.present(contract)  # the same seed brings nobody back
    failed = market.scoring(contract, (erased, kept), "after")
    assert (failed.state, failed.subjects) == (State.FAILED, (erased,))
    assert market.scoring(contract, (kept,), "others").state == State.DONE
    assert verified(kept, uses(market, contract, kept)) == [True, True]


def test_what_cannot_be_erased_is_told(market: Market) -> None:
    contract, subject = market.outcome.contract, market.applicants[0]
    problem = refused(market, market.bank, ErasureRequest(contract=contract, subject=subject))
    assert kind(problem) == (409, "retained")
    assert "after the contract's end" in str(problem["detail"])
    wrong = subject[:17] + ("1" if subject[17] != "1" else "2")
    for site in (market.bank, market.provider()):
        assert kind(refused(market, site, ErasureRequest(contract=contract, subject=wrong))) == (
            422,
            "unknown-subjects",
        )
        unknown = ErasureRequest(contract="contract-0", subject=subject)
        assert kind(refused(market, site, unknown))[0] == 404
        hold = LegalHold(contract="contract-0", case_number=CASE, until=clock() + DAY)
        assert kind(refused(market, site, hold)) == (404, "not-found")
        with staff(site) as person, pytest.raises(PeerProblemError) as caught:
            person.lift_hold(contract, CASE)
        assert kind(problem_of(caught.value)) == (404, "not-found")
