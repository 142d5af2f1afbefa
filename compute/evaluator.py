"""The evaluator of a contract's clauses on each occasion before a use; uses are in `compute.terms`, over the same.

    listing      is there anything in the product that nobody may ever be granted?
    application  form, parties, every grant against the catalog, the term, the agreement's digest
    contract     the same again, when it is signed; and an amendment against what it amends
    use          `compute.terms.violations`, at the provider

Each gives every clause that fails, not the first, so a dry run tells all at once; none means allowed. What the
catalog and the enrolment say comes in as `Facts`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog.delivery import Delivery
from catalog.grade import Grade, highest
from catalog.product import Product
from compute.agreement.documents import is_bound
from compute.clauses import Clause, Violation
from compute.records import ConsentKind, PartyKind, contract_name
from compute.terms import POLICY_VERSION, DraftTerms, Grant, SubjectType, form_violations

OPERATOR_FROM = Grade.GENERAL_4
"""From this grade on the operator approves, too: the state's rules ask for more than the department's word."""
CONSENT_OF: Mapping[SubjectType, ConsentKind] = {
    "enterprise": ConsentKind.ENTERPRISE_LETTER,
    "sole_trader": ConsentKind.SEPARATE_CONSENT,
    "person": ConsentKind.SEPARATE_CONSENT,
}
"""The form of consent that each kind of subject gives (PIPL articles 23 and 29)."""


@dataclass(frozen=True)
class Facts:
    """What the marketplace knows of those whom terms name, at one time."""

    listed: Mapping[tuple[str, str, str], Product]
    """The listed versions among those granted, by provider, product and version."""
    actor: str
    kind: PartyKind | None
    """The kind of the actor; None for an office."""
    may_consume: bool
    reviewer: PartyKind | None
    """The kind of the model reviewer named; None if there is none that takes part."""
    now: int
    """UTC, milliseconds since 1970-01-01."""


def listing_violations(product: Product) -> list[Violation]:
    """Give the clauses that no contract about the product could keep: core data is never granted."""
    if Grade.CORE in {product.grade, *(field.grade for field in product.fields)}:
        return [Violation(Clause.CORE_DATA, "grade", {"product": f"{product.id} {product.version}"})]
    return []


def application_violations(terms: DraftTerms, reference: str, facts: Facts) -> list[Violation]:
    """Give every clause that fails if these terms are applied for under the consumer's own reference."""
    return list(_application_violations(terms, reference, facts))


def _application_violations(terms: DraftTerms, reference: str, facts: Facts) -> Iterator[Violation]:
    if terms.consumer != facts.actor:
        yield Violation(Clause.CONSUMER, "consumer", {"actor": facts.actor, "consumer": terms.consumer})
    if not facts.may_consume:
        yield Violation(Clause.CONSUMER_KIND, "consumer", {"actor": facts.actor, "kind": str(facts.kind)})
    if terms.contract != contract_name(facts.actor, reference):
        values = {"contract": terms.contract, "reference": reference[:80]}
        yield Violation(Clause.CONTRACT_NAME, "contract", values)
    if terms.version != 1:
        yield Violation(Clause.VERSION, "version", {"version": str(terms.version), "right": "1"})
    yield from standing_violations(terms, facts)


def standing_violations(terms: DraftTerms, facts: Facts) -> Iterator[Violation]:
    """Give the clauses that have to hold at application, at signature and for an amendment alike."""
    if terms.policy_version != POLICY_VERSION:
        values = {"policy": str(terms.policy_version), "current": str(POLICY_VERSION)}
        yield Violation(Clause.POLICY_VERSION, "policy_version", values)
    yield from form_violations(terms)
    if terms.agreement is not None and not is_bound(terms):
        yield Violation(Clause.AGREEMENT, "agreement")
    for number, grant in enumerate(terms.grants):
        yield from grant_violations(grant, number, facts.listed.get(grant.key))
    if facts.reviewer is not PartyKind.MODEL_REVIEWER:
        yield Violation(Clause.MODEL_REVIEWER, "model_reviewer", {"reviewer": terms.model_reviewer})
    if facts.now >= terms.not_after:
        yield Violation(Clause.NOT_AFTER, "not_after", {"contract": terms.contract})


def grant_violations(grant: Grant, number: int, product: Product | None) -> Iterator[Violation]:
    """Give the clauses that one grant breaks; `product` is the listed version, None if there is none.

    The key names subjects and is never computed with, so it is none of the fields.
    """
    at = f"grants.{number}"
    if product is None:
        values = {"product": f"{grant.product} {grant.product_version}", "provider": grant.provider}
        yield Violation(Clause.PRODUCT_LISTED, f"{at}.product", values)
        return
    name = f"{product.id} {product.version}"
    if Delivery.ENCRYPTED not in product.delivery:
        yield Violation(Clause.DELIVERY, f"{at}.product", {"product": name})
    if unknown := sorted(set(grant.fields) - _grades(product).keys()):
        values = {"product": name, "fields": ", ".join(unknown)}
        yield Violation(Clause.FIELDS_DESCRIBED, f"{at}.fields", values)
    # The catalog lists no core data; asked again, because it must hold for every later way into the catalog.
    for violation in listing_violations(product):
        yield Violation(violation.clause, f"{at}.fields", violation.values)


def amendment_violations(new: DraftTerms, old: DraftTerms, facts: Facts, *, operator: bool) -> list[Violation]:
    """Give every clause that fails if `new` is to follow `old` as the contract's next version.

    `operator` says whether the operator approved the contract. What subjects consented to can only be narrowed:
    they were told the fields, the purpose, the kinds and the count.
    """
    return list(_amendment_violations(new, old, facts, operator=operator))


def _amendment_violations(
    new: DraftTerms, old: DraftTerms, facts: Facts, *, operator: bool
) -> Iterator[Violation]:
    if new.version != old.version + 1 or new.contract != old.contract:
        yield Violation(Clause.VERSION, "version", {"version": str(new.version), "right": str(old.version + 1)})
    if new.parties != old.parties or new.renews != old.renews:
        yield Violation(Clause.SAME_PARTIES, "grants")
    if new.operation != old.operation:
        yield Violation(Clause.OPERATION, "operation", {"asked": new.operation, "agreed": old.operation})
    if new.legal_basis == "consent":
        yield from _widened(new, old)
    yield from standing_violations(new, facts)
    if needs_operator(new, facts.listed) and not operator:
        yield Violation(Clause.OPERATOR_PART, "grants")


def _widened(new: DraftTerms, old: DraftTerms) -> Iterator[Violation]:
    def widened(member: str, field: str) -> Violation:
        return Violation(Clause.SAME_CONSENT, field, {"what": member})

    if new.purpose != old.purpose:
        yield widened("purpose", "purpose")
    if set(new.subject_types) - set(old.subject_types) and old.subject_types:
        yield widened("subject_types", "subject_types")
    if new.max_uses > old.max_uses:
        yield widened("max_uses", "max_uses")
    for number, grant in enumerate(new.grants):
        before = old.grant_of(grant.provider)
        if before is not None and (grant.product != before.product or set(grant.fields) - set(before.fields)):
            yield widened("fields", f"grants.{number}.fields")


def consent_violations(terms: DraftTerms, kind: ConsentKind) -> list[Violation]:
    """Give the clause that a batch of consents of this kind breaks: the form that no kind of subject gives."""
    forms = {CONSENT_OF[each] for each in terms.subject_types}
    if terms.subject_types and kind not in forms:
        return [Violation(Clause.CONSENT_FORM, "subject_types", {"form": kind.value})]
    return []


def needs_operator(terms: DraftTerms, listed: Mapping[tuple[str, str, str], Product]) -> bool:
    """Whether the operator has a part: a product, or a field asked for, is of grade general 4 or above."""
    found = [(grant, listed[grant.key]) for grant in terms.grants if grant.key in listed]
    grades = [highest([product.grade, *_asked(grant, product)]) for grant, product in found]
    return any(grade >= OPERATOR_FROM for grade in grades)


def _asked(grant: Grant, product: Product) -> list[Grade]:
    grades = _grades(product)
    return [grades[field] for field in grant.fields if field in grades]


def _grades(product: Product) -> dict[str, Grade]:
    return {field.name: field.grade for field in product.fields if field is not product.key}
