"""A permit is presented to a provider: whose presentation counts, and which."""

from base64 import b64encode

import msgspec
import pytest
from market import (
    BANK,
    KEYS,
    LABOUR,
    NOW,
    OTHER,
    SEED,
    TAX,
)
from node.admission_office import SUBJECTS, Office, refused

from compute.canonical import HOUR, encode
from compute.permit import issue
from compute.protocols.permit_presentation.messages import PresentPermit
from compute.signing import sign


def test_a_presentation_that_comes_again_changes_nothing(office: Office) -> None:
    message = office.presentation(office.agree())
    first = office.admission.present(message)
    office.later(1000)
    assert office.admission.present(message) == first


def test_a_presentation_is_the_bank_s_own(office: Office) -> None:
    name = office.agree()
    message = office.presentation(name)
    for forged in (
        sign(message.presentation.statement, BANK, KEYS[OTHER]),
        sign(message.presentation.statement, OTHER, KEYS[OTHER]),
    ):
        with refused(1, "sign"):
            office.admission.present(PresentPermit(presentation=forged))
    with refused(1, "no key of nobody"):
        statement = msgspec.structs.replace(message.presentation.statement, bank="nobody")
        office.admission.present(PresentPermit(presentation=sign(statement, "nobody", KEYS[BANK])))
    with refused(1, "cannot sign as consumer"):
        office.admission.present(office.presentation(name, bank=LABOUR))
    assert office.registry.permits_of(BANK) == []


def test_another_bank_cannot_present_a_permit_that_is_not_its_own(office: Office) -> None:
    name = office.agree()
    with refused(3, "permit check 2: the permit is for bank at"):
        office.admission.present(office.presentation(name, bank=OTHER))
    assert office.registry.permits_of(OTHER) == []


@pytest.mark.parametrize("age", [HOUR + 1, -HOUR - 1])
def test_a_presentation_is_of_the_last_hour(office: Office, age: int) -> None:
    name = office.agree()
    with refused(2, "not of the last hour"):
        office.admission.present(office.presentation(name, issued_at=NOW - age))


def test_an_earlier_presentation_does_not_replace_a_later_one(office: Office) -> None:
    name = office.agree()
    old = office.presentation(name)
    office.later(1000)
    office.present(name)
    with refused(2, "a later presentation"):
        office.admission.present(old)
    kept = office.registry.presented(office.permit(name))
    assert kept is not None
    assert kept[0].issued_at == NOW + 1000


def test_a_contract_has_one_seed(office: Office, contract: str) -> None:
    """Another would take from the provider every proof of the uses so far."""
    office.later(1)
    with refused(4, "another seed"):
        office.admission.present(office.presentation(contract, salt=b"\1" * 32))
    office.present(contract)
    office.admission.admit_subjects(office.job(contract), SUBJECTS)


def test_the_seed_is_kept_apart_from_the_presentation(office: Office, contract: str) -> None:
    """Else it could not be erased."""
    kept = office.registry.presented(office.permit(contract))
    assert kept is not None
    assert SEED not in encode(kept[0])
    assert b64encode(SEED) not in encode(kept[0])
    tree = office.salts.find(contract)
    assert tree is not None
    assert tree.seed == SEED


def test_a_token_is_the_marketplace_s(office: Office) -> None:
    """Neither of the bank's own making nor changed, whatever contract comes with it."""
    name = office.agree()
    held, permit = office.market.exchange.contracts.load(BANK, name).terms, office.permit(name)
    own = issue(held, TAX, permit, "market", KEYS[BANK], NOW)
    true = office.market.exchange.permits.load(BANK, name, TAX).token
    at_labour = office.market.exchange.permits.load(BANK, name, LABOUR).token
    for token, check in ((own, 1), (true[:-6] + "AAAAAA", 1), ("token", 1)):
        with refused(3, f"permit check {check}: "):
            office.admission.present(office.presentation(name, token=token))
    with refused(3, "the marketplace: there is no permit"):  # it tells no provider of another's
        office.admission.present(office.presentation(name, token=at_labour))


def test_a_permit_without_everybody_s_signature_is_none(office: Office) -> None:
    """The marketplace alone cannot make one, nor widen it."""
    name = office.agree()
    signed = office.market.exchange.contracts.load(BANK, name).signed
    wider = msgspec.structs.replace(signed[0].statement, max_uses=99_999)
    token = issue(wider, TAX, office.permit(name), "market", KEYS["market"], NOW)
    forged = tuple(sign(wider, each.signer, KEYS["market"]) for each in signed)
    cases = [
        (5, {"contract": signed[:2]}, "not signed by each of its parties once"),
        (5, {"contract": (signed[0], signed[2], signed[1])}, "not signed by each of its parties once"),
        (5, {"contract": (*signed[:2], sign(signed[0].statement, LABOUR, KEYS[TAX]))}, "does not verify"),
        (
            5,
            {"contract": tuple(sign(wider, each.signer, KEYS[each.signer]) for each in signed)},
            "not the one that",
        ),
        (4, {"contract": forged, "token": token}, "another version"),
    ]
    for check, changes, reason in cases:
        with refused(3, f"permit check {check}: ") as errors:
            office.admission.present(office.presentation(name, **changes))
        assert reason in errors[0].reason
    assert office.registry.permits_of(BANK) == []
