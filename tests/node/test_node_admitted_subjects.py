"""Whom of a job's subjects a provider admits: those who consent, as the bank has signed it."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from market import (
    BANK,
    DAY,
    KEYS,
    NOW,
    OTHER,
    SALTS,
    TAX,
    commitments,
)
from node.admission_office import SUBJECTS, Office, refused
from node.conftest import AT_REST
from sqlalchemy import text

from audit.salts import SaltTree
from audit.subjects import SubjectTree
from compute.at_rest import AtRestError
from compute.node import admission
from compute.node.erasure import Eraser
from compute.node.salted import KEPT_FOR, Salted
from compute.records import Consents
from compute.signing import digest, sign

ABSENT = ("91330106MA2CFLDG4R", "91440300MA5EQXL17P")


def test_a_refusal_lists_exactly_those_who_do_not_consent(office: Office, contract: str) -> None:
    asked = (ABSENT[0], SUBJECTS[0], ABSENT[1], *SUBJECTS[1:])
    with refused(9, "2 of 5 subjects have no consent") as errors:
        office.admission.admit_subjects(office.job(contract), asked)
    assert errors[0].subjects == ABSENT
    assert not any(subject in errors[0].reason + errors[0].remedy for subject in asked)


def test_a_consent_that_was_withdrawn_or_has_expired_stands_no_more(office: Office, contract: str) -> None:
    job = office.job(contract)
    office.later(1000)
    office.market.exchange.consents.withdraw(BANK, office.market.withdrawal(contract, SUBJECTS[:1]))
    with refused(9, "1 of 3 subjects") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[:1]
    office.later(1000)
    office.consent(contract, "batch-2", SUBJECTS[:1])
    office.admission.admit_subjects(job, SUBJECTS)
    office.later(DAY - 1000)  # the first batch is over, the second is not
    with refused(9, "2 of 3 subjects") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[1:]


@pytest.mark.usefixtures("contract")
def test_consents_of_another_contract_or_under_another_seed_do_not_count(office: Office) -> None:
    other = office.agree("loans-2")
    office.present(other)
    with refused(9, "3 of 3 subjects"):
        office.admission.admit_subjects(office.job(other), SUBJECTS)
    third = office.agree("loans-3")
    office.admission.present(office.presentation(third, salt=b"\1" * 32))
    office.consent(third)
    with refused(9, "3 of 3 subjects"):
        office.admission.admit_subjects(office.job(third), SUBJECTS)


def test_a_use_is_kept_as_a_tree_over_its_subjects(office: Office, contract: str) -> None:
    job = office.job(contract)
    for _ in range(2):
        office.admission.keep_use(job, SUBJECTS)
    assert office.uses.of(contract) == [digest(job)]
    tree = office.uses.tree(digest(job))
    assert tree is not None
    assert tree.root == SubjectTree.of_use(SALTS, digest(job), SUBJECTS).root  # the bank's
    assert tree.size == len(SUBJECTS)


def test_an_erased_subject_is_admitted_no_more(office: Office, contract: str) -> None:
    eraser = Eraser(office.engine, AT_REST, 0, office.market.clock)
    assert eraser.erase(SUBJECTS[1], contract, NOW).is_new
    job = office.job(contract)
    with refused(9, "1 of 3 subjects have no consent") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[1:2]
    with refused(9, "erased meanwhile"):
        office.admission.keep_use(job, SUBJECTS)
    assert office.uses.of(contract) == []
    office.later(1)
    office.present(contract)  # the same seed again
    with refused(9, "1 of 3 subjects"):
        office.admission.admit_subjects(job, SUBJECTS)
    office.admission.admit_subjects(job, (SUBJECTS[0], SUBJECTS[2]))


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """For whom something is derived from salts, once a job of two subjects is one of many."""
    asked: list[Sequence[str]] = []
    derive = SaltTree.salts

    def counted(tree: SaltTree, subjects: Sequence[str]) -> list[bytes | None]:
        asked.append(subjects)
        return derive(tree, subjects)

    monkeypatch.setattr(SaltTree, "salts", counted)
    monkeypatch.setattr(admission, "MANY", 2)
    return asked


def kept(office: Office) -> int:
    with office.engine.begin() as connection:
        return int(connection.execute(text("SELECT count(*) FROM salted_jobs")).scalar_one())


def test_of_a_large_job_all_is_derived_once(office: Office, contract: str, derived: list[Sequence[str]]) -> None:
    job = office.job(contract)
    for _ in range(2):  # when it comes, and when it is answered
        office.admission.admit_subjects(job, SUBJECTS)
    assert kept(office) == 1
    office.admission.keep_use(job, SUBJECTS)
    assert derived == [SUBJECTS]
    assert kept(office) == 0
    tree = office.uses.tree(digest(job))
    assert tree is not None
    assert tree.root == SubjectTree.of_use(SALTS, digest(job), SUBJECTS).root
    office.admission.admit_subjects(job, SUBJECTS[:1])  # a small one
    assert kept(office) == 0


@pytest.mark.usefixtures("derived")
def test_of_a_large_job_consents_and_erasures_are_found_anew(office: Office, contract: str) -> None:
    job, other = office.job(contract), office.job(contract, 2)
    for each in (job, other):
        office.admission.admit_subjects(each, SUBJECTS)
    office.later(1000)
    office.market.exchange.consents.withdraw(BANK, office.market.withdrawal(contract, SUBJECTS[:1]))
    with refused(9, "1 of 3 subjects") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[:1]
    assert kept(office) == 2
    Eraser(office.engine, AT_REST, 0, office.market.clock).erase(SUBJECTS[1], contract, NOW)
    assert kept(office) == 0
    with refused(9, "erased meanwhile"):
        office.admission.keep_use(job, SUBJECTS)
    with refused(9, "2 of 3 subjects") as errors:
        office.admission.admit_subjects(job, SUBJECTS)
    assert errors[0].subjects == SUBJECTS[:2]
    assert kept(office) == 0


@pytest.mark.usefixtures("derived")
def test_what_was_derived_from_salts_that_changed_meanwhile_is_not_kept(office: Office, contract: str) -> None:
    job = digest(office.job(contract))
    found = office.salts.find_marked(contract)
    assert found is not None
    tree, mark = found
    Eraser(office.engine, AT_REST, 0, office.market.clock).erase(SUBJECTS[1], contract, NOW)
    office.salts.keep_salted(contract, job, Salted.of(tree, job, SUBJECTS), mark, NOW)
    assert kept(office) == 0


@pytest.mark.usefixtures("derived")
def test_nobody_gets_subjects_admitted_by_altering_the_file(office: Office, contract: str) -> None:
    """Not by what another job's subjects have, and not by that of another contract."""
    job, other = office.job(contract), office.job(contract, 2)
    office.admission.admit_subjects(job, SUBJECTS)
    with office.engine.begin() as connection:
        connection.execute(text("UPDATE salted_jobs SET job = :job"), {"job": digest(other)})
    with pytest.raises(AtRestError):
        office.admission.admit_subjects(other, ABSENT)


@pytest.mark.usefixtures("derived")
def test_what_was_kept_for_a_job_without_an_answer_is_deleted(office: Office, contract: str) -> None:
    office.admission.admit_subjects(office.job(contract), SUBJECTS)
    office.market.clock.now += KEPT_FOR + 1
    found = office.salts.find_marked(contract)
    assert found is not None
    job = digest(office.job(contract, 2))
    office.salts.keep_salted(contract, job, Salted.of(found[0], job, SUBJECTS), found[1], office.market.clock.now)
    assert kept(office) == 1


def test_without_its_salts_a_contract_admits_nobody(office: Office, contract: str) -> None:
    with office.engine.begin() as connection:
        connection.execute(text("DELETE FROM salt_trees"))
    with refused(9, "no salts of the contract"):
        office.admission.admit_subjects(office.job(contract), SUBJECTS)


def claimed(consents: Consents, signer: str, key: str, **changes: Any) -> Consents:
    """The consents with one batch more, of those who gave none, signed as whom and by whose key."""
    statement = msgspec.structs.replace(
        consents.batches[0].statement, batch="more", commitments=commitments(ABSENT), **changes
    )
    return msgspec.structs.replace(consents, batches=(*consents.batches, sign(statement, signer, KEYS[key])))


LIES: list[tuple[Callable[[Consents], Consents], str]] = [
    (lambda true: claimed(true, BANK, "market"), "does not verify"),
    (lambda true: claimed(true, "market", "market"), "signed by market"),
    (lambda true: claimed(true, OTHER, OTHER), f"signed by {OTHER}"),
    (lambda true: claimed(true, TAX, TAX), f"signed by {TAX}"),
    (lambda true: claimed(true, BANK, BANK, contract="contract-x"), "of another contract"),
    (
        lambda true: msgspec.structs.replace(
            true,
            batches=tuple(
                msgspec.structs.replace(
                    each, statement=msgspec.structs.replace(each.statement, commitments=commitments(ABSENT))
                )
                for each in true.batches
            ),
        ),
        "does not verify",
    ),
]


@pytest.mark.parametrize(
    ("lie", "reason"),
    LIES,
    ids=["the marketplace's", "in its name", "another bank's", "a provider's", "another contract's", "changed"],
)
def test_no_consent_counts_but_what_the_bank_signed(
    office: Office, contract: str, lie: Callable[[Consents], Consents], reason: str
) -> None:
    office.desk.consents_lie = lie
    for asked in (ABSENT, SUBJECTS):
        with refused(9, reason) as errors:
            office.admission.admit_subjects(office.job(contract), asked)
        assert errors[0].subjects == ()


def test_a_withdrawal_that_the_bank_never_signed_counts_as_little(office: Office, contract: str) -> None:
    withdrawal = office.market.withdrawal(contract, SUBJECTS)
    forged = sign(withdrawal.statement, BANK, KEYS["market"])
    office.desk.consents_lie = lambda true: msgspec.structs.replace(true, withdrawals=(forged,))
    with refused(9, "does not verify"):
        office.admission.admit_subjects(office.job(contract), SUBJECTS)
