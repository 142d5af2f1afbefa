"""A contract's terms (用数合约的机读条款) and the one evaluator of whether a use keeps within them.

The parties sign the terms; the marketplace decides with this evaluator at application and contract, every provider
node at every use. Local policy may only narrow what it allows. What the catalog and the parties' enrolment have to
say of terms that are applied for is in `compute.evaluator`, over the same clauses (`compute.clauses`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from compute.canonical import Hex32, Message, Milliseconds, Name, Version
from compute.clauses import Clause, Violation

MAX_USES = 100_000_000
POLICY_VERSION = 2
"""Of terms that are made now. Those of version 1, still read, name no kinds of subjects and no agreement."""

Operation = Literal["risk_score", "joint_statistics"]
Purpose = Literal[
    "credit_approval",
    "credit_monitoring",
    "prescreening",
    "model_development",
    "policy_matching",
    "industry_research",
    "public_governance",
    "public_welfare",
]
LegalBasis = Literal["consent", "anonymised_statistics"]
"""Anonymised information is not personal information (PIPL art. 4); disclosure control makes it so."""
SubjectType = Literal["enterprise", "sole_trader", "person"]
"""Of the last two the data are personal information: they consent separately (PIPL articles 23 and 29)."""
AlignmentBasis = Literal["consent", "contract", "statutory_duty", "disclosed", "other_law"]
"""On what a bank may tell a provider who its customers are, where they are persons or identify one.

PIPL (个人信息保护法), article 13, paragraph 1: items 1, 2, 3, 6 and 7. Emergencies and news reporting,
items 4 and 5, are no bank's.
"""
BASIS_OF: dict[Operation, LegalBasis] = {"risk_score": "consent", "joint_statistics": "anonymised_statistics"}


class Grant(Message, frozen=True):
    """What one provider grants: fields of one version of one product."""

    provider: Name
    product: Name
    product_version: Version
    fields: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=256)]

    @property
    def key(self) -> tuple[str, str, str]:
        """Provider, product and version: what the catalog has it under."""
        return self.provider, self.product, self.product_version


class DraftTerms(Message, frozen=True, tag="terms", omit_defaults=True):
    """Terms as somebody may write them: each member well formed, whatever they are together.

    Members with a default are left out of the canonical form where they have it, as terms of version 1 do.
    """

    contract: Name
    policy_version: Annotated[int, Meta(ge=1, le=POLICY_VERSION)]
    consumer: Name
    grants: Annotated[tuple[Grant, ...], Meta(min_length=1, max_length=16)]
    operation: Operation
    purpose: Purpose
    legal_basis: LegalBasis
    model_reviewer: Name
    max_uses: Annotated[int, Meta(ge=1, le=MAX_USES)]
    """Over the whole term, counted at each provider: subjects scored, or answers that hold statistics."""
    not_before: Milliseconds
    not_after: Milliseconds
    subject_types: Annotated[tuple[SubjectType, ...], Meta(max_length=3)] = ()
    """Whose data is used."""
    version: Annotated[int, Meta(ge=1, le=1000)] = 1
    """Of the contract: an amendment is the next one."""
    renews: Name | None = None
    """The contract that this one follows."""
    agreement: Hex32 | None = None
    """What a reader signs with the terms: `compute.agreement.documents.agreement_digest`."""

    @property
    def parties(self) -> tuple[str, ...]:
        """Everybody whose signature the contract needs: the consumer, then the providers."""
        return (self.consumer, *(grant.provider for grant in self.grants))

    def grant_of(self, provider: str) -> Grant | None:
        """Give what a provider grants."""
        return next((grant for grant in self.grants if grant.provider == provider), None)


class Terms(DraftTerms, frozen=True, tag="terms", omit_defaults=True):
    """The machine part of a contract between a consumer and one or more providers."""

    def __post_init__(self) -> None:
        if found := form_violations(self):
            raise ValueError("; ".join(each.reason for each in found))


@dataclass(frozen=True)
class Use:
    """What a consumer asks of one provider now."""

    consumer: str
    provider: str
    product: str
    product_version: str
    fields: frozenset[str]
    operation: str
    purpose: str
    uses: int
    """Subjects in this request."""
    used: int
    """Subjects counted before it under this contract at this provider."""
    time: int
    """UTC, milliseconds since 1970-01-01."""


def form_violations(terms: DraftTerms) -> list[Violation]:
    """Give every clause that the terms break by themselves, in the order of the terms."""
    return list(_form_violations(terms))


def _form_violations(terms: DraftTerms) -> Iterator[Violation]:
    yield from _policy_violations(terms)
    providers = [grant.provider for grant in terms.grants]
    for number, grant in enumerate(terms.grants):
        if grant.provider in providers[:number]:
            yield Violation(Clause.PROVIDER_ONCE, f"grants.{number}.provider", {"provider": grant.provider})
        if len(set(grant.fields)) < len(grant.fields):
            yield Violation(Clause.FIELD_ONCE, f"grants.{number}.fields", {"product": grant.product})
    if terms.legal_basis != BASIS_OF[terms.operation]:
        values = {"operation": terms.operation, "basis": terms.legal_basis, "right": BASIS_OF[terms.operation]}
        yield Violation(Clause.LEGAL_BASIS, "legal_basis", values)
    if len(set(terms.subject_types)) < len(terms.subject_types):
        yield Violation(Clause.SUBJECT_TYPE_ONCE, "subject_types")
    if terms.not_before >= terms.not_after:
        yield Violation(Clause.TERM_ORDER, "not_after")


def _policy_violations(terms: DraftTerms) -> Iterator[Violation]:
    is_later = terms.subject_types or terms.agreement or terms.renews or terms.version > 1
    if terms.policy_version == 1 and is_later:
        values = {"policy": "1", "current": str(POLICY_VERSION)}
        yield Violation(Clause.POLICY_VERSION, "policy_version", values)
    if terms.policy_version > 1 and not terms.subject_types:
        yield Violation(Clause.SUBJECT_TYPES, "subject_types")
    if terms.policy_version > 1 and terms.agreement is None:
        yield Violation(Clause.AGREEMENT, "agreement")


def violations(terms: Terms, use: Use) -> list[Violation]:
    """Give every clause that the use breaks, in the order of the terms; none means that it is allowed."""
    return list(_violations(terms, use))


def _violations(terms: Terms, use: Use) -> Iterator[Violation]:
    if use.consumer != terms.consumer:
        yield Violation(Clause.CONSUMER, "consumer", {"actor": use.consumer, "consumer": terms.consumer})
    grant = terms.grant_of(use.provider)
    if grant is None:
        yield Violation(Clause.GRANTS, "grants", {"provider": use.provider, "contract": terms.contract})
    else:
        yield from _grant_violations(grant, use, terms.grants.index(grant))
    if use.operation != terms.operation:
        yield Violation(Clause.OPERATION, "operation", {"asked": use.operation, "agreed": terms.operation})
    if use.purpose != terms.purpose:
        yield Violation(Clause.PURPOSE, "purpose", {"asked": use.purpose, "agreed": terms.purpose})
    if use.used + use.uses > terms.max_uses:
        left = str(terms.max_uses - use.used)
        values = {"asked": str(use.uses), "left": left, "agreed": str(terms.max_uses)}
        yield Violation(Clause.MAX_USES, "max_uses", values)
    if use.time < terms.not_before:
        yield Violation(Clause.NOT_BEFORE, "not_before")
    if use.time >= terms.not_after:
        yield Violation(Clause.NOT_AFTER, "not_after", {"contract": terms.contract})


def _grant_violations(grant: Grant, use: Use, number: int) -> Iterator[Violation]:
    if (use.product, use.product_version) != (grant.product, grant.product_version):
        asked, held = f"{use.product} {use.product_version}", f"{grant.product} {grant.product_version}"
        yield Violation(Clause.PRODUCT, f"grants.{number}.product", {"asked": asked, "granted": held})
    if beyond := sorted(use.fields - set(grant.fields)):
        values = {"fields": ", ".join(beyond), "product": grant.product}
        yield Violation(Clause.FIELDS, f"grants.{number}.fields", values)
