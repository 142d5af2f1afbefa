"""The bank's store of label sets: what is kept, what is sealed, and what an altered file gives."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from node.conftest import AT_REST, Engines
from sqlalchemy import text
from world import NOW, SUBJECTS

from compute.node.bank.label_sets import LabelSetStore
from compute.node.console.statistics_messages import LabelRegistration
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.messages import HiddenCohort, LabelStatement
from compute.signing import Signed, digest, sign

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PARTS = (b"first part" * 60, b"second part" * 60)
PLACE = ("loans-2026", "loans")


def asked(**changes: Any) -> LabelRegistration:
    members = {
        "reference": "r",
        "contract": PLACE[0],
        "name": PLACE[1],
        "providers": ("tax",),
        "classes": ("paid-in-full", "charged-off"),
        "subjects": tuple(SUBJECTS[:4]),
        "labels": (1, 2, 1, 1),
    }
    return LabelRegistration(**(members | changes))


def statement(nonce: int = 1) -> Signed[LabelStatement]:
    content = LabelStatement(
        suite="intl",
        bank="bank",
        contract=PLACE[0],
        n=b"\xff" * 256,
        cohort=HiddenCohort(frame="f" * 64, rows=20_000),
        alphabet=Alphabet(classes=2, width=64, with_zero=True),
        parts=tuple(hashlib.sha256(part).digest() for part in PARTS),
        issued_at=NOW,
        nonce=nonce.to_bytes(32, "big"),
    )
    return sign(content, "bank", KEY)


def store(engines: Engines) -> LabelSetStore:
    return LabelSetStore(engines[0], AT_REST)


def test_a_set_is_kept_with_its_vectors_and_how_far_they_are(engines: Engines) -> None:
    kept = store(engines)
    assert kept.begin(asked(), NOW)
    assert kept.begin(asked(reference="other", providers=("land", "tax")), NOW + 1)
    kept.put_vector(PLACE, ["land", "tax"], statement(), PARTS)
    kept.note_registered(PLACE, "tax", 1)
    (found,) = LabelSetStore(engines[1], AT_REST).all()
    assert (found.name, found.classes, found.subjects, found.at) == ("loans", asked().classes, 4, NOW)
    assert [(each.provider, each.registered, each.parts) for each in found.vectors] == [
        ("land", 0, 2),
        ("tax", 1, 2),
    ]
    assert found.vectors[0].vector == digest(statement().statement)
    kept.note_registered(PLACE, "tax", 2)
    tax = store(engines).find(*PLACE)
    assert tax is not None
    held = tax.at_provider("tax")
    assert held is not None
    assert held.is_complete
    kept.forget_vector(PLACE, "tax")
    left = kept.find(*PLACE)
    assert left is not None
    assert left.at_provider("tax") is None
    assert kept.find(PLACE[0], "others") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": (2, 2, 1, 1)},
        {"classes": ("charged-off", "paid-in-full")},
        {"subjects": tuple(SUBJECTS[1:5])},
        {"legal_basis": "contract", "declared_rows": {"tax": 9}},
        {"width": 32},
    ],
)
def test_a_name_is_one_set_of_labels_under_a_contract(engines: Engines, changes: dict[str, Any]) -> None:
    kept = store(engines)
    kept.begin(asked(), NOW)
    assert kept.is_other(asked(**changes))
    assert not kept.begin(asked(**changes), NOW)
    assert kept.begin(asked(contract="loans-2027", **changes), NOW)
    assert not kept.is_other(asked())


def test_ciphertexts_are_kept_until_the_set_is_complete_and_no_altered_one_is_given(engines: Engines) -> None:
    kept = store(engines)
    kept.begin(asked(), NOW)
    kept.put_vector(PLACE, ["tax"], statement(), PARTS)
    assert kept.ciphertexts(statement(2).statement) == PARTS  # signed anew they are the same
    with engines[0].begin() as connection:
        swapped = "UPDATE label_ciphertexts SET ciphertexts = (SELECT max(ciphertexts) FROM label_ciphertexts)"
        connection.execute(text(swapped))
    assert kept.ciphertexts(statement().statement) is None
    kept.put_vector(("loans-2026", "others"), ["tax"], statement(3), PARTS)
    kept.forget_ciphertexts(PLACE)
    assert kept.ciphertexts(statement().statement) is None


def test_no_name_of_a_class_and_no_label_is_in_the_file(engines: Engines, tmp_path: Path) -> None:
    kept = store(engines)
    kept.begin(asked(), NOW)
    kept.put_vector(PLACE, ["tax"], statement(), PARTS)
    for engine in engines:
        engine.dispose()
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"loans-2026" in data
    for secret in ("paid-in-full", "charged-off", *SUBJECTS[:4]):
        assert secret.encode() not in data
