from typing import get_args

import pytest

from audit.entry import EntryKind
from audit.tracing.chain import LinkName
from audit.tracing.findings import DISPOSITIONS, TAGS
from catalog.errors import VocabularyError
from catalog.field import FieldType
from catalog.grade import Grade
from catalog.product import Delivery, ProductKind
from catalog.vocabulary import Language, identifiers, label
from compute.disclosure.suppression import Reason
from compute.protocols.risk_score.case_states import ModelCaseState, RefusalCode
from compute.protocols.risk_score.comparison import Change
from compute.terms import AlignmentBasis

ENUMS = {
    "grade": [*Grade],
    "product_kind": [*ProductKind],
    "delivery": [*Delivery],
    "field_type": [*FieldType],
    "entry_kind": [*EntryKind],
    "tag": TAGS,
    "disposition": DISPOSITIONS,
    "link_name": [*LinkName],
    "model_case_state": [*ModelCaseState],
    "refusal_code": [*RefusalCode],
    "change": [*Change],
    "alignment_basis": get_args(AlignmentBasis),
    "suppression": [*Reason],
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
    with pytest.raises(VocabularyError, match=f"there are {', '.join(ENUMS)}$"):
        identifiers("colour")


def test_a_label_is_in_the_language_asked_for() -> None:
    assert label("grade", Grade.IMPORTANT, "zh") == "重要数据"
    assert label("grade", Grade.IMPORTANT, "en") == "Important data"


def test_an_unknown_identifier_is_refused() -> None:
    with pytest.raises(VocabularyError, match="it has encrypted, aggregate, api, file"):
        label("delivery", "fax", "en")
