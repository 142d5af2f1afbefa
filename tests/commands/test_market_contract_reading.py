"""What a person reads of a contract is what its digest signs, whatever a marketplace would have them read."""

import io
from dataclasses import dataclass
from typing import cast

import click
import pytest
from market import BANK, LABOUR, OTHER, REVIEWER, TAX
from msgspec import ValidationError
from rich.console import Console
from rich.table import Table

from catalog.vocabulary import Language
from compute.agreement.documents import bind
from compute.agreement.odrl import policy
from compute.agreement.text import text
from compute.canonical import DAY, FormatError, decode, encode
from compute.client.marketplace import MarketplaceClient
from compute.market.contracts import AgreementDigests, AmendmentRecord, ContractRecord
from compute.market.legend import Legend, NamedOrganisation
from compute.market.product_search import Bilingual
from compute.terms import DraftTerms, Grant, Terms
from veilmart.market import flow_tables
from veilmart.market.contracts import agreed_text

NOW = 1_790_000_000_000
DRAFT: dict[str, object] = {
    "contract": "bank-loans",
    "policy_version": 2,
    "consumer": BANK,
    "grants": (Grant(provider=TAX, product="registration", product_version="1.0.0", fields=("naics",)),),
    "operation": "risk_score",
    "purpose": "credit_approval",
    "legal_basis": "consent",
    "model_reviewer": REVIEWER,
    "max_uses": 50,
    "not_before": NOW,
    "not_after": NOW + 30 * DAY,
    "subject_types": ("enterprise",),
}
OTHERS: tuple[dict[str, object], ...] = (
    {"contract": "bank-others"},
    {"consumer": OTHER},
    {"grants": (Grant(provider=LABOUR, product="insurance", product_version="1.0.0", fields=("employees",)),)},
    {"operation": "joint_statistics", "legal_basis": "anonymised_statistics"},
    {"purpose": "prescreening"},
    {"model_reviewer": OTHER},
    {"max_uses": 51},
    {"not_before": NOW + DAY},
    {"not_after": NOW + 31 * DAY},
    {"subject_types": ("enterprise", "person")},
    {"version": 2},
    {"renews": "bank-before"},
)
"""Another value of each member that parties agree on."""
MOVES = "\x1b[2A\x1b[2K[bold]10000000[/bold]\u202e"
"""Two lines up, and another count there; markup; the other direction."""


def terms_of(**changes: object) -> Terms:
    return bind(DraftTerms(**DRAFT | changes))  # type: ignore[arg-type] -- its members by name


def printed(table: Table) -> str:
    console = Console(width=160, file=io.StringIO(), force_terminal=True)
    console.print(table)
    return cast("io.StringIO", console.file).getvalue()


def as_contract(terms: Terms, state: str = "draft") -> str:
    return printed(flow_tables.contract(ContractRecord(terms=terms, state=state, signed=(), suspended_by=())))


def as_amendment(terms: Terms) -> str:
    return printed(flow_tables.amendment(AmendmentRecord(terms=terms, proposer=BANK, state="proposed", signed=())))


def test_every_member_of_the_terms_is_in_the_table_over_their_digest() -> None:
    """Else a colleague's amendment has people sign what they were not shown: other subjects, say."""
    named = {name for each in OTHERS for name in each}
    assert named == {*Terms.__struct_fields__} - {"policy_version", "agreement"}
    for shown in (as_contract, as_amendment):
        for each in OTHERS:
            assert shown(terms_of(**each)) != shown(terms_of()), each


def test_nothing_that_a_marketplace_writes_beside_the_terms_moves_to_where_they_stand() -> None:
    told = Bilingual(zh=MOVES, en=MOVES)
    legend = Legend(
        contract="bank-loans",
        contract_version=1,
        note=told,
        organisations=(NamedOrganisation(name=BANK, title=told),),
        products=(),
    )
    for shown in (printed(flow_tables.legend(legend)), as_contract(terms_of(), MOVES)):
        assert "[bold]10000000[/bold]" in shown
        assert "\x1b[2A" not in shown
        assert "\x1b[2K" not in shown
        assert "\u202e" not in shown
    with pytest.raises((FormatError, ValidationError)):
        decode(encode(legend), Legend)


@dataclass
class Shown:
    """A marketplace that shows these terms, and documents that follow from others."""

    terms: Terms
    other: Terms

    @property
    def contracts(self) -> "Shown":
        return self

    def text(self, _contract: str, language: Language, _version: int | None) -> str:
        return text(self.other, language)

    def policy(self, _contract: str, _version: int | None) -> bytes:
        return policy(self.other)

    def versions(self, contract: str) -> AgreementDigests:
        return AgreementDigests(contract=contract, versions={"1": str(terms_of().agreement)})


def read(terms: Terms, other: Terms, version: int | None = None) -> str:
    return agreed_text(cast("MarketplaceClient", Shown(terms, other)), terms, "zh", version)


def test_a_text_that_says_something_else_than_the_terms_is_not_printed() -> None:
    honest, lying = terms_of(max_uses=10_000_000), terms_of()
    assert read(honest, honest) == text(honest, "zh")
    for version in (None, 1):
        with pytest.raises(click.ClickException, match="sign nothing"):
            read(honest, lying, version)
    renewed = terms_of(version=2)
    assert read(renewed, terms_of(), 1) == text(terms_of(), "zh")  # the version before, as it was agreed
    with pytest.raises(click.ClickException, match="sign nothing"):
        read(renewed, honest, 1)
    with pytest.raises(click.ClickException, match="sign nothing"):
        read(renewed, renewed, 3)  # none of the versions
