"""Who was asked about: proofs of presence and absence, and everybody who would prove what is not so."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import presence
from audit.errors import ErasedError, FormatError, ProofError
from audit.merkle import EMPTY_ROOT, leaf_hash, node_hash, root_of
from audit.presence import Absence, Neighbour, Presence, encode, parse
from audit.salts import SaltTree
from audit.subjects import SubjectTree, use_value, use_values, verify, verify_absence, verify_presence

SEED, JOB, OTHER_JOB = b"\7" * 32, b"\x11" * 32, b"\x12" * 32
SALTS = SaltTree.from_seed(SEED)
SUBJECTS = [f"91350200MA2Y8{number:05}" for number in range(40)]
ASKED, ABSENT = SUBJECTS[:23], SUBJECTS[23:]
USE = SubjectTree.of_use(SALTS, JOB, ASKED)
SETTINGS = settings(max_examples=50, deadline=None, derandomize=True, database=None)


def value_of(subject: str, job: bytes = JOB, salts: SaltTree = SALTS) -> bytes:
    return use_value(salts.salt(subject), job, subject)


class Forged(SubjectTree):
    """A tree over leaves in whatever order, as its maker would prove from it."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self._values = list(values)

    def absence(self, index: int) -> Absence:
        below = self._neighbour(index - 1) if index else None
        return Absence(index, below, self._neighbour(index) if index < self.size else None)

    def presence(self, index: int) -> Presence:
        return Presence(index, self._path(index))


# --- what is so ---------------------------------------------------------------------------------------------


def test_every_subject_asked_about_is_shown_present_and_every_other_absent() -> None:
    for subject in ASKED:
        proof = USE.prove(value_of(subject))
        assert isinstance(proof, Presence)
        assert verify(value_of(subject), USE.root, USE.size, proof)
    for subject in ABSENT:
        proof = USE.prove(value_of(subject))
        assert isinstance(proof, Absence)
        assert not verify(value_of(subject), USE.root, USE.size, proof)


@SETTINGS
@given(st.sets(st.integers(0, 60), max_size=20))
def test_below_the_first_above_the_last_and_between(numbers: set[int]) -> None:
    tree = SubjectTree(number.to_bytes(32) for number in numbers)
    for number in range(61):
        proof = tree.prove(number.to_bytes(32))
        assert verify(number.to_bytes(32), tree.root, tree.size, proof) == (number in numbers)


def test_the_tree_of_nobody() -> None:
    nobody = SubjectTree([])
    assert (nobody.root, nobody.size, nobody.encode()) == (EMPTY_ROOT, 0, b"")
    proof = nobody.prove(value_of(SUBJECTS[0]))
    assert proof == Absence(0, None, None)
    verify_absence(value_of(SUBJECTS[0]), EMPTY_ROOT, 0, Absence(0, None, None))
    for root, size in ((USE.root, 0), (EMPTY_ROOT, 1), (USE.root, USE.size)):
        with pytest.raises(ProofError):
            verify_absence(value_of(SUBJECTS[0]), root, size, Absence(0, None, None))


def test_bank_and_provider_make_the_same_tree() -> None:
    bank = SubjectTree.of_use(SaltTree.from_seed(SEED), JOB, reversed(ASKED))
    provider = SubjectTree.of_use(SaltTree.from_seed(SEED).erase(ABSENT[0]), JOB, [*ASKED, ASKED[0]])
    assert bank.root == provider.root == USE.root
    assert bank.size == provider.size == len(ASKED)
    assert USE.root == root_of(leaf_hash(value) for value in sorted(map(value_of, ASKED)))


def test_the_values_are_a_known_answer() -> None:
    """A change of the definition would part banks from providers, and both from what stands in the log."""
    assert (
        use_value(SEED, JOB, "91110000100000001X").hex()
        == "e4cd5356c111ee520e3351c0f882d0e94283a8d8f36096f079651c7c098d981e"
    )
    assert USE.root.hex() == "f0764aafab9778ed2b170f4bcdb88a313b0ee366373ecac2d51a7b160faec6e6"


def test_a_subject_is_another_value_in_every_job_and_under_every_salt() -> None:
    other = SaltTree.from_seed(b"\1" * 32)
    values = {value_of(s, job, salts) for s in ASKED for job in (JOB, OTHER_JOB) for salts in (SALTS, other)}
    assert len(values) == 4 * len(ASKED)


def test_many_values_at_once_are_each_one_s() -> None:
    salts = [SALTS.salt(subject) for subject in ASKED]
    assert use_values(salts, JOB, list(ASKED)) == [value_of(subject) for subject in ASKED]
    assert use_values([], JOB, []) == []
    for short, job in ((salts[:1], JOB[1:]), ([salts[0][1:]], JOB)):
        with pytest.raises(FormatError):
            use_values(short, job, list(ASKED)[:1])
    with pytest.raises(ErasedError):
        SubjectTree.of_use(SALTS.erase(next(iter(ASKED))), JOB, ASKED)


def test_values_are_stored_in_order() -> None:
    assert SubjectTree.parse(USE.encode()).root == USE.root
    low, high = USE.encode()[:32], USE.encode()[32:64]
    for data in (high + low, low + low, low[1:], low + high[1:]):
        with pytest.raises(FormatError):
            SubjectTree.parse(data)


@pytest.mark.parametrize("short", [b"", b"\1" * 31, b"\1" * 33])
def test_values_have_32_bytes(short: bytes) -> None:
    with pytest.raises(FormatError):
        SubjectTree([short])
    with pytest.raises(FormatError):
        USE.prove(short)
    for salt, job in ((short, JOB), (SEED, short)):
        with pytest.raises(FormatError):
            use_value(salt, job, "a")
    with pytest.raises(ProofError):
        verify_presence(short, USE.root, USE.size, Presence(0, ()))
    with pytest.raises(ProofError):
        verify_absence(short, USE.root, USE.size, Absence(0, None, None))


# --- attacks ------------------------------------------------------------------------------------------------


def test_no_index_makes_a_present_subject_absent() -> None:
    """A provider that would hide a use from its subject, with every proof that its tree has."""
    hidden = value_of(ASKED[7])
    honest = Forged(sorted(map(value_of, ASKED)))
    for index in range(USE.size + 1):
        with pytest.raises(ProofError):
            verify_absence(hidden, USE.root, USE.size, honest.absence(index))


def test_neighbours_that_are_not_side_by_side_are_refused() -> None:
    values = sorted(map(value_of, ASKED))
    honest = Forged(values)
    for at in range(1, USE.size - 1):
        below, above = honest.absence(at).below, honest.absence(at + 1).above  # around leaf `at`
        for index in range(USE.size + 1):
            with pytest.raises(ProofError):
                verify_absence(values[at], USE.root, USE.size, Absence(index, below, above))


def test_a_hidden_first_or_last_leaf_shows() -> None:
    values = sorted(map(value_of, ASKED))
    second, before_last = Forged(values)._neighbour(1), Forged(values)._neighbour(USE.size - 2)
    for index in range(USE.size + 1):
        for forged in (
            Absence(index, None, second),
            Absence(index, before_last, None),
            Absence(index, None, None),
        ):
            for value in (values[0], values[-1]):
                with pytest.raises(ProofError):
                    verify_absence(value, USE.root, USE.size, forged)


def test_a_tree_out_of_order_hides_a_use_and_the_counterpart_s_root_shows_it() -> None:
    """The verifier of one proof cannot see it: that is why the bank's entry has a root of its own."""
    values = sorted(map(value_of, ASKED))
    hidden = values[10]
    forged = Forged([*values[:10], *values[11:], hidden])
    false = forged.absence(10)
    verify_absence(hidden, forged.root, forged.size, false)  # the false absence holds against the false root
    assert forged.root != USE.root
    with pytest.raises(ProofError):
        verify_absence(hidden, USE.root, USE.size, false)
    # Whoever has the values, or both proofs of one subject, proves the provider false.
    verify_presence(hidden, forged.root, forged.size, forged.presence(forged.size - 1))
    assert SubjectTree(forged._values).root != forged.root


def test_a_tree_that_leaves_a_subject_out_has_another_root() -> None:
    assert SubjectTree.of_use(SALTS, JOB, ASKED[1:]).root != USE.root


def test_proofs_of_another_job_prove_nothing_here() -> None:
    other = SubjectTree.of_use(SALTS, OTHER_JOB, ABSENT)
    for subject in SUBJECTS:
        for tree, against in ((USE, other), (other, USE)):
            for job in (JOB, OTHER_JOB):
                proof = tree.prove(value_of(subject, job))
                with pytest.raises(ProofError):
                    verify(value_of(subject, job), against.root, against.size, proof)
    # Nor does the value of another job against the right root: it is absent, and the checker makes the value.
    assert isinstance(USE.prove(value_of(ASKED[0], OTHER_JOB)), Absence)


def test_a_proof_of_another_subject_proves_nothing_of_this_one() -> None:
    for one, other in itertools.permutations(SUBJECTS[18:28], 2):
        proof = USE.prove(value_of(other))
        if isinstance(proof, Presence):
            with pytest.raises(ProofError):
                verify_presence(value_of(one), USE.root, USE.size, proof)


def _hash_at(values: Sequence[bytes], turns: str) -> bytes | None:
    """What stands at the end of these turns in the true tree: a node's hash, or None beyond its leaves."""
    start, stop = 0, len(values)
    for turn in turns:
        if stop - start < 2:
            return None
        middle = start + (1 << (stop - start - 1).bit_length() - 1)
        start, stop = (start, middle) if turn == "l" else (middle, stop)
    return root_of(map(leaf_hash, values[start:stop]))


def _turns(index: int, size: int) -> str:
    turns, start, stop = "", 0, size
    while stop - start > 1:
        middle = start + (1 << (stop - start - 1).bit_length() - 1)
        turns += "l" if index < middle else "r"
        start, stop = (start, middle) if index < middle else (middle, stop)
    return turns


def _claim(values: Sequence[bytes], index: int, size: int) -> Neighbour | None:
    """The one leaf and path that verify at this index under a claimed size: SHA-256 leaves no other choice."""
    turns = _turns(index, size)
    path = [_hash_at(values, turns[:i] + ("r" if turns[i] == "l" else "l")) for i in range(len(turns))]
    found = next((value for value in values if leaf_hash(value) == _hash_at(values, turns)), None)
    if found is None or None in path:
        return None
    return Neighbour(found, tuple(each for each in reversed(path) if each is not None))


def test_no_wrong_size_makes_a_present_subject_absent() -> None:
    """The size is not hashed into the root: see why it need not be. All sizes, places and values are tried."""
    tried = 0
    for size in range(1, 12):
        values = [bytes([2 * number + 1]) * 32 for number in range(size)]
        root = SubjectTree(values).root
        for claimed in range(24):
            claims = [_claim(values, index, claimed) for index in range(claimed)]
            for index, value in itertools.product(range(claimed + 1), values):
                below = claims[index - 1] if index else None
                above = claims[index] if index < claimed else None
                tried += below is not None or above is not None
                with pytest.raises(ProofError):
                    verify_absence(value, root, claimed, Absence(index, below, above))
    assert tried > 1000


def test_no_wrong_size_makes_an_absent_subject_present() -> None:
    for size in range(1, 12):
        values = [bytes([2 * number + 1]) * 32 for number in range(size)]
        root, absent = SubjectTree(values).root, b"\2" * 32
        for claimed in range(1, 24):
            for index in range(claimed):
                claim = _claim(values, index, claimed)
                if claim is not None:
                    verify_presence(claim.value, root, claimed, Presence(index, claim.path))  # at a false index
                    with pytest.raises(ProofError):
                        verify_presence(absent, root, claimed, Presence(index, claim.path))


def test_a_node_is_no_leaf() -> None:
    values = sorted(map(value_of, ASKED[:4]))
    leaves = list(map(leaf_hash, values))
    tree, inner = SubjectTree(values), node_hash(leaves[0], leaves[1])
    for size in (2, 4):
        with pytest.raises(ProofError):
            verify_presence(inner, tree.root, size, Presence(0, (node_hash(leaves[2], leaves[3]),)))


@pytest.mark.parametrize("index", [-1, 24, 2**70, True, 1.0, None])
def test_no_such_place(index: Any) -> None:
    proof = USE.prove(value_of(ABSENT[0]))
    assert isinstance(proof, Absence)
    with pytest.raises(ProofError):
        verify_absence(value_of(ABSENT[0]), USE.root, USE.size, Absence(index, proof.below, proof.above))
    with pytest.raises(ProofError):
        verify_presence(value_of(ASKED[0]), USE.root, USE.size, Presence(index, ()))


def test_a_dictionary_of_all_codes_finds_nobody_without_the_salts() -> None:
    stolen = {USE.encode()[i : i + 32] for i in range(0, len(USE.encode()), 32)}
    guesses = [bytes(32), JOB, USE.root, b"\1" * 32]
    assert not stolen & {use_value(guess, JOB, subject) for guess in guesses for subject in SUBJECTS}
    assert len(stolen & {value_of(subject) for subject in SUBJECTS}) == len(ASKED)
    # Once a subject is erased not even the tree of salts finds it; proofs about the others go on.
    left = SALTS.erase(ASKED[3])
    with pytest.raises(ErasedError):
        value_of(ASKED[3], salts=left)
    with pytest.raises(ErasedError):
        SubjectTree.of_use(left, JOB, ASKED)
    assert verify(value_of(ASKED[4], salts=left), USE.root, USE.size, USE.prove(value_of(ASKED[4], salts=left)))


# --- files --------------------------------------------------------------------------------------------------

PROOFS = [
    USE.prove(value_of(ASKED[0])),
    USE.prove(value_of(ABSENT[0])),
    USE.prove(b"\0" * 32),
    USE.prove(b"\xff" * 32),
    Absence(0, None, None),
    Presence(0, ()),
]


@pytest.mark.parametrize("proof", PROOFS)
def test_round_trip(proof: Presence | Absence) -> None:
    assert parse(encode(proof)) == proof


GOOD = json.loads(encode(PROOFS[1]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'"presence"',
        b"\xff",
        b"[" * 20_000,
        b'{"index":0,"path":[]}',
        b'{"index":0,"path":[],"type":"other"}',
        b'{"index":0,"path":null,"type":"presence"}',
        b'{"index":0,"path":{},"type":"presence"}',
        b'{"index":0,"path":[7],"type":"presence"}',
        b'{"index":0,"path":["00"],"type":"presence"}',
        b'{"index":0,"path":[],"type":"presence","x":1}',
        b'{"index":0,"index":0,"path":[],"type":"presence"}',
        b'{"index":-1,"path":[],"type":"presence"}',
        b'{"index":0.0,"path":[],"type":"presence"}',
        b'{"index":true,"path":[],"type":"presence"}',
        b'{"index":9007199254740992,"path":[],"type":"presence"}',
        b'{"index":0, "path":[],"type":"presence"}',
        b'{"above":"x","below":null,"index":0,"type":"absence"}',
        b'{"above":{"path":[]},"below":null,"index":0,"type":"absence"}',
        encode(PROOFS[1]) + b"\n",
        encode(PROOFS[1]).upper(),
        json.dumps(GOOD).encode(),
        json.dumps(GOOD | {"type": "presence"}, separators=(",", ":"), sort_keys=True).encode(),
    ],
)
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse(data)


def test_the_longest_path_fits_in_a_file() -> None:
    path = (bytes(32),) * 63
    longest = Absence(2**53 - 1, Neighbour(bytes(32), path), Neighbour(bytes(32), path))
    assert parse(encode(longest)) == longest
    assert len(encode(longest)) < presence.MAX_PROOF
