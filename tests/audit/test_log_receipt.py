"""Receipts of the log: what they show, and every way to have one show something else."""

import base64
import dataclasses

import pytest
from cosigned import LOG, NOW, cosigned, head, policy
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import checkpoint, merkle, note, receipt
from audit.errors import AuditError, FormatError, ProofError, SignatureError
from audit.receipt import Receipt

SETTINGS = settings(max_examples=150, deadline=None, derandomize=True, database=None)
POLICY = policy()
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
ENTRIES = [f"entry {number}".encode() for number in range(13)]


def tree(entries: list[bytes]) -> merkle.Nodes:
    stored: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        return stored[level, index]

    for position, entry in enumerate(entries):
        for level, index, subtree in merkle.closed_by(position, merkle.leaf_hash(entry), node):
            stored[level, index] = subtree
    return node


NODES = tree(ENTRIES)


def receipt_of(index: int, size: int = 13) -> Receipt:
    signed = cosigned(head(size, merkle.root(size, NODES)), bank=NOW - 5, office=NOW - 3)
    return Receipt(index, tuple(merkle.inclusion_proof(index, size, NODES)), signed)


def hash_line(number: int) -> bytes:
    return base64.b64encode(bytes([number] * 32)) + b"\n"


GOOD = receipt_of(4)
DATA = GOOD.encode()
SIGNED = GOOD.checkpoint.encode()


def refused(entry: bytes, shown: Receipt) -> bool:
    try:
        receipt.verify(entry, shown, POLICY, NOW)
    except (ProofError, SignatureError):
        return True
    return False


def test_the_form() -> None:
    hashes = b"".join(base64.b64encode(each) + b"\n" for each in GOOD.hashes)
    assert b"c2sp.org/tlog-proof@v1\nindex 4\n" + hashes + b"\n" + SIGNED == DATA
    assert receipt.parse(DATA) == GOOD
    alone = receipt_of(0, 1)
    assert alone.encode() == b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + alone.checkpoint.encode()
    assert receipt.parse(alone.encode()) == alone


@pytest.mark.parametrize("size", [1, 2, 3, 6, 13])
def test_receipts_show_what_is_in_the_log_and_nothing_else(size: int) -> None:
    for index in range(size):
        shown = receipt.parse(receipt_of(index, size).encode())
        standing = receipt.verify(ENTRIES[index], shown, POLICY, NOW)
        assert standing.at == NOW - 5
        assert standing.missing == ("lender",)
        for other in range(13):
            if other != index:
                assert refused(ENTRIES[other], shown)  # another leaf
                assert refused(ENTRIES[index], dataclasses.replace(shown, index=other))
        for at in range(len(shown.hashes)):
            assert refused(
                ENTRIES[index],
                dataclasses.replace(shown, hashes=(*shown.hashes[:at], bytes(32), *shown.hashes[at + 1 :])),
            )
            assert refused(
                ENTRIES[index],
                dataclasses.replace(shown, hashes=(*shown.hashes[:at], *shown.hashes[at + 1 :])),
            )
        assert refused(ENTRIES[index], dataclasses.replace(shown, hashes=(*shown.hashes, bytes(32))))


def test_a_proof_for_another_size() -> None:
    for size in range(5, 13):
        other = head(size, merkle.root(size, NODES))
        assert refused(ENTRIES[4], dataclasses.replace(GOOD, checkpoint=other))


def test_the_root_that_the_proof_leads_to_does_not_count() -> None:
    # An entry that is not in the log, with a proof that holds against a root that is its own.
    forged = [*ENTRIES[:4], b"forged", *ENTRIES[5:]]
    nodes = tree(forged)
    root, proof = merkle.root(13, nodes), tuple(merkle.inclusion_proof(4, 13, nodes))
    assert refused(b"forged", dataclasses.replace(GOOD, hashes=proof))
    assert refused(b"forged", Receipt(4, proof, head(13, root, key=STRANGER)))
    text = checkpoint.text(GOOD.checkpoint.origin, 13, root)
    kept = note.Note(text, GOOD.checkpoint.note.signatures)  # the log's lines under another text
    assert refused(b"forged", Receipt(4, proof, checkpoint.Checkpoint(kept)))


def test_another_log() -> None:
    root = merkle.root(13, NODES)
    for origin, key in (("other.example/log", STRANGER), ("other.example/log", LOG)):
        other = head(13, root, origin, key)
        with pytest.raises(SignatureError, match=r"other\.example/log"):
            receipt.verify(ENTRIES[4], dataclasses.replace(GOOD, checkpoint=other), POLICY, NOW)
    # The origin of another log, signed by the pinned key under its own name.
    text = checkpoint.text("other.example/log", 13, root)
    swapped = checkpoint.Checkpoint(note.Note(text, (note.sign(text, POLICY.log.name, LOG),)))
    with pytest.raises(SignatureError, match=r"other\.example/log"):
        receipt.verify(ENTRIES[4], dataclasses.replace(GOOD, checkpoint=swapped), POLICY, NOW)
    # The origin of this log, signed by another key.
    with pytest.raises(SignatureError, match="not signed"):
        receipt.verify(ENTRIES[4], Receipt(4, GOOD.hashes, head(13, root, key=STRANGER)), POLICY, NOW)


def test_the_quorum_is_for_the_reader_to_ask() -> None:
    alone = dataclasses.replace(GOOD, checkpoint=head(13, merkle.root(13, NODES)))
    assert not receipt.verify(ENTRIES[4], alone, POLICY, NOW).has_quorum
    assert receipt.verify(ENTRIES[4], GOOD, POLICY, NOW).has_quorum
    assert not receipt.verify(ENTRIES[4], GOOD, POLICY, NOW, ["bank", "office"]).has_quorum


def test_an_index_outside_the_tree() -> None:
    with pytest.raises(ProofError, match="no leaf"):
        receipt.verify(ENTRIES[4], dataclasses.replace(GOOD, index=13), POLICY, NOW)


@pytest.mark.parametrize("index", [-1, 2**63, True, 1.0])
def test_what_is_no_index_is_refused(index: int) -> None:
    with pytest.raises(FormatError):
        dataclasses.replace(GOOD, index=index)


def test_at_most_63_hashes() -> None:
    most = dataclasses.replace(GOOD, hashes=(bytes(32),) * 63)
    assert receipt.parse(most.encode()) == most
    with pytest.raises(FormatError):
        dataclasses.replace(GOOD, hashes=(bytes(32),) * 64)
    for count in (64, 90, 91, 10_000):
        with pytest.raises(FormatError):
            receipt.parse(b"c2sp.org/tlog-proof@v1\nindex 1\n" + hash_line(0) * count + b"\n" + SIGNED)


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(33), "h" * 32])
def test_what_is_no_hash_is_refused(bad: bytes) -> None:
    with pytest.raises(FormatError):
        dataclasses.replace(GOOD, hashes=(bad,))


HEADER = b"c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        SIGNED,
        b"\n\n" + SIGNED,
        HEADER,
        HEADER + b"\n" + SIGNED,
        HEADER + b"index 1\n" + SIGNED,
        HEADER + b"index 1\n" + hash_line(1) + SIGNED,
        HEADER + b"index 1\n\n",
        HEADER + b"index 1\n\n\n" + SIGNED,
        HEADER + b"index 1\n" + hash_line(1) + b"\n\n" + SIGNED,
        b"\n" + HEADER + b"index 1\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v2\nindex 1\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1 \nindex 1\n\n" + SIGNED,
        b"c2sp.org/tlog-proof@v1\r\nindex 1\r\n\r\n" + SIGNED,
        HEADER + b"extra YWJj\nindex 1\n\n" + SIGNED,
        HEADER + b"index\n\n" + SIGNED,
        HEADER + b"index \n\n" + SIGNED,
        HEADER + b"index  1\n\n" + SIGNED,
        HEADER + b"index 01\n\n" + SIGNED,
        HEADER + b"index -1\n\n" + SIGNED,
        HEADER + b"index +1\n\n" + SIGNED,
        HEADER + b"index 1_0\n\n" + SIGNED,
        HEADER + b"index 9223372036854775808\n\n" + SIGNED,
        HEADER + "index ١\n\n".encode() + SIGNED,
        HEADER + b"Index 1\n\n" + SIGNED,
        HEADER + hash_line(1) + b"index 1\n\n" + SIGNED,
        HEADER + b"index 1\nAAAA\n\n" + SIGNED,
        HEADER + b"index 1\n" + b"?" * 44 + b"\n\n" + SIGNED,
        HEADER + b"index 1\n" + hash_line(0).replace(b"A=", b"B=") + b"\n" + SIGNED,
        HEADER + b"index 1\n " + hash_line(0) + b"\n" + SIGNED,
        HEADER + b"index 1\n\n" + SIGNED[:-1],
        HEADER + b"index 1\n\n" + SIGNED + b"\n",
        HEADER + b"index 1\n\nno checkpoint\n\n\xe2\x80\x94 key YWJjZD8=\n",
        HEADER + b"index 1\n\n" + b"x" * 2_000_000,
        HEADER + b"x" * 2_000_000,
        b"\n" * 1_000_000,
    ],
)
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        receipt.parse(data)


@SETTINGS
@given(
    st.one_of(
        st.binary(max_size=100),
        st.tuples(st.integers(0, len(DATA)), st.integers(0, 50), st.binary(max_size=3)).map(
            lambda cut: DATA[: cut[0]] + cut[2] + DATA[cut[0] + cut[1] :]
        ),
    )
)
def test_whatever_receipt_is_accepted_is_the_one(data: bytes) -> None:
    try:
        found = receipt.parse(data)
    except FormatError:
        return
    assert found.encode() == data


@pytest.mark.parametrize("at", range(0, len(DATA), 7))
def test_no_altered_receipt_shows_another_entry(at: int) -> None:
    altered = DATA[:at] + bytes([DATA[at] ^ 1]) + DATA[at + 1 :]
    try:
        receipt.verify(b"never logged", receipt.parse(altered), POLICY, NOW)
    except AuditError:
        return
    pytest.fail("an entry was shown that is not in the log")
