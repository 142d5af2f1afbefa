"""Finds what a log says about a contract, an organisation, a product, a field, a model, a job or a result.

A product, a field and a model are named by the provider's halves of a use and not by the consumer's, so a use that
fits is selected whole. Several criteria are all to be met. What is selected is only as good as the entries: they
come verified.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from audit.entry import Entry, EntryKind
from audit.tracing.uses import Entries, Indexed, Use, uses

_OF_PRODUCTS = frozenset(
    {
        EntryKind.PRODUCT_SUBMITTED,
        EntryKind.PRODUCT_REVIEWED,
        EntryKind.PRODUCT_RETURNED,
        EntryKind.PRODUCT_REJECTED,
        EntryKind.PRODUCT_PUBLISHED,
        EntryKind.PRODUCT_SUSPENDED,
        EntryKind.PRODUCT_REINSTATED,
        EntryKind.PRODUCT_DELISTED,
        EntryKind.PERMIT_ISSUED,
    }
)
_OF_MODELS = frozenset({EntryKind.MODEL_APPROVED, EntryKind.MODEL_REGISTERED, EntryKind.MODEL_WITHDRAWN})


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What is looked for; None asks for nothing."""

    contract: str | None = None
    organisation: str | None = None  # that reports, or is on the other side
    product: str | None = None
    version: str | None = None  # of the product
    field: str | None = None
    model: str | None = None  # SHA-256 of the model's approval, in hex
    job: str | None = None  # SHA-256, in hex
    result: str | None = None  # SHA-256 of the answer, in hex
    jobs: Collection[str] | None = None  # those that a subject is part of: `audit.subjects` proves which

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return all(value is None for value in vars(self).values())


def select(entries: Entries, criteria: Criteria) -> list[Indexed]:
    """The entries that meet the criteria, in the order of the log; `entries` is read twice."""
    wanted = {index for use in uses(entries) if _fits_use(use, criteria) for index, _ in use.entries}
    return [(index, entry) for index, entry in entries if index in wanted or _fits(entry, criteria)]


def select_uses(entries: Entries, criteria: Criteria) -> list[Use]:
    """The uses that meet the criteria, in the order in which the log first speaks of them."""
    return [use for use in uses(entries) if _fits_use(use, criteria)]


def entries_of(contract: str, entries: Iterable[Indexed]) -> Iterator[Indexed]:
    """Give the entries about a contract, with their indices."""
    return ((index, entry) for index, entry in entries if entry.contract == contract)


def unacknowledged(entries: Sequence[Indexed]) -> list[Indexed]:
    """The answers sent, with their indices, of which the consumer has not recorded that very answer.

    Only the consumer's own word counts: that the provider has heard of a receipt is the provider's.
    """
    sent = [
        (use, use.halves[EntryKind.ANSWER_SENT]) for use in uses(entries) if EntryKind.ANSWER_SENT in use.halves
    ]
    return [
        each for use, each in sent if EntryKind.ANSWER_RECEIVED in use.missing or "answer" in use.contradictions
    ]


def _fits_use(use: Use, criteria: Criteria) -> bool:
    answers = {entry.detail.get("answer") for _, entry in use.halves.values()}
    return (
        criteria.contract in {None, use.contract}
        and criteria.organisation in {None, use.consumer, use.provider}
        and criteria.product in {None, use.detail.get("product")}
        and criteria.version in {None, use.detail.get("product_version")}
        and (criteria.field is None or criteria.field in use.fields)
        and criteria.model in {None, use.detail.get("approval")}
        and criteria.job in {None, use.job}
        and (criteria.result is None or criteria.result in answers)
        and (criteria.jobs is None or use.job in criteria.jobs)
    )


def _fits(entry: Entry, criteria: Criteria) -> bool:
    """Whether an entry meets the criteria by itself."""
    detail = entry.detail
    is_of_product = entry.kind in _OF_PRODUCTS
    fields = detail.get("fields", ())
    return (
        criteria.contract in {None, entry.contract}
        and criteria.organisation in {None, entry.node, entry.counterparty}
        and (criteria.product is None or (is_of_product and detail.get("product") == criteria.product))
        and (criteria.version is None or (is_of_product and detail.get("product_version") == criteria.version))
        and (criteria.field is None or (is_of_product and isinstance(fields, tuple) and criteria.field in fields))
        and (criteria.model is None or (entry.kind in _OF_MODELS and detail.get("approval") == criteria.model))
        and criteria.job in {None, entry.job}
        and (criteria.result is None or detail.get("answer") == criteria.result)
        and (criteria.jobs is None or entry.job in criteria.jobs)
    )
