import re
from typing import get_args

import pytest

from audit.entry import EntryKind
from audit.tracing.chain import LinkName
from audit.tracing.findings import DISPOSITIONS, TAGS
from catalog.delivery import Delivery, Lock
from catalog.derivation import Method
from catalog.errors import VocabularyError
from catalog.field import FieldType
from catalog.grade import Grade
from catalog.kind import FileType, ProductKind
from catalog.price import Plan
from catalog.sample import Origin
from catalog.theme import Refresh, Theme
from catalog.vocabulary import Language, identifiers, label
from compute.clauses import Clause
from compute.disclosure.suppression import Reason
from compute.market.contracts import Kept
from compute.market.demands import CloseReason
from compute.market.interventions import InterventionReason
from compute.market.organisations import ReviewReason as OrganisationReview
from compute.market.organisations import SuspensionReason
from compute.market.prices import FreeReason
from compute.market.products import Conclusion, Outcome, Review, ReviewReason, StopReason
from compute.market.reasons import Reason as FlowReason
from compute.market.statements import ChargeReason, DisputeReason, Item
from compute.protocols.risk_score.case_states import ModelCaseState, RefusalCode
from compute.protocols.risk_score.comparison import Change
from compute.records import Capacity, ConsentStanding, DisputeMatter, IdentityMethod, PartyKind, SubjectType
from compute.terms import AlignmentBasis, LegalBasis, Operation, Purpose
from marketplace.commands import approvals, closing, interventions
from marketplace.flow.consent_states import DISPUTE, ConsentRequestState, DisputeState
from marketplace.flow.document import MACHINES
from marketplace.flow.intervention import InterventionMatter, InterventionState
from marketplace.flow.market_states import DemandState, MandateState, PriceState, StatementState
from marketplace.flow.member import MemberState
from marketplace.flow.notice import Topic
from marketplace.flow.office import Matter
from marketplace.flow.office_states import ApprovalMove, ApprovalState
from marketplace.flow.states import (
    AmendmentState,
    ApplicationState,
    ContractState,
    Move,
    OrganisationState,
    PermitState,
    ProductState,
    ResourceState,
)

GAPS = (  # tests/catalog/test_gate.py meets each of them
    "theme",
    "summary",
    "publisher",
    "contact",
    "coverage",
    "refresh",
    "history_months",
    "quality",
    "completeness",
    "uniqueness",
    "sample",
    "lineage",
    "price",
    "operations",
    "report",
    "algorithm",
    "service",
    "delivery_grade",
    "delivery_kind",
    "delivery_not_enforced",
    "unit",
    "sensitive_grade",
    "no_grid",
    "derivation_reason",
    # tests/marketplace/test_market_products.py these
    "lineage_unknown",
    "lineage_invalid",
    "source_unknown",
    "source_grade",
    "source_stopped",
    "assessment",
)
WAITED_FOR = (closing.NOUN, "statement", DISPUTE.noun, interventions.NOUN, approvals.NOUN)
HEADINGS = (
    *("title", "identity", "parties", "data", "subjects", "purpose", "basis", "operation", "count", "term"),
    *("limits", "end"),
)
SENTENCES = (
    *("identity", "renews", "parties", "grant", "types_unnamed", "subjects", "each_consents", "separate_consent"),
    *("purpose", "basis", "operation", "count", "term", "limits", "no_onward", "end", "destruction", "amendment"),
)
ENUMS = {
    "grade": [*Grade],
    "product_kind": [*ProductKind],
    "delivery": [*Delivery],
    "field_type": [*FieldType],
    "theme": [*Theme],
    "refresh": [*Refresh],
    "plan": [*Plan],
    "origin": [*Origin],
    "method": [*Method],
    "file_type": [*FileType],
    "lock": [*Lock],
    "grading_rule": ["field", "sensitive", "source"],
    "gap": [*GAPS],
    "review": [*Review],
    "review_outcome": [*Outcome],
    "review_reason": [*ReviewReason],
    "stop_reason": [*StopReason],
    "assessment_conclusion": [*Conclusion],
    "product_state": [*ProductState],
    "resource_state": [*ResourceState],
    "entry_kind": [*EntryKind],
    "tag": TAGS,
    "disposition": DISPOSITIONS,
    "link_name": [*LinkName],
    "model_case_state": [*ModelCaseState],
    "refusal_code": [*RefusalCode],
    "change": [*Change],
    "alignment_basis": get_args(AlignmentBasis),
    "suppression": [*Reason],
    "purpose": get_args(Purpose),
    "subject_type": [*SubjectType],
    "capacity": [*Capacity],
    "identity_method": [*IdentityMethod],
    "consent_request_state": [*ConsentRequestState],
    "consent_standing": [*ConsentStanding],
    "dispute_matter": [*DisputeMatter],
    "dispute_state": [*DisputeState],
    "topic": [*Topic],
    "operation": get_args(Operation),
    "legal_basis": get_args(LegalBasis),
    "clause": [*Clause],
    "agreement_heading": HEADINGS,
    "agreement_sentence": SENTENCES,
    "reason": [*FlowReason],
    "application_state": [*ApplicationState],
    "contract_state": [*ContractState],
    "amendment_state": [*AmendmentState],
    "permit_state": [*PermitState],
    "matter": [*Matter],
    "approval_state": [*ApprovalState],
    "approval_move": [*ApprovalMove],
    "free_reason": [*FreeReason],
    "charge_reason": [*ChargeReason],
    "dispute_reason": [*DisputeReason],
    "price_state": [*PriceState],
    "mandate_state": [*MandateState],
    "statement_state": [*StatementState],
    "item": get_args(Item),
    "demand_state": [*DemandState],
    "close_reason": [*CloseReason],
    "intervention_matter": [*InterventionMatter],
    "intervention_state": [*InterventionState],
    "intervention_reason": get_args(InterventionReason),
    "party_kind": [*PartyKind],
    "organisation_state": [*OrganisationState],
    "organisation_reason": [*get_args(OrganisationReview), *get_args(SuspensionReason)],
    "member_state": [*MemberState],
    "flow_noun": [*(machine.noun for machine in MACHINES), *WAITED_FOR],
    "move": [*Move],
    "kept": [*Kept],
}


@pytest.mark.parametrize("vocabulary", ENUMS)
def test_code_and_labels_have_the_same_identifiers(vocabulary: str) -> None:
    assert list(identifiers(vocabulary)) == [str(member) for member in ENUMS[vocabulary]]


@pytest.mark.parametrize("vocabulary", ENUMS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_labels_tell_identifiers_apart(vocabulary: str, language: Language) -> None:
    labels = [label(vocabulary, identifier, language) for identifier in identifiers(vocabulary)]
    assert len(set(labels)) == len(labels)


def test_there_is_no_other_vocabulary() -> None:
    with pytest.raises(VocabularyError) as raised:
        identifiers("colour")
    assert {*str(raised.value).rpartition("there are ")[2].split(", ")} == {*ENUMS}


def test_a_label_is_in_the_language_asked_for() -> None:
    assert label("grade", Grade.IMPORTANT, "zh") == "重要数据"
    assert label("grade", Grade.IMPORTANT, "en") == "Important data"


def test_an_unknown_identifier_is_refused() -> None:
    with pytest.raises(VocabularyError, match="it has encrypted, aggregate, api, file"):
        label("delivery", "fax", "en")


@pytest.mark.parametrize("vocabulary", ["clause", "agreement_sentence"])
def test_both_languages_say_the_same_values(vocabulary: str) -> None:
    places = re.compile(r"{\w+}")
    for identifier, text in identifiers(vocabulary).items():
        assert set(places.findall(text.zh)) == set(places.findall(text.en)), identifier
