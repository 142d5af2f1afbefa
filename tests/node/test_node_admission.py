"""A provider's admission against the marketplace's commands: what a permit covers, and every way it does not."""

import dataclasses
from collections.abc import Callable

import msgspec
import pytest
from market import (
    BANK,
    DAY,
    KEYS,
    NOW,
    OTHER,
    REVIEWER,
    TAX,
    WHY,
)
from node.admission_office import MAX_USES, SUBJECTS, Office, of, refused, registered
from node.statements import NOBODY, answer
from node.statements import job as made_job

from compute.binning import CategoryBins
from compute.node.admission import STATUS_TRIES
from compute.node.directory import LIFETIME
from compute.permit import PermitStatus
from compute.protocols.risk_score.bin_histogram import HistogramQuestion
from compute.protocols.risk_score.checks import Registered
from compute.signing import Signed, sign
from compute.web.errors import PeerUnreachableError


def use(office: Office, contract: str, number: int, rows: int) -> None:
    """Store an answer of so many rows, as the provider does."""
    job = office.job(contract, number, rows)
    made = answer(job)
    made = msgspec.structs.replace(made, statement=msgspec.structs.replace(made.statement, provider=TAX))
    assert office.answers.put(job, made, office.admission.admit_job(job, registered()), NOBODY) == made


# --- what is allowed ---------------------------------------------------------------------------------------------


def test_a_permit_that_covers_model_and_job_admits_both(office: Office, contract: str) -> None:
    office.admission.admit_model(*of(registered("naics", "franchise")))
    job = office.job(contract)
    assert office.admission.admit_job(job, registered("naics")) == MAX_USES
    office.admission.admit_subjects(job, SUBJECTS)
    office.admission.admit_subjects(job, ())


def test_any_of_a_bank_s_permits_covers_a_model(office: Office, contract: str) -> None:
    other = office.agree("monitoring", purpose="credit_monitoring")
    office.later(1)
    office.present(other)
    assert office.registry.permits_of(BANK) == [office.permit(other), office.permit(contract)]
    for purpose in ("credit_approval", "credit_monitoring"):
        office.admission.admit_model(*of(registered(purpose=purpose)))


def asked(*fields: str, bank: str = BANK) -> HistogramQuestion:
    return HistogramQuestion(
        bank=bank,
        provider=TAX,
        product="market-registration",
        product_version="1.0.0",
        bins=tuple(CategoryBins(column=name, groups=(("a",),)) for name in sorted(fields)),
        nonce=bytes(32),
    )


def test_a_histogram_is_for_a_bank_with_a_permit_for_its_fields_and_for_the_contract_s_reviewer(
    office: Office, contract: str
) -> None:
    office.admission.admit_question(asked("naics", "franchise"))
    with refused(5, "state of market-registration not granted"):
        office.admission.admit_question(asked("naics", "state"))
    with refused(5, f"{OTHER} presented no permit"):
        office.admission.admit_question(asked("naics", bank=OTHER))
    domain = office.admission._domain
    office.admission._domain = dataclasses.replace(domain, reviewer="a-friend")
    with refused(5, f"the contract names the reviewer {REVIEWER}, and the histogram is for a-friend"):
        office.admission.admit_question(asked("naics"))
    office.admission._domain = domain
    office.market.exchange.permits.revoke(TAX, office.permit(contract), WHY)
    with refused(5, "permit check 4: "):
        office.admission.admit_question(asked("naics"))


def test_every_use_asks_for_the_status_anew(office: Office, contract: str) -> None:
    job, before = office.job(contract), office.desk.asked
    for _ in range(3):
        office.admission.admit_job(job, registered())
    assert office.desk.asked >= before + 3


# --- models and jobs ---------------------------------------------------------------------------------------------


def test_without_a_permit_presented_nothing_is_admitted(office: Office) -> None:
    name = office.agree()
    job = office.job(name)
    with refused(8, "bank presented no permit here"):
        office.admission.admit_model(*of(registered()))
    with refused(9, "bank presented no permit"):
        office.admission.admit_job(job, registered())
    with refused(9, "bank presented no permit"):
        office.admission.admit_subjects(job, SUBJECTS)


def test_a_permit_serves_the_bank_that_presented_it(office: Office, contract: str) -> None:
    job = office.job(contract, bank=OTHER)
    with refused(9, f"{OTHER} presented no permit"):
        office.admission.admit_job(job, registered())
    with refused(9, f"{OTHER} presented no permit"):
        office.admission.admit_subjects(job, SUBJECTS)
    approval, tables = of(registered())
    with refused(8, f"{OTHER} presented no permit"):
        office.admission.admit_model(approval, msgspec.structs.replace(tables, bank=OTHER))


def test_a_job_that_leaves_this_provider_out_names_no_permit(office: Office, contract: str) -> None:
    elsewhere = msgspec.structs.replace(office.job(contract), providers=made_job(1).providers)
    with refused(9, "names no permit for"):
        office.admission.admit_job(elsewhere, registered())


BEYOND = [
    (registered("naics", "state"), "permit check 7: state of market-registration not granted"),
    (registered(purpose="prescreening"), "permit check 6: the purpose prescreening is not credit_approval"),
    (registered(reviewer="a-friend"), f"approved by a-friend, the contract names {REVIEWER}"),
    (registered(providers=("shadow", TAX)), "the model takes shadow"),
]


@pytest.mark.parametrize(("model", "reason"), BEYOND, ids=["field", "purpose", "reviewer", "provider"])
def test_what_lies_beyond_the_contract_is_refused(
    office: Office, contract: str, model: Registered, reason: str
) -> None:
    with refused(8, reason):
        office.admission.admit_model(*of(model))
    with refused(9, reason):
        office.admission.admit_job(office.job(contract), model)


ENDS: list[tuple[Callable[[Office, str], object], str]] = [
    (lambda o, name: o.market.exchange.permits.revoke(TAX, o.permit(name), WHY), "permit check 4: "),
    (lambda o, name: o.market.exchange.contracts.terminate(BANK, name, WHY), "permit check 4: "),
    (lambda o, name: o.market.exchange.contracts.suspend("operator", name, WHY), "permit check 4: "),
    (lambda o, _: o.market.exchange.organisations.suspend("operator", REVIEWER, "breach"), "permit check 4: "),
    (lambda o, _: o.later(30 * DAY), "permit check 3: "),
]


@pytest.mark.parametrize(
    ("end", "reason"), ENDS, ids=["revoked", "terminated", "suspended", "no reviewer", "term over"]
)
def test_a_permit_that_stands_no_more_admits_nothing(
    office: Office, contract: str, end: Callable[[Office, str], object], reason: str
) -> None:
    job = office.job(contract)
    end(office, contract)
    with refused(9, reason):
        office.admission.admit_job(job, registered())
    with refused(8, reason):
        office.admission.admit_model(*of(registered()))


def test_a_suspended_bank_is_a_stranger_within_a_minute(office: Office, contract: str) -> None:
    job = office.job(contract)
    office.market.exchange.organisations.suspend("operator", BANK, "breach")
    with refused(9, "permit check 4: "):
        office.admission.admit_job(job, registered())
    office.later(int(LIFETIME * 1000))
    with refused(9, "no key of bank"):
        office.admission.admit_subjects(job, SUBJECTS)


STATUS_LIES: list[Callable[[Signed[PermitStatus]], Signed[PermitStatus]]] = [
    lambda true: sign(true.statement, "market", KEYS[BANK]),
    lambda true: sign(true.statement, "operator", KEYS["operator"]),
    lambda true: sign(msgspec.structs.replace(true.statement, nonce=bytes(32)), "market", KEYS["market"]),
    lambda true: sign(msgspec.structs.replace(true.statement, permit="permit-x"), "market", KEYS["market"]),
    lambda true: sign(msgspec.structs.replace(true.statement, at=NOW - 5001), "market", KEYS["market"]),
]


@pytest.mark.parametrize("lie", STATUS_LIES, ids=["the bank's", "the operator's", "a replay", "another's", "old"])
def test_only_the_marketplace_s_fresh_word_on_this_permit_counts(
    office: Office, contract: str, lie: Callable[[Signed[PermitStatus]], Signed[PermitStatus]]
) -> None:
    office.desk.status_lie = lie
    with refused(9, "permit check 4: "):
        office.admission.admit_job(office.job(contract), registered())


def late(office: Office, times: int) -> Callable[[Signed[PermitStatus]], Signed[PermitStatus]]:
    """Each of the first so many answers is 6 seconds under way."""
    left = iter(range(times))

    def under_way(true: Signed[PermitStatus]) -> Signed[PermitStatus]:
        if next(left, None) is not None:
            office.later(6000)
        return true

    return under_way


def test_a_status_that_was_long_under_way_is_asked_for_anew(office: Office, contract: str) -> None:
    before, office.desk.status_lie = office.desk.asked, late(office, STATUS_TRIES - 1)
    office.admission.admit_job(office.job(contract), registered())
    assert office.desk.asked == before + STATUS_TRIES
    office.desk.status_lie = late(office, STATUS_TRIES)
    with refused(9, "permit check 4: the status is not of the last 5 seconds"):
        office.admission.admit_job(office.job(contract), registered())


def test_a_marketplace_that_was_long_in_answering_answers_for_now(office: Office, contract: str) -> None:
    office.desk.before_status = lambda: office.later(6000)  # its server starts meanwhile
    office.admission.admit_job(office.job(contract), registered())


def test_a_marketplace_out_of_reach_is_no_refusal_of_the_permit(office: Office, contract: str) -> None:
    office.desk.gone = True
    with pytest.raises(PeerUnreachableError):
        office.admission.admit_job(office.job(contract), registered())


def test_uses_are_counted_over_all_jobs_of_the_permit(office: Office, contract: str) -> None:
    use(office, contract, 1, 4)
    assert office.admission.admit_job(office.job(contract, 2, MAX_USES - 4), registered()) == MAX_USES
    with refused(9, f"permit check 7: {MAX_USES - 3} uses asked, {MAX_USES - 4} of {MAX_USES} left"):
        office.admission.admit_job(office.job(contract, 2, MAX_USES - 3), registered())
    use(office, contract, 2, MAX_USES - 4)
    with refused(9, f"1 uses asked, 0 of {MAX_USES} left"):
        office.admission.admit_job(office.job(contract, 3, 1), registered())
    other = office.agree("loans-2")
    office.present(other)
    assert office.admission.admit_job(office.job(other, 3, 1), registered()) == MAX_USES


def test_a_permit_revoked_here_is_refused_whatever_the_marketplace_says(office: Office, contract: str) -> None:
    office.registry.revoke(office.permit(contract), office.market.clock.now)
    with refused(9, "is revoked"):
        office.admission.admit_job(office.job(contract), registered())
    with refused(8, "is revoked"):
        office.admission.admit_model(*of(registered()))
