"""Registering label vectors: each numbered check by what breaks it; eight vectors a contract, refused ones too."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import engine
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from label_vectors import GOOD_BAD, claim_of, prove_by_the_letter
from well_formed import ring_pedersen

from compute.canonical import HOUR, FormatError, decode, encode
from compute.paillier.private import PrivateKey
from compute.paillier.runner import HERE
from compute.protocols.base import Accepted, RefusalError
from compute.protocols.key_enrolment.bank import enrolment
from compute.protocols.key_enrolment.messages import KeyStatement
from compute.protocols.key_enrolment.numbers import ProofError
from compute.protocols.label_vector import bank as bank_side
from compute.protocols.label_vector import messages
from compute.protocols.label_vector.alphabet import Alphabet
from compute.protocols.label_vector.bank import Labels, LabelVector, label_vector, registration
from compute.protocols.label_vector.messages import (
    MAX_PARTS,
    MAX_VECTORS,
    DisclosedCohort,
    HiddenCohort,
    LabelStatement,
    RegisterLabels,
)
from compute.protocols.label_vector.provider import KeptVector, Registrar
from compute.signing import Pin, Signed, digest, sign

RUNNER = replace(HERE, costs=engine.small)
IDENTITY = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
PINS = {
    "bank": Pin("consumer", IDENTITY.public_key().public_bytes_raw()),
    "other": Pin("consumer", OTHER.public_key().public_bytes_raw()),
    "registry": Pin("provider", OTHER.public_key().public_bytes_raw()),
}
NOW = 10**12
FRAME, ALIGNMENT = "f" * 64, b"a" * 32
CLASSES = [0, 1, 2, 0, 2]
HIDDEN = HiddenCohort(frame=FRAME, rows=len(CLASSES))
DISCLOSED = DisclosedCohort(alignment=ALIGNMENT, rows=3)
ONE_OR_TWO = Alphabet(classes=2, width=64, with_zero=False)


@dataclass
class Vectors:
    """The store, in memory."""

    kept: dict[bytes, KeptVector] = field(default_factory=dict)
    parts: dict[tuple[bytes, int], tuple[bytes, int]] = field(default_factory=dict)

    def find(self, vector: bytes) -> KeptVector | None:
        kept = self.kept.get(vector)
        return kept and replace(kept, parts=tuple(sorted(part for name, part in self.parts if name == vector)))

    def open(self, statement: Signed[LabelStatement], now: int, most: int) -> bool:
        vector, contract = digest(statement.statement), statement.statement.contract
        others = [each for each in self.kept.values() if each.statement.statement.contract == contract]
        if vector not in self.kept and len(others) >= most:
            return False
        self.kept.setdefault(vector, KeptVector(statement, now, None, ()))
        return True

    def registered(self, vector: bytes, part: int) -> int | None:
        return self.parts[vector, part][1] if (vector, part) in self.parts else None

    def register(self, vector: bytes, part: int, ciphertexts: bytes, now: int) -> int | None:
        if self.kept[vector].refused_at is not None:
            return None
        return self.parts.setdefault((vector, part), (ciphertexts, now))[1]

    def refuse(self, vector: bytes, now: int) -> None:
        self.kept[vector] = replace(self.kept[vector], refused_at=now)
        self.parts = {name: part for name, part in self.parts.items() if name[0] != vector}


@dataclass
class Office:
    """A provider with everything that it knows beyond the role."""

    key: PrivateKey
    hidden_allowed: bool = True
    disclosed_allowed: bool = True
    contracts: tuple[str, ...] = ("contract-1", "contract-2")
    now: int = NOW
    vectors: Vectors = field(default_factory=Vectors)

    def enrolment(self, bank: str) -> tuple[Signed[KeyStatement], int] | None:
        if bank != "bank":
            return None
        return enrolment(
            "bank", IDENTITY, self.key, "registry", ring_pedersen("registry").parameters, 1
        ).statement, 1

    def frame_rows(self, frame: str) -> int | None:
        return {FRAME: len(CLASSES)}.get(frame)

    def aligned_rows(self, bank: str, contract: str, alignment: bytes) -> int | None:
        return {("bank", "contract-1", ALIGNMENT): 3}.get((bank, contract, alignment))

    def admit_contract(self, statement: LabelStatement) -> None:
        if statement.contract not in self.contracts:
            raise RefusalError(2, "no such contract", "sign one")

    @property
    def registrar(self) -> Registrar:
        return Registrar("registry", PINS, self, self, self.vectors, self.admit_contract, lambda: self.now)

    def register(self, message: RegisterLabels) -> Accepted:
        return self.registrar.register(message, RUNNER)

    def refusal(self, message: RegisterLabels) -> RefusalError:
        with pytest.raises(RefusalError) as caught:
            self.register(message)
        return caught.value


@pytest.fixture
def office(key: PrivateKey) -> Office:
    return Office(key)


@pytest.fixture(scope="module")
def vector(key: PrivateKey) -> LabelVector:
    return made(key)


@pytest.fixture(scope="module")
def message(key: PrivateKey, vector: LabelVector) -> RegisterLabels:
    return registration(key, vector, 0, RUNNER)


def made(
    key: PrivateKey, contract: str = "contract-1", labels: Labels | None = None, now: int = NOW
) -> LabelVector:
    chosen = labels or Labels(HIDDEN, GOOD_BAD, CLASSES)
    return label_vector(key, IDENTITY, "bank", contract, chosen, now, RUNNER)


def resigned(message: RegisterLabels, **changes: object) -> RegisterLabels:
    """The statement with these members, signed by the bank, true or not."""
    statement = msgspec.structs.replace(message.statement.statement, **changes)
    return msgspec.structs.replace(message, statement=sign(statement, statement.bank, IDENTITY))


def proven_anew(key: PrivateKey, message: RegisterLabels) -> RegisterLabels:
    """The message with a proof for its present statement."""
    vector = LabelVector(message.statement, (message.ciphertexts,), CLASSES)
    return registration(key, vector, 0, RUNNER)


# --- what is taken ------------------------------------------------------------------------------------------


def test_a_proven_vector_is_registered_and_complete(
    office: Office, vector: LabelVector, message: RegisterLabels, key: PrivateKey
) -> None:
    assert office.registrar.admit(message) is None
    assert office.register(decode(encode(message), RegisterLabels)) == Accepted(party="registry", at=NOW)
    kept = office.vectors.find(vector.name)
    assert kept is not None
    assert kept.complete
    assert kept.statement == vector.statement
    ciphertexts, _ = office.vectors.parts[vector.name, 0]
    size, values = key.public.ciphertext_bytes, GOOD_BAD.values
    numbers = [int.from_bytes(ciphertexts[at : at + size]) for at in range(0, len(ciphertexts), size)]
    assert [key.decrypt(number) for number in numbers] == [values[label] for label in CLASSES]


def test_the_same_part_again_changes_nothing(office: Office, message: RegisterLabels, key: PrivateKey) -> None:
    office.register(message)
    office.now += 2 * HOUR  # the statement is old by now
    again = proven_anew(key, message)
    assert again != message
    for each in (message, again):
        assert office.registrar.admit(each) == office.register(each) == Accepted(party="registry", at=NOW)
    assert len(office.vectors.kept) == len(office.vectors.parts) == 1


def test_a_vector_of_three_parts_is_complete_once_each_is_there(
    office: Office, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (messages, bank_side):
        monkeypatch.setattr(module, "PART_ROWS", 2)
    vector = made(key)
    assert [len(part) // key.public.ciphertext_bytes for part in vector.parts] == [2, 2, 1]
    parts = [registration(key, vector, part, RUNNER) for part in range(3)]
    for part in (2, 0):
        office.register(parts[part])
        kept = office.vectors.find(vector.name)
        assert kept is not None
        assert not kept.complete
    office.now += 2 * HOUR  # a long vector takes its time
    office.register(parts[1])
    kept = office.vectors.find(vector.name)
    assert kept is not None
    assert kept.complete
    assert len(office.vectors.kept) == 1


def test_a_proof_of_one_part_is_none_of_another(
    office: Office, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (messages, bank_side):
        monkeypatch.setattr(module, "PART_ROWS", 2)
    vector = made(key, labels=Labels(HIDDEN, GOOD_BAD, CLASSES))
    first, second = (registration(key, vector, part, RUNNER) for part in range(2))
    assert office.refusal(msgspec.structs.replace(second, proof=first.proof)).check == 9


def test_a_disclosed_cohort_is_registered(office: Office, key: PrivateKey) -> None:
    vector = made(key, labels=Labels(DISCLOSED, ONE_OR_TWO, [1, 2, 1]))
    office.register(registration(key, vector, 0, RUNNER))
    kept = office.vectors.find(vector.name)
    assert kept is not None
    assert kept.complete


def test_a_provider_hears_no_class_and_a_representation_shows_none(vector: LabelVector) -> None:
    assert str(CLASSES) not in repr(vector)
    assert "classes=[" not in repr(Labels(HIDDEN, GOOD_BAD, CLASSES))
    fields = set(LabelStatement.__struct_fields__) | set(RegisterLabels.__struct_fields__)
    assert not fields & {"classes", "labels", "names"}


# --- the checks, by number ------------------------------------------------------------------------------------


def test_1_a_statement_signed_by_another(office: Office, message: RegisterLabels) -> None:
    statement = message.statement.statement
    forged = msgspec.structs.replace(message, statement=sign(statement, "bank", OTHER))
    assert office.refusal(forged).check == 1
    stranger = sign(msgspec.structs.replace(statement, bank="nobody"), "nobody", OTHER)
    assert office.refusal(msgspec.structs.replace(message, statement=stranger)).check == 1
    provider = sign(msgspec.structs.replace(statement, bank="registry"), "registry", OTHER)
    assert office.refusal(msgspec.structs.replace(message, statement=provider)).check == 1
    assert office.vectors.kept == {}


def test_2_a_contract_that_does_not_stand(office: Office, message: RegisterLabels) -> None:
    assert office.refusal(resigned(message, contract="contract-9")).check == 2
    office.contracts = ()
    assert office.refusal(message).check == 2
    assert office.vectors.kept == {}


def test_3_a_key_that_is_not_the_enrolled_one(office: Office, message: RegisterLabels) -> None:
    n = int.from_bytes(message.statement.statement.n) + 2
    refused = office.refusal(resigned(message, n=n.to_bytes(256, "big")))
    assert (refused.check, refused.remedy) == (3, "enrol the key first")
    other = sign(msgspec.structs.replace(message.statement.statement, bank="other"), "other", OTHER)
    assert office.refusal(msgspec.structs.replace(message, statement=other)).check == 3
    assert office.vectors.kept == {}


def test_4_an_alphabet_that_the_key_or_the_cohort_does_not_allow(office: Office, message: RegisterLabels) -> None:
    for alphabet, reason in (
        (Alphabet(classes=16, width=64, with_zero=True), "labels of 961 bits"),
        (Alphabet(classes=8, width=64, with_zero=True), "labels of 449 bits"),
        (ONE_OR_TWO, "has a zero for hidden cohorts"),
    ):
        refused = office.refusal(resigned(message, alphabet=alphabet))
        assert refused.check == 4
        assert reason in refused.reason
    disclosed = resigned(message, cohort=DISCLOSED)
    assert office.refusal(disclosed).check == 4
    assert office.vectors.kept == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cohort": HiddenCohort(frame="0" * 64, rows=5)}, "hidden cohort is not known"),
        ({"cohort": HiddenCohort(frame=FRAME, rows=6)}, "has 5 rows, not 6"),
        (
            {"cohort": DisclosedCohort(alignment=bytes(32), rows=3), "alphabet": ONE_OR_TWO},
            "disclosed cohort is not",
        ),
        ({"cohort": DisclosedCohort(alignment=ALIGNMENT, rows=4), "alphabet": ONE_OR_TWO}, "has 3 rows, not 4"),
        ({"cohort": DISCLOSED, "alphabet": ONE_OR_TWO, "contract": "contract-2"}, "disclosed cohort is not known"),
        ({"cohort": HiddenCohort(frame=FRAME, rows=20_000)}, "20000 rows are not in 1 parts"),
    ],
)
def test_5_a_cohort_that_is_not_known_here(
    office: Office, message: RegisterLabels, changes: dict[str, object], reason: str
) -> None:
    refused = office.refusal(resigned(message, **changes))
    assert refused.check == 5
    assert reason in refused.reason
    assert office.vectors.kept == {}


def test_5_a_kind_of_cohort_that_the_policy_does_not_allow(office: Office, message: RegisterLabels) -> None:
    office.hidden_allowed = False
    assert office.refusal(message).reason == "registry takes no hidden cohorts"
    office.disclosed_allowed = False
    refused = office.refusal(resigned(message, cohort=DISCLOSED, alphabet=ONE_OR_TWO))
    assert (refused.check, refused.reason) == (5, "registry takes no disclosed cohorts")


def test_6_a_part_that_there_is_not_or_other_ciphertexts(office: Office, message: RegisterLabels) -> None:
    assert office.refusal(msgspec.structs.replace(message, part=1)).check == 6
    flipped = message.ciphertexts[:-1] + bytes([message.ciphertexts[-1] ^ 1])
    assert office.refusal(msgspec.structs.replace(message, ciphertexts=flipped)).check == 6
    office.register(message)
    assert office.refusal(msgspec.structs.replace(message, ciphertexts=flipped)).check == 6


@pytest.mark.parametrize("late", [HOUR + 1, -HOUR - 1])
def test_7_an_old_statement_and_one_of_the_future(office: Office, message: RegisterLabels, late: int) -> None:
    office.now = NOW + late
    assert office.refusal(message).check == 7
    assert office.vectors.kept == {}


def test_8_no_ninth_vector_of_a_contract_whatever_became_of_the_others(
    office: Office, message: RegisterLabels, key: PrivateKey
) -> None:
    office.register(message)
    for index in range(1, MAX_VECTORS):
        assert office.refusal(resigned(message, nonce=bytes([index] * 32))).check == 9  # the proof is the first's
    ninth = resigned(message, nonce=b"9" * 32)
    refused = office.refusal(proven_anew(key, ninth))
    assert (refused.check, refused.reason) == (8, "the contract contract-1 has 8 label vectors")
    assert office.register(message).at == NOW
    office.register(registration(key, made(key, "contract-2"), 0, RUNNER))


def test_8_a_vector_that_was_refused_stays_so(office: Office, message: RegisterLabels, key: PrivateKey) -> None:
    anew = resigned(message, nonce=b"n" * 32)
    assert office.refusal(anew).check == 9
    refused = office.refusal(proven_anew(key, anew))
    assert (refused.check, refused.reason) == (8, "a proof of this label vector was false")
    assert office.vectors.parts == {}


def test_8_a_vector_that_is_refused_while_a_part_of_it_is_proven(
    office: Office, message: RegisterLabels, vector: LabelVector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "compute.protocols.label_vector.provider.check_alphabet",
        lambda *_: office.vectors.refuse(vector.name, NOW),
    )
    assert office.refusal(message).check == 8
    assert office.vectors.parts == {}


def test_9_a_false_proof_refuses_the_vector_with_all_its_parts(
    office: Office, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One label of 2 among true ones, in the second part of three."""
    for module in (messages, bank_side):
        monkeypatch.setattr(module, "PART_ROWS", 2)
    vector, false = made(key), claim_of(key, [2, 0])
    parts = (vector.parts[0], false.ciphertexts, vector.parts[2])
    digests = tuple(hashlib.sha256(part).digest() for part in parts)
    statement = msgspec.structs.replace(vector.statement.statement, parts=digests)
    cheat = LabelVector(sign(statement, "bank", IDENTITY), parts, CLASSES)
    office.register(registration(key, cheat, 0, RUNNER))
    claim = replace(false, vector=cheat.name, part=1)
    proof = prove_by_the_letter(key, claim, [2, 0])
    refused = office.refusal(
        RegisterLabels(statement=cheat.statement, part=1, ciphertexts=false.ciphertexts, proof=proof)
    )
    assert refused.check == 9
    assert "part 1 is not proven: the polynomial does not open" in refused.reason
    kept = office.vectors.find(cheat.name)
    assert kept is not None
    assert kept.refused_at == NOW
    assert kept.parts == ()
    assert office.refusal(registration(key, cheat, 2, RUNNER)).check == 8


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": b"n" * 32},
        {"contract": "contract-2"},
        {"issued_at": NOW + 1},
        {"alphabet": Alphabet(classes=2, width=32, with_zero=True)},
        {"alphabet": Alphabet(classes=3, width=64, with_zero=True)},
    ],
)
def test_9_a_proof_of_another_statement(
    office: Office, message: RegisterLabels, changes: dict[str, object]
) -> None:
    """A replay under another contract, another nonce, of other slots, with more classes."""
    assert office.refusal(resigned(message, **changes)).check == 9


# --- the bank -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (lambda: Labels(HIDDEN, GOOD_BAD, CLASSES[:-1]), "4 classes for 5 rows"),
        (lambda: Labels(HIDDEN, GOOD_BAD, [0, 1, 3, 0, 0]), "row 2 is of class 3"),
        (lambda: Labels(HIDDEN, ONE_OR_TWO, [1, 1, 1, 1, 1]), "a zero for hidden cohorts"),
        (lambda: Labels(DISCLOSED, GOOD_BAD, [1, 1, 1]), "a zero for hidden cohorts"),
        (lambda: Labels(DISCLOSED, ONE_OR_TWO, [1, 0, 1]), "row 1 is of class 0"),
    ],
)
def test_labels_that_are_none_are_named_before_anything_is_encrypted(
    labels: Callable[[], Labels], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        labels()


def test_the_bank_is_told_of_an_alphabet_too_wide_for_its_key(key: PrivateKey) -> None:
    wide = Labels(HIDDEN, Alphabet(classes=8, width=64, with_zero=True), CLASSES)
    with pytest.raises(ProofError, match="take narrower slots"):
        made(key, labels=wide)


def test_equal_labels_make_different_vectors(key: PrivateKey, vector: LabelVector) -> None:
    another = made(key)
    assert another.name != vector.name
    assert another.parts[0] != vector.parts[0]


def test_messages_are_bounded(message: RegisterLabels) -> None:
    for changes in (
        {"part": MAX_PARTS},
        {"part": -1},
        {"ciphertexts": bytes(511)},
        {"ciphertexts": b""},
    ):
        with pytest.raises(FormatError):
            decode(encode(msgspec.structs.replace(message, **changes)), RegisterLabels)
    statement = message.statement.statement
    for cohort in (HiddenCohort(frame=FRAME, rows=0), HiddenCohort(frame=FRAME, rows=2**20 + 1)):
        with pytest.raises(FormatError):
            decode(encode(msgspec.structs.replace(statement, cohort=cohort)), LabelStatement)
    with pytest.raises(FormatError):
        decode(encode(msgspec.structs.replace(statement, parts=(bytes(32),) * (MAX_PARTS + 1))), LabelStatement)
