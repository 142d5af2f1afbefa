"""What the marketplace shows a bank of its own contracts is believed on everybody's signatures, or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from begun import open_begun
from market import BANK, KEYS, LABOUR, NOW, OTHER, TAX, Market, grant

from compute.market.contracts import ContractRecord, IssuedPermit
from compute.node.bank.agreed import agreed_contract, agreed_terms, issued_token
from compute.permit import issue, permit_name
from compute.protocols.base import AnswerError
from compute.signing import Pin, sign
from compute.terms import Terms
from compute.web.errors import ProblemError
from marketplace.api import render


@dataclass
class Shown:
    """The marketplace's answers to the bank, which a test may change."""

    market: Market
    contract_record: ContractRecord | None = None
    token: str | None = None

    def contract(self, name: str) -> ContractRecord:
        return self.contract_record or render.contract(self.market.exchange.contracts.load(BANK, name))

    def permit(self, contract: str, provider: str) -> IssuedPermit:
        found = render.permit(self.market.exchange.permits.load(BANK, contract, provider))
        return found if self.token is None else msgspec.structs.replace(found, token=self.token)


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    with open_begun(tmp_path / "market.db") as market:
        yield Shown(market)


@pytest.fixture
def name(shown: Shown) -> str:
    return shown.market.active()


def site(shown: Shown) -> Any:
    settings = SimpleNamespace(name=BANK, marketplace=SimpleNamespace(name="market"))
    market_pin = {"market": Pin("operator", KEYS["market"].public_key().public_bytes_raw())}
    return SimpleNamespace(settings=settings, market=shown, directory=shown.market.exchange.pins() | market_pin)


def test_the_contract_that_all_signed_is_believed(shown: Shown, name: str) -> None:
    signed = agreed_contract(site(shown), name)
    assert [each.signer for each in signed] == [BANK, TAX, LABOUR]
    terms = agreed_terms(site(shown), name)
    assert terms.contract == name
    assert issued_token(site(shown), terms, TAX)


def forged(record: ContractRecord, **changes: Any) -> ContractRecord:
    terms = msgspec.structs.replace(record.terms, **changes)
    statements = tuple(msgspec.structs.replace(signed, statement=terms) for signed in record.signed)
    return msgspec.structs.replace(record, terms=terms, signed=statements)


def resigned(record: ContractRecord, terms: Terms, *signers: str) -> ContractRecord:
    return msgspec.structs.replace(
        record, terms=terms, signed=tuple(sign(terms, party, KEYS[party]) for party in signers)
    )


def test_another_reviewer_or_another_provider_is_not(shown: Shown, name: str) -> None:
    """The reviewer would get the bank's points, the provider the salt of its consents."""
    record = shown.contract(name)
    intruder = grant(TAX, "naics", provider=OTHER)
    for changes in ({"model_reviewer": OTHER}, {"grants": (*record.terms.grants, intruder)}):
        shown.contract_record = forged(record, **changes)
        with pytest.raises(AnswerError, match=r"the marketplace shows .*do not use it"):
            agreed_terms(site(shown), name)


def test_a_contract_that_others_made_without_the_bank_is_not(shown: Shown, name: str) -> None:
    record = shown.contract(name)
    terms = msgspec.structs.replace(record.terms, grants=record.terms.grants[:1])
    for signers in ((TAX,), (TAX, TAX), ()):
        shown.contract_record = resigned(record, terms, *signers)
        with pytest.raises(AnswerError, match=r"not signed by each of its parties|not the one that is named"):
            agreed_contract(site(shown), name)


def test_of_a_draft_it_is_told_who_has_still_to_sign(shown: Shown) -> None:
    name = shown.market.drafted()
    shown.market.exchange.contracts.sign(TAX, shown.market.signed(TAX, name))
    with pytest.raises(ProblemError) as caught:
        agreed_contract(site(shown), name)
    assert (caught.value.status, caught.value.slug) == (409, "not-signed")
    assert f"{BANK}, {LABOUR} did not sign" in caught.value.detail


def test_a_draft_with_false_signatures_is_not_believed(shown: Shown) -> None:
    name = shown.market.drafted()
    record = shown.contract(name)
    signed = tuple(sign(record.terms, party, KEYS[OTHER]) for party in record.terms.parties)
    shown.contract_record = msgspec.structs.replace(record, signed=signed)
    with pytest.raises(AnswerError, match="does not verify under its pinned key"):
        agreed_contract(site(shown), name)


def test_one_contract_is_not_shown_for_another(shown: Shown, name: str) -> None:
    other = shown.market.active("loans-2")
    shown.contract_record = shown.contract(other)
    with pytest.raises(AnswerError, match=f"another contract than {name}"):
        agreed_contract(site(shown), name)


def test_a_permit_is_the_contracts_own(shown: Shown, name: str) -> None:
    terms = agreed_terms(site(shown), name)
    other = msgspec.structs.replace(terms, max_uses=terms.max_uses + 1)
    tokens = [
        issue(terms, LABOUR, permit_name(name, LABOUR), "market", KEYS["market"], NOW),
        issue(terms, TAX, "permit-" + "0" * 32, "market", KEYS["market"], NOW),
        issue(other, TAX, permit_name(name, TAX), "market", KEYS["market"], NOW),
    ]
    for token in tokens:
        shown.token = token
        with pytest.raises(AnswerError, match="another permit than that of"):
            issued_token(site(shown), terms, TAX)
    shown.token = issue(terms, TAX, permit_name(name, TAX), "market", KEYS[TAX], NOW)
    with pytest.raises(AnswerError, match="no permit of market"):
        issued_token(site(shown), terms, TAX)
