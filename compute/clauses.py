"""The clauses of a contract's terms, each by a name that never changes, and how one is said to be broken.

What a reader sees of a clause is in `config/vocabulary.toml`, `[clause]`, in both languages with the same places
for values. Every decision about terms names clauses by these, so none is told in other words than the next.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from catalog.vocabulary import Language, label


class Clause(StrEnum):
    """What can be broken, in the order of the terms."""

    CONTRACT_NAME = "contract_name"
    REFERENCE = "reference"
    POLICY_VERSION = "policy_version"
    AGREEMENT = "agreement"
    CONSUMER = "consumer"
    CONSUMER_KIND = "consumer_kind"
    GRANTS = "grants"
    PROVIDER_ONCE = "provider_once"
    PRODUCT = "product"
    PRODUCT_LISTED = "product_listed"
    DELIVERY = "delivery"
    FIELDS = "fields"
    FIELD_ONCE = "field_once"
    FIELDS_DESCRIBED = "fields_described"
    CORE_DATA = "core_data"
    OPERATION = "operation"
    PURPOSE = "purpose"
    LEGAL_BASIS = "legal_basis"
    SUBJECT_TYPES = "subject_types"
    SUBJECT_TYPE_ONCE = "subject_type_once"
    CONSENT_FORM = "consent_form"
    MODEL_REVIEWER = "model_reviewer"
    MAX_USES = "max_uses"
    TERM_ORDER = "term_order"
    NOT_BEFORE = "not_before"
    NOT_AFTER = "not_after"
    VERSION = "version"
    SAME_PARTIES = "same_parties"
    SAME_CONSENT = "same_consent"
    OPERATOR_PART = "operator_part"
    RENEWS = "renews"


@dataclass(frozen=True)
class Violation:
    """A clause that is broken: where in the terms, and by what."""

    clause: Clause
    field: str
    """The path of the member in the terms, such as `grants.0.fields`."""
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What stands in the places of the clause's text."""

    @property
    def reason(self) -> str:
        """What is wrong, in English: for errors, which are English."""
        return self.text("en")

    def text(self, language: Language) -> str:
        """Give what is wrong in the language."""
        return label("clause", self.clause, language).format_map(self.values)
