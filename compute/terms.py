"""A contract's terms (用数合约的机读条款) and the one evaluator of whether a use keeps within them.

The parties sign the terms; the marketplace decides with this evaluator at application and contract, every provider
node at every use. Local policy may only narrow what it allows.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from compute.canonical import Message, Milliseconds, Name, Version

MAX_USES = 100_000_000

Operation = Literal["risk_score", "joint_statistics"]
Purpose = Literal["credit_approval", "credit_monitoring", "prescreening", "model_development"]
LegalBasis = Literal["consent", "anonymised_statistics"]
"""Anonymised information is not personal information (PIPL art. 4); disclosure control makes it so."""
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


class Terms(Message, frozen=True):
    """The machine part of a contract between a consumer and one or more providers."""

    contract: Name
    policy_version: Annotated[int, Meta(ge=1, le=1)]
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

    def __post_init__(self) -> None:
        providers = [grant.provider for grant in self.grants]
        if len(set(providers)) < len(providers):
            raise ValueError("a provider stands in the grants more than once; write one grant for each")
        for grant in self.grants:
            if len(set(grant.fields)) < len(grant.fields):
                raise ValueError(f"a field of {grant.product} is granted more than once; name each field once")
        if self.legal_basis != BASIS_OF[self.operation]:
            basis = BASIS_OF[self.operation]
            raise ValueError(f"the legal basis of {self.operation} is {basis}, not {self.legal_basis}; correct it")
        if self.not_before >= self.not_after:
            raise ValueError("the term ends before it begins; choose a later end")

    @property
    def parties(self) -> tuple[str, ...]:
        """Everybody whose signature the contract needs: the consumer, then the providers."""
        return (self.consumer, *(grant.provider for grant in self.grants))


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


@dataclass(frozen=True)
class Violation:
    """A clause of the terms that a use would break, and how."""

    clause: str
    reason: str


def violations(terms: Terms, use: Use) -> list[Violation]:
    """Give every clause that the use breaks, in the order of the terms; none means that it is allowed."""
    found = []
    if use.consumer != terms.consumer:
        found.append(Violation("consumer", f"{use.consumer} is not the consumer of {terms.contract}"))
    grant = next((grant for grant in terms.grants if grant.provider == use.provider), None)
    if grant is None:
        found.append(Violation("grants", f"{use.provider} grants nothing under {terms.contract}"))
    else:
        found += _grant_violations(grant, use)
    if use.operation != terms.operation:
        found.append(Violation("operation", f"{use.operation} is not {terms.operation}"))
    if use.purpose != terms.purpose:
        found.append(Violation("purpose", f"{use.purpose} is not {terms.purpose}"))
    if use.used + use.uses > terms.max_uses:
        left = terms.max_uses - use.used
        found.append(Violation("max_uses", f"{use.uses} uses asked, {left} of {terms.max_uses} left"))
    if use.time < terms.not_before:
        found.append(Violation("not_before", "the term has not begun"))
    if use.time >= terms.not_after:
        found.append(Violation("not_after", "the term has ended"))
    return found


def _grant_violations(grant: Grant, use: Use) -> list[Violation]:
    found = []
    if (use.product, use.product_version) != (grant.product, grant.product_version):
        held = f"{grant.product} {grant.product_version}"
        found.append(Violation("product", f"{use.product} {use.product_version} is not the granted {held}"))
    beyond = sorted(use.fields - set(grant.fields))
    if beyond:
        found.append(Violation("fields", f"{', '.join(beyond)} of {grant.product} not granted"))
    return found
