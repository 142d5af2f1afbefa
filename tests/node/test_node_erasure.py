"""Erasing a subject at a node: when it may be, and that nothing of it is left in any file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from node.conftest import AT_REST
from node.statements import at_once
from sqlalchemy import Engine, text

from audit.database import open_engine, reader
from audit.errors import ErasedError
from audit.salts import SaltTree, child_key, path_of
from audit.subjects import SubjectTree, use_value, verify
from compute.at_rest import AtRest, AtRestError
from compute.canonical import DAY
from compute.node import wiping
from compute.node.console.consents import seed_to_show
from compute.node.console.subjects import require_kept
from compute.node.erasure import Eraser, Erasure, ErasureRefusedError, NoSaltsError, require_erasable
from compute.node.legal_holds import Hold, HoldStore
from compute.node.provider.uses import UseStore, last_use
from compute.node.salts import SaltStore
from compute.records import commitment
from compute.web.errors import ProblemError

CONTRACT, OTHER = "contract-1", "contract-2"
SEED, OTHER_SEED = bytes(range(32)), bytes(range(32, 64))
SUBJECTS = tuple(f"91350200MA2Y8{number:05}" for number in range(30))
ERASED, KEPT = SUBJECTS[3], SUBJECTS[4]
WHOLE = SaltTree.from_seed(SEED)
JOBS = tuple(bytes([number]) * 32 for number in range(1, 4))
ASKED = (SUBJECTS[:10], SUBJECTS[2:20], SUBJECTS[10:])
PIECE = 16
NOW, END, DAYS = 1_795_000_000_000, 1_795_000_000_000 + 30 * DAY, 90


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


class Node:
    """A provider's node, as far as salts and uses go; its three jobs were answered a day after each other."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, Clock()
        self.salts, self.uses, self.holds = SaltStore(engine, AT_REST), UseStore(engine), HoldStore(engine)
        self.told: list[Erasure] = []
        self.eraser = Eraser(engine, AT_REST, DAYS, self.clock, last_use, self.told.append)
        assert self.salts.keep(CONTRACT, SEED)
        for number, (job, asked) in enumerate(zip(JOBS, ASKED, strict=True)):
            self.uses.put(job, CONTRACT, SubjectTree.of_use(WHOLE, job, asked), NOW + number * DAY)

    def tree(self, contract: str = CONTRACT) -> SaltTree:
        found = self.salts.find(contract)
        assert found is not None
        return found

    def later(self, days: int) -> None:
        self.clock.now = NOW + days * DAY


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    engine = open_engine(tmp_path / "node.sqlite")
    yield Node(engine)
    engine.dispose()


def files(folder: Path) -> bytes:
    """All bytes of the node's databases, with their write-ahead logs."""
    names = sorted(folder.glob("node.sqlite*"))
    assert names
    return b"".join(path.read_bytes() for path in names)


def sealed(node: Node, contract: str = CONTRACT) -> bytes:
    """The tree's bytes as they lie in the file."""
    query = text("SELECT tree FROM salt_trees WHERE contract = :contract")
    with reader(node.engine).begin() as connection:
        return bytes(connection.execute(query, {"contract": contract}).scalar_one())


def pieces(data: bytes) -> list[bytes]:
    """The data cut up: a piece of what was sealed opens as the whole does, for whoever has the key."""
    return [data[at : at + PIECE] for at in range(0, len(data) - PIECE, PIECE)]


def left(data: bytes, folder: Path) -> int:
    """How many pieces of the data the files still have."""
    found = files(folder)
    return sum(piece in found for piece in pieces(data))


def secrets_of(subject: str) -> list[bytes]:
    """What must not be left: the seed, every key on the subject's path, and its salt."""
    keys = [SEED]
    for branch in path_of(subject):
        keys.append(child_key(keys[-1], branch))
    return [*keys, WHOLE.salt(subject)]


# --- when --------------------------------------------------------------------------------------------------------


def hold(until: int, case: str = "(2026)琼01民初1号") -> Hold:
    return Hold(CONTRACT, case, until)


def wait(now: int, last: int | None = None, holds: tuple[Hold, ...] = (), days: int = DAYS) -> int | None:
    """Until when the rules keep a subject; None if it may be erased."""
    try:
        require_erasable(now, last_use=last, contract_end=END, retention_days=days, holds=holds)
    except ErasureRefusedError as error:
        return error.until
    return None


def test_retention_is_counted_from_the_last_use_or_else_from_the_end() -> None:
    for last, start in ((NOW, NOW), (None, END), (END + DAY, END + DAY)):
        until = start + DAYS * DAY
        assert wait(until - 1, last) == until
        assert wait(until, last) is None
    assert wait(END, days=0) is None
    assert wait(END - 1, days=0) == END


def test_a_legal_hold_stands_until_its_end() -> None:
    late = NOW + 500 * DAY
    assert wait(late, NOW, (hold(late + 1),)) == late + 1
    assert wait(late, NOW, (hold(late),)) is None
    # The latest of all that stands in the way is told.
    assert wait(NOW, NOW, (hold(late), hold(late + DAY, "other"), hold(NOW, "over"))) == late + DAY
    assert wait(NOW, NOW, (hold(NOW + 1),)) == NOW + DAYS * DAY


def test_a_refusal_says_all_that_stands_in_the_way() -> None:
    with pytest.raises(ErasureRefusedError) as refused:
        require_erasable(NOW, last_use=NOW, contract_end=END, retention_days=7, holds=(hold(END),))
    first, second = refused.value.reasons
    assert "7 days after the last use" in first
    assert "(2026)琼01民初1号" in second
    assert first in str(refused.value)


def test_what_is_refused_changes_nothing(node: Node) -> None:
    node.later(1)
    with pytest.raises(ErasureRefusedError) as refused:
        node.eraser.erase(ERASED, CONTRACT, END)
    assert refused.value.until == NOW + DAY + DAYS * DAY  # of the second job, not of the last
    assert node.tree().seed == SEED
    assert node.told == []


def test_a_hold_is_placed_moved_and_lifted(node: Node) -> None:
    node.later(100)
    node.holds.place(hold(NOW + 200 * DAY))
    node.holds.place(hold(NOW + 300 * DAY))
    assert node.holds.of(CONTRACT) == [hold(NOW + 300 * DAY)]
    with pytest.raises(ErasureRefusedError, match="legal hold"):
        node.eraser.erase(ERASED, CONTRACT, END)
    assert not node.holds.lift(CONTRACT, "other")
    assert not node.holds.lift(OTHER, hold(0).case_number)
    assert node.holds.lift(CONTRACT, hold(0).case_number)
    assert node.eraser.erase(ERASED, CONTRACT, END).is_new


def test_a_hold_on_another_contract_is_none_on_this_one(node: Node) -> None:
    node.later(100)
    node.holds.place(Hold(OTHER, "case", NOW + 200 * DAY))
    assert node.eraser.erase(ERASED, CONTRACT, END).is_new


def test_without_salts_there_is_nothing_to_erase(node: Node) -> None:
    with pytest.raises(NoSaltsError):
        node.eraser.erase(ERASED, OTHER, END)


def test_a_node_that_keeps_no_uses_waits_for_the_contract_s_end(node: Node) -> None:
    bank = Eraser(node.engine, AT_REST, DAYS, node.clock)
    node.later(100)
    with pytest.raises(ErasureRefusedError, match="after the contract's end"):
        bank.erase(ERASED, CONTRACT, END)
    node.later(30 + DAYS)
    assert bank.erase(ERASED, CONTRACT, END).is_new


# --- what is left ------------------------------------------------------------------------------------------------


def test_no_file_has_the_salt_the_seed_or_a_key_of_the_path_in_clear(node: Node, tmp_path: Path) -> None:
    """Before an erasure either: a copy of the disk names nobody."""
    for subject in (ERASED, SUBJECTS[7]):
        data = files(tmp_path)
        assert CONTRACT.encode() in data  # the search would find it
        assert not [
            secret for each in (ERASED, SUBJECTS[7], KEPT) for secret in secrets_of(each) if secret in data
        ]
        node.later(100)
        node.eraser.erase(subject, CONTRACT, END)
    assert child_key(SEED, (path_of(ERASED)[0] + 1) % 256) not in files(tmp_path)
    assert node.tree().salt(KEPT) == WHOLE.salt(KEPT)


def test_no_file_has_a_piece_of_what_was_sealed_before(node: Node, tmp_path: Path) -> None:
    """The node's own key opens it: an erased salt must be gone, and not only sealed."""
    whole = sealed(node)
    assert left(whole, tmp_path) == len(pieces(whole)) > 3  # the search would find it
    node.later(100)
    erased = node.eraser.erase(ERASED, CONTRACT, END)
    assert (erased.is_new, erased.is_wiped) == (True, True)
    assert left(whole, tmp_path) == 0
    # A second one: what the first had kept of its path goes too.
    first = sealed(node)
    assert secrets_of(SUBJECTS[7])[1] in AT_REST.open(first, "salt_trees", "tree", CONTRACT)
    assert left(first, tmp_path) > len(pieces(first)) * 0.9  # but for those that the borders of pages cut
    node.eraser.erase(SUBJECTS[7], CONTRACT, END)
    assert (left(whole, tmp_path), left(first, tmp_path)) == (0, 0)
    now = AT_REST.open(sealed(node), "salt_trees", "tree", CONTRACT)
    gone = [*secrets_of(ERASED), *secrets_of(SUBJECTS[7])]
    assert not [secret for secret in gone if secret in now]
    assert node.tree().salt(KEPT) == WHOLE.salt(KEPT)


def test_a_tree_of_another_contract_or_node_is_not_taken(node: Node) -> None:
    assert node.salts.keep(OTHER, OTHER_SEED)
    stranger = SaltStore(node.engine, AtRest(b"\1" * 32))
    with pytest.raises(AtRestError, match=f"salt_trees tree {CONTRACT}"):
        stranger.find(CONTRACT)
    move = text(
        "UPDATE salt_trees SET tree = (SELECT tree FROM salt_trees WHERE contract = :one) WHERE contract = :to"
    )
    with node.engine.begin() as connection:
        connection.execute(move, {"one": CONTRACT, "to": OTHER})
    with pytest.raises(AtRestError, match=f"salt_trees tree {OTHER}"):
        node.salts.find(OTHER)
    node.later(100)
    with pytest.raises(AtRestError):
        node.eraser.erase(ERASED, OTHER, END)
    assert node.tree().seed == SEED


def test_while_another_reads_the_old_bytes_stay_until_it_ends(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiping, "WIPE", 0.1)
    other, whole = open_engine(tmp_path / "node.sqlite"), sealed(node)
    node.later(100)
    with reader(other).connect() as reading:
        reading.execute(text("SELECT count(*) FROM salt_trees")).scalar_one()
        assert not node.eraser.erase(ERASED, CONTRACT, END).is_wiped
        assert left(whole, tmp_path) > 0
    other.dispose()
    again = node.eraser.erase(ERASED, CONTRACT, END)
    assert (again.is_new, again.is_wiped) == (False, True)
    assert left(whole, tmp_path) == 0


def test_the_same_seed_again_brings_nobody_back(node: Node) -> None:
    node.later(100)
    node.eraser.erase(ERASED, CONTRACT, END)
    assert node.salts.keep(CONTRACT, SEED)
    assert node.tree().is_erased(ERASED)
    assert not node.salts.keep(CONTRACT, OTHER_SEED)
    assert node.tree().is_erased(ERASED)
    assert node.salts.draw(CONTRACT).is_erased(ERASED)


def test_another_contract_of_the_same_subject_goes_on(node: Node) -> None:
    assert node.salts.keep(OTHER, OTHER_SEED)
    node.later(100)
    node.eraser.erase(ERASED, CONTRACT, END)
    assert node.tree(OTHER).seed == OTHER_SEED


def test_old_uses_still_prove_their_roots_and_all_others(node: Node) -> None:
    roots = [SubjectTree.of_use(WHOLE, job, asked).root for job, asked in zip(JOBS, ASKED, strict=True)]
    node.later(100)
    node.eraser.erase(ERASED, CONTRACT, END)
    salts = node.tree()
    for job, asked, root in zip(JOBS, ASKED, roots, strict=True):
        tree = node.uses.tree(job)
        assert tree is not None
        assert (tree.root, tree.size) == (root, len(asked))
    for subject in SUBJECTS:
        if subject == ERASED:
            with pytest.raises(ErasedError):
                next(node.uses.prove(salts, CONTRACT, subject))
            continue
        shown = list(node.uses.prove(salts, CONTRACT, subject))
        assert [use.job for use in shown] == list(JOBS)
        for use, root, asked in zip(shown, roots, ASKED, strict=True):
            assert verify(use.value, root, len(asked), use.proof) == (subject in asked)


def test_a_dictionary_of_all_codes_finds_everybody_but_the_erased(node: Node) -> None:
    """Even for the node itself, with all it has: the tree, the uses, and the consents at the marketplace."""
    consents = {commitment(WHOLE.salt(subject), subject) for subject in SUBJECTS}
    node.later(100)
    node.eraser.erase(ERASED, CONTRACT, END)
    salts, found, named = node.tree(), set(), set()
    uses = [(job, node.uses.tree(job)) for job in JOBS]
    for subject in SUBJECTS:
        if salts.is_erased(subject):
            continue
        for job, tree in uses:
            assert tree is not None
            if use_value(salts.salt(subject), job, subject) in tree.encode():
                found.add(subject)
        if commitment(salts.salt(subject), subject) in consents:
            named.add(subject)
    assert named == found == set(SUBJECTS) - {ERASED}


# --- telling -----------------------------------------------------------------------------------------------------


def test_an_erasure_is_told_once_and_names_nobody(node: Node) -> None:
    node.later(100)
    node.eraser.erase(ERASED, CONTRACT, END)
    assert not node.eraser.erase(ERASED, CONTRACT, END).is_new
    (told,) = node.told
    assert (told.contract, told.at) == (CONTRACT, NOW + 100 * DAY)
    assert ERASED not in repr(told)


def test_what_could_not_be_told_is_told_later(node: Node) -> None:
    told: list[Erasure] = []

    def gone(_erasure: Erasure) -> None:
        raise OSError("no answer")

    node.later(100)
    with pytest.raises(OSError, match="no answer"):
        Eraser(node.engine, AT_REST, DAYS, node.clock, last_use, gone).erase(ERASED, CONTRACT, END)
    assert node.tree().is_erased(ERASED)
    Eraser(node.engine, AT_REST, DAYS, node.clock, last_use).tell()  # to nobody
    Eraser(node.engine, AT_REST, DAYS, node.clock, last_use, told.append).erase(KEPT, CONTRACT, END)
    assert len(told) == 2
    node.eraser.tell()
    assert node.told == []


def test_erasures_at_once_lose_none(node: Node) -> None:
    node.later(200)
    erasers = [Eraser(node.engine, AT_REST, DAYS, node.clock, last_use) for _ in range(4)]
    subjects = SUBJECTS[:4]
    done = at_once(
        [
            lambda eraser=eraser, subject=subject: eraser.erase(subject, CONTRACT, END)  # type: ignore[misc]
            for eraser, subject in zip(erasers, subjects, strict=True)
        ]
    )
    assert all(erased.is_new for erased in done)
    assert all(node.tree().is_erased(subject) for subject in subjects)
    node.eraser.tell()
    assert len({told.id for told in node.told}) == 4


# --- a bank's console --------------------------------------------------------------------------------------------


def test_a_bank_s_staff_are_told_who_was_erased(node: Node) -> None:
    require_kept(node.tree(), SUBJECTS)
    assert seed_to_show(node.tree()) == SEED
    node.later(100)
    node.eraser.erase(ERASED, CONTRACT, END)
    require_kept(node.tree(), [KEPT])
    with pytest.raises(ProblemError) as problem:
        require_kept(node.tree(), SUBJECTS)
    assert (problem.value.slug, problem.value.extra) == ("erased-subjects", {"erased": [ERASED]})
    assert ERASED not in problem.value.detail
    with pytest.raises(ProblemError, match="seed"):
        seed_to_show(node.tree())
