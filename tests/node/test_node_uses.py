"""A provider's use trees: one for each job, kept in whichever process, found by their contract."""

import pytest
from node.conftest import AT_REST, Engines

from audit.presence import Absence, Presence
from audit.salts import SaltTree
from audit.subjects import SubjectTree, verify
from compute.node.provider.uses import UseStore, last_use
from compute.node.salts import SaltStore

CONTRACT, OTHER = "contract-1", "contract-2"
SALTS = SaltTree.from_seed(b"\7" * 32)
SUBJECTS = [f"91350200MA2Y8{number:05}" for number in range(9)]
JOBS = [bytes([3 - number]) * 32 for number in range(3)]


def tree(job: bytes, *subjects: str) -> SubjectTree:
    return SubjectTree.of_use(SALTS, job, subjects)


@pytest.fixture
def stores(engines: Engines) -> tuple[UseStore, UseStore]:
    one, other = UseStore(engines[0]), UseStore(engines[1])
    one.put(JOBS[0], CONTRACT, tree(JOBS[0], *SUBJECTS[:3]), 10)
    one.put(JOBS[1], CONTRACT, tree(JOBS[1]), 20)
    one.put(JOBS[2], OTHER, tree(JOBS[2], SUBJECTS[0]), 30)
    return one, other


def test_uses_are_found_by_contract_and_job(stores: tuple[UseStore, UseStore]) -> None:
    _, other = stores
    assert other.of(CONTRACT) == JOBS[:2]
    assert (other.of(OTHER), other.of("contract-3")) == (JOBS[2:], [])
    assert other.contracts() == [CONTRACT, OTHER]
    found = other.tree(JOBS[0])
    assert found is not None
    assert found.root == tree(JOBS[0], *SUBJECTS[:3]).root
    assert other.tree(bytes(32)) is None


def test_a_job_is_kept_once_as_it_first_was(stores: tuple[UseStore, UseStore]) -> None:
    one, other = stores
    other.put(JOBS[0], CONTRACT, tree(JOBS[0], *SUBJECTS), 99)
    assert one.of(CONTRACT) == JOBS[:2]
    kept = one.tree(JOBS[0])
    assert kept is not None
    assert kept.size == 3


def test_every_use_under_the_contract_is_proven_for_a_subject(stores: tuple[UseStore, UseStore]) -> None:
    one, _ = stores
    for subject, kinds in ((SUBJECTS[1], [Presence, Absence]), (SUBJECTS[5], [Absence, Absence])):
        shown = list(one.prove(SALTS, CONTRACT, subject))
        assert [(use.job, use.at) for use in shown] == [(JOBS[0], 10), (JOBS[1], 20)]
        assert [type(use.proof) for use in shown] == kinds
        for use in shown:
            assert verify(use.value, use.tree.root, use.tree.size, use.proof) == isinstance(use.proof, Presence)
    assert list(one.prove(SALTS, "contract-3", SUBJECTS[0])) == []


def test_the_last_use_is_the_latest_that_the_subject_is_in(
    engines: Engines, stores: tuple[UseStore, UseStore]
) -> None:
    one, _ = stores
    later = b"\x09" * 32
    one.put(later, CONTRACT, tree(later, SUBJECTS[2], SUBJECTS[8]), 40)
    expected = {0: 10, 1: 10, 2: 40, 3: None, 8: 40}
    with engines[1].begin() as connection:
        for number, at in expected.items():
            assert last_use(connection, SALTS, CONTRACT, SUBJECTS[number]) == at
        assert last_use(connection, SALTS, OTHER, SUBJECTS[0]) == 30
        assert last_use(connection, SALTS, "contract-3", SUBJECTS[0]) is None


def test_a_seed_is_drawn_once_for_a_contract_and_kept_as_it_was_first_shown(engines: Engines) -> None:
    one, other = SaltStore(engines[0], AT_REST), SaltStore(engines[1], AT_REST)
    assert one.find(CONTRACT) is None
    drawn = one.draw(CONTRACT)
    assert other.draw(CONTRACT).seed == drawn.seed
    assert other.draw(OTHER).seed != drawn.seed
    assert other.keep(CONTRACT, drawn.seed)
    assert not other.keep(CONTRACT, b"\1" * 32)
    found = one.find(CONTRACT)
    assert found is not None
    assert found.seed == drawn.seed
