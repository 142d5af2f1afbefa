"""Salts that are erased one by one: what is left, what is gone, and the one form in bytes."""

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import salts
from audit.errors import ErasedError, FormatError
from audit.salts import SaltTree, child_key, path_of, seed_digest

SEED = bytes(range(32))
SUBJECTS = [f"91350200MA2Y8{number:05}" for number in range(300)]
SETTINGS = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def keys_to(subject: str, seed: bytes = SEED) -> list[bytes]:
    """The seed and the keys below it on the subject's path, by the definition."""
    keys = [seed]
    for branch in hashlib.sha256(subject.encode()).digest()[:6]:
        keys.append(hashlib.sha256(b"veilmart/salt-tree/v1\n" + keys[-1] + bytes([branch])).digest())
    return keys


@pytest.fixture(scope="module")
def whole() -> SaltTree:
    return SaltTree.from_seed(SEED)


def test_a_salt_is_what_the_definition_says(whole: SaltTree) -> None:
    for subject in SUBJECTS[:20]:
        expected = hmac.new(keys_to(subject)[-1], subject.encode(), hashlib.sha256).digest()
        assert whole.salt(subject) == SaltTree.from_seed(SEED).salt(subject) == expected
    # A known answer: a change of the definition would part banks from providers.
    assert (
        whole.salt("91110000100000001X").hex()
        == "9eb487dac494b749547539597eeeb8722d0e0efbb42f047425cba97ea1fe6201"
    )


def test_each_subject_and_each_seed_has_salts_of_its_own(whole: SaltTree) -> None:
    other = SaltTree.from_seed(b"\1" * 32)
    assert len({tree.salt(subject) for tree in (whole, other) for subject in SUBJECTS}) == 2 * len(SUBJECTS)


def test_an_erased_salt_is_gone_and_the_others_are_not(whole: SaltTree) -> None:
    left, erased = whole, set(SUBJECTS[::3])
    for subject in erased:
        left = left.erase(subject)
    for subject in SUBJECTS:
        assert left.is_erased(subject) == (subject in erased)
        if subject in erased:
            with pytest.raises(ErasedError):
                left.salt(subject)
        else:
            assert left.salt(subject) == whole.salt(subject)
    assert not whole.is_erased(SUBJECTS[0])
    assert whole.salt(SUBJECTS[0])


def test_many_salts_at_once_are_each_one_s(whole: SaltTree) -> None:
    assert whole.salts(SUBJECTS) == [whole.salt(subject) for subject in SUBJECTS]
    assert whole.salts([]) == []
    left, erased = whole, set(SUBJECTS[::7])
    for subject in erased:
        left = left.erase(subject)
    for tree in (left, SaltTree.parse(left.encode())):
        expected = [None if subject in erased else whole.salt(subject) for subject in SUBJECTS]
        assert tree.salts(SUBJECTS) == expected
        assert tree.salts(SUBJECTS[1:6]) == [whole.salt(subject) for subject in SUBJECTS[1:6]]
        assert tree.salts([*erased]) == [None] * len(erased)
    assert SaltTree({}).salts(SUBJECTS[:2]) == [None, None]


def test_nothing_on_the_path_is_kept(whole: SaltTree) -> None:
    left = whole.erase(SUBJECTS[0]).erase(SUBJECTS[1])
    data = left.encode()
    for subject in SUBJECTS[:2]:
        assert all(key not in data for key in [*keys_to(subject), whole.salt(subject), seed_digest(SEED)])
    with pytest.raises(ErasedError):
        _ = left.seed
    assert whole.seed == SEED


def test_the_siblings_of_the_path_are_what_is_kept(whole: SaltTree) -> None:
    subject = SUBJECTS[0]
    data, path = whole.erase(subject).encode(), path_of(subject)
    siblings = {
        child_key(key, branch)
        for key, taken in zip(keys_to(subject), path, strict=False)
        for branch in range(256)
        if branch != taken
    }
    assert len(siblings) == 6 * 255
    assert all(sibling in data for sibling in siblings)
    assert len(data) == len(b"veilmart/salt-tree/v1\n") + 1 + 6 * 64 + 32 * len(siblings)


def test_shared_prefixes_are_kept_once(whole: SaltTree) -> None:
    left = whole
    for subject in SUBJECTS:
        left = left.erase(subject)
    assert len(left.encode()) < len(SUBJECTS) * 5 * 255 * 32


def test_subjects_on_one_path_are_erased_together(monkeypatch: pytest.MonkeyPatch, whole: SaltTree) -> None:
    monkeypatch.setattr(salts, "path_of", lambda _subject: b"\0\1\2\3\4\5")
    assert whole.salt("a") != whole.salt("b")
    assert whole.erase("a").is_erased("b")


def test_a_subtree_without_keys_is_dropped(monkeypatch: pytest.MonkeyPatch, whole: SaltTree) -> None:
    monkeypatch.setattr(salts, "path_of", lambda subject: b"\0\1\2\3\4" + bytes([int(subject)]))
    left = whole
    for number in range(256):
        left = left.erase(str(number))
    assert SaltTree.parse(left.encode()).encode() == left.encode()
    assert len(left.encode()) == 23 + 5 * (64 + 255 * 32)


def test_the_order_of_erasures_does_not_matter(whole: SaltTree) -> None:
    one, other = whole, whole
    for subject in SUBJECTS[:5]:
        one = one.erase(subject)
    for subject in reversed(SUBJECTS[:5]):
        other = other.erase(subject)
    assert one.encode() == other.encode()
    assert one.erase(SUBJECTS[2]) is one


@SETTINGS
@given(st.lists(st.sampled_from(SUBJECTS), max_size=8))
def test_round_trip(erased: list[str]) -> None:
    tree = SaltTree.from_seed(SEED)
    for subject in erased:
        tree = tree.erase(subject)
    again = SaltTree.parse(tree.encode())
    assert again.encode() == tree.encode()
    assert [again.is_erased(subject) for subject in SUBJECTS] == [subject in erased for subject in SUBJECTS]
    kept = next(subject for subject in SUBJECTS if subject not in erased)
    assert again.salt(kept) == tree.salt(kept)


def test_what_is_no_tree_is_refused(whole: SaltTree) -> None:
    once = whole.erase(SUBJECTS[0]).encode()
    head, node = b"veilmart/salt-tree/v1\n", len(b"veilmart/salt-tree/v1\n") + 1
    full = b"\xff" * 32 + bytes(32) + bytes(256 * 32)
    childless = bytes(32) + bytes(31) + b"\1" + bytes(64)
    twice = (b"\0" * 31 + b"\1") * 2 + bytes(32) + bytes(64)
    deep = (bytes(32) + bytes(31) + b"\1") * 6 + bytes(63) + b"\1"
    for data in [
        b"",
        SEED,
        head,
        head + b"\0" + SEED[1:],
        head + b"\0" + SEED + b"\0",
        head + b"\2" + SEED,
        b"V" + once[1:],
        once[:-1],
        once[: node + 10],
        once + b"\0",
        *(head + b"\1" + bad for bad in (b"", full, childless, twice, deep)),
    ]:
        with pytest.raises(FormatError):
            SaltTree.parse(data)
    for seed in (b"", SEED[1:], SEED + b"\0"):
        with pytest.raises(FormatError):
            SaltTree.from_seed(seed)


def test_every_flipped_bit_of_the_maps_shows(whole: SaltTree) -> None:
    data = whole.erase(SUBJECTS[0]).encode()
    start = len(b"veilmart/salt-tree/v1\n") + 1
    for bit in range(0, 64 * 8, 7):
        changed = bytearray(data)
        changed[start + bit // 8] ^= 1 << bit % 8
        with pytest.raises(FormatError):
            SaltTree.parse(bytes(changed))


def test_a_tree_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch, whole: SaltTree) -> None:
    data = whole.erase(SUBJECTS[0]).encode()
    monkeypatch.setattr(salts, "MAX_ENCODED", len(data) - 1)
    with pytest.raises(FormatError, match="over the limit"):
        SaltTree.parse(data)


def test_everything_can_be_erased() -> None:
    nothing = SaltTree({})
    assert nothing.is_erased("a")
    assert SaltTree.parse(nothing.encode()).encode() == nothing.encode()
