"""What a provider shows a subject, held against the log: nothing kept back, nothing invented."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.entry import Entry, EntryKind, Event, new_id, sign
from audit.errors import ProofError
from audit.salts import SaltTree
from audit.subject_uses import Shown, check
from audit.subjects import SubjectTree, use_value

KEY = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
TAX, CONTRACT, OTHER = "market-regulation", "contract-1", "contract-2"
SALTS = {CONTRACT: SaltTree.from_seed(b"\2" * 32), OTHER: SaltTree.from_seed(b"\3" * 32)}
SUBJECTS = tuple(f"91350200MA2Y8{number:05}" for number in range(8))
ME = SUBJECTS[3]
USES = ((CONTRACT, "a1" * 32, SUBJECTS[:5]), (CONTRACT, "b2" * 32, SUBJECTS[4:]), (OTHER, "c3" * 32, SUBJECTS))


def tree(contract: str, job: str, subjects: tuple[str, ...]) -> SubjectTree:
    return SubjectTree.of_use(SALTS[contract], bytes.fromhex(job), subjects)


def entry(number: int, contract: str, job: str, subjects: tuple[str, ...], **detail: str | int) -> Entry:
    made = tree(contract, job, subjects)
    event = Event(
        id=new_id(TAX),
        kind=EntryKind.ANSWER_SENT,
        time=number,
        node=TAX,
        contract=contract,
        job=job,
        detail={"rows": made.size, "subjects_root": made.root.hex(), **detail},
    )
    return sign(event, number + 1, KEY)


ENTRIES = [(index, entry(index, *use)) for index, use in enumerate(USES)]


def honest(subject: str = ME) -> dict[str, Shown]:
    def shown(contract: str, job: str, subjects: tuple[str, ...]) -> Shown:
        salt = SALTS[contract].salt(subject)
        value = use_value(salt, bytes.fromhex(job), subject)
        return Shown(salt, tree(contract, job, subjects).prove(value))

    return {use[1]: shown(*use) for use in USES}


def told(shown: dict[str, Shown], erased: tuple[str, ...] = (), provider: str = TAX) -> list[bool | None]:
    return [use.was_asked_about for use in check(ME, provider, shown, erased, ENTRIES)]


def test_every_use_is_shown_with_its_proof() -> None:
    assert told(honest()) == [True, False, True]
    assert told({}, provider="social-security") == []


def test_a_use_that_is_kept_back_is_named() -> None:
    shown = honest()
    del shown["c3" * 32]
    with pytest.raises(ProofError, match="entry 2: a use of market-regulation's data is not shown"):
        told(shown)
    with pytest.raises(ProofError, match=r"entry 2: .* nor is an erasure recorded"):
        told(shown, erased=(OTHER,))  # the provider's word alone
    gone = Event(id=new_id(TAX), kind=EntryKind.SUBJECT_ERASED, time=9, node=TAX, contract=OTHER)
    erasure = (3, sign(gone, 4, KEY))
    for entries in ([*ENTRIES, erasure], [*ENTRIES[:2], erasure, ENTRIES[2]]):  # others may be asked about later
        uses = check(ME, TAX, shown, (OTHER,), entries)
        assert [use.was_asked_about for use in uses] == [True, False, None]
    with pytest.raises(ProofError, match="entry 2"):
        told(shown, erased=(CONTRACT,))


def test_a_proof_of_another_job_or_subject_shows_nothing() -> None:
    shown = honest()
    swapped = {**shown, "a1" * 32: shown["b2" * 32], "b2" * 32: shown["a1" * 32]}
    with pytest.raises(ProofError, match="entry 0"):
        told(swapped)
    with pytest.raises(ProofError, match="entry 0"):
        told(honest(SUBJECTS[0]))


def test_a_false_salt_is_seen_where_two_uses_are_of_one_contract() -> None:
    shown = honest()
    salt = b"\7" * 32
    value = use_value(salt, bytes.fromhex("a1" * 32), ME)
    shown["a1" * 32] = Shown(salt, tree(*USES[0]).prove(value))  # "absent", by a salt that is not the subject's
    with pytest.raises(ProofError, match="entry 1: the subject has another salt than before"):
        told(shown)


@pytest.mark.parametrize("missing", ["rows", "subjects_root"])
def test_an_entry_that_commits_to_nobody_proves_nothing(missing: str) -> None:
    index, use = ENTRIES[0]
    detail = {name: value for name, value in use.detail.items() if name != missing}
    bare = dataclasses.replace(use, detail=detail)
    with pytest.raises(ProofError, match="entry 0: it does not commit to its subjects"):
        list(check(ME, TAX, honest(), (), [(index, bare)]))
