"""The quorum: its file, what it refuses, and who is counted."""

import base64
import dataclasses

import pytest
from cosigned import (
    LOG,
    LOG_KEY,
    NOW,
    ORIGIN,
    PARTIES,
    WITNESSES,
    cosigned,
    head,
    line,
    policy,
    with_lines,
    witness_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import checkpoint, note
from audit import policy as policies
from audit.errors import FormatError, SignatureError
from audit.note import KeyKind, NoteSignature, VerifierKey
from audit.policy import Operator, Policy, Witness

SETTINGS = settings(max_examples=150, deadline=None, derandomize=True, database=None)
POLICY = policy()
SIGNED = head(7, bytes(range(32)))
OPERATOR_KEY = base64.b64encode(b"o" * 32).decode()

FILE = f"""\
max_age = 600      # seconds
quorum = 2
outside = 1

[log]
party = "market"
key = "{LOG_KEY.encode()}"
url = "https://market.example:8443/log"

[operator]
name = "operator"
public_key = "{OPERATOR_KEY}"

[[witnesses]]
party = "bank"
key = "{witness_key("bank").encode()}"

[[witnesses]]
party = "lender"
key = "{witness_key("lender").encode()}"

[[witnesses]]
party = "office"
key = "{witness_key("office").encode()}"
url = "https://127.0.0.1:8444/witness"
"""


def changed(old: str, new: str) -> str:
    assert old in FILE
    return FILE.replace(old, new)


# --- the file -----------------------------------------------------------------------------------------------


def test_the_file() -> None:
    found = policies.parse(FILE)
    assert found == Policy(
        party="market",
        log=LOG_KEY,
        log_url="https://market.example:8443/log",
        witnesses=(
            Witness("bank", witness_key("bank")),
            Witness("lender", witness_key("lender")),
            Witness("office", witness_key("office"), "https://127.0.0.1:8444/witness"),
        ),
        quorum=2,
        outside=1,
        max_age=600,
        operator=Operator("operator", b"o" * 32),
    )
    operator = f'[operator]\nname = "operator"\npublic_key = "{OPERATOR_KEY}"\n'
    assert policies.parse(changed(operator, "")).operator is None


ALIAS = VerifierKey.of("alias/witness", WITNESSES["bank"], KeyKind.COSIGNATURE).encode()
SAME_NAME = VerifierKey.of("bank/witness", WITNESSES["lender"], KeyKind.COSIGNATURE).encode()
LOG_AS_WITNESS = VerifierKey.of("log/witness", LOG, KeyKind.COSIGNATURE).encode()
LENDER_LINE = witness_key("lender").encode()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        # Two that are one.
        (LENDER_LINE, ALIAS, "public key"),
        (LENDER_LINE, SAME_NAME, "name"),
        (LENDER_LINE, witness_key("bank").encode(), "twice"),
        ('party = "lender"', 'party = "bank"', "party"),
        (LENDER_LINE, LOG_AS_WITNESS, "log's own key"),
        # A quorum that is none, or cannot be.
        ("quorum = 2", "quorum = 0", "quorum"),
        ("quorum = 2", "quorum = -1", "quorum"),
        ("quorum = 2", "quorum = 4", "quorum"),
        ("quorum = 2", "quorum = true", "quorum"),
        ("quorum = 2", "quorum = 2.0", "quorum"),
        ("quorum = 2", 'quorum = "2"', "quorum"),
        ("quorum = 2", "quorum = 1" + "0" * 30, "quorum"),
        ("quorum = 2\n", "", "quorum: missing"),
        ("outside = 1", "outside = 0", "outside"),
        ("outside = 1", "outside = 3", "outside"),
        ("outside = 1\n", "", "outside: missing"),
        ("max_age = 600", "max_age = 0", "max_age"),
        ("max_age = 600", "max_age = -600", "max_age"),
        ("max_age = 600", "max_age = 600.0", "max_age"),
        ("max_age = 600", "max_age = inf", "max_age"),
        ("max_age = 600", "max_age = 1" + "0" * 900, "max_age"),
        ("max_age = 600", "max_age = 12:00:00", "max_age"),
        # Keys unknown, missing, of another type.
        ("max_age = 600", "max_age = 600\nmin_age = 1", "min_age"),
        ("[operator]", "[operators]", "operators"),
        ('name = "operator"', 'name = "operator"\nurl = ""', "operator.'url'"),
        ('party = "bank"', 'party = "bank"\nweight = 2', "witnesses.'weight'"),
        ("[log]\n", '[log]\norigin = "x"\n', "log.'origin'"),
        ("[log]\n", "[[log]]\n", "log"),
        ("[[witnesses]]", "[[witness]]", "witness"),
        ('url = "https://market.example:8443/log"', "", "log.url: missing"),
        ('party = "bank"', "", "witnesses.party: missing"),
        ('party = "bank"', "party = 1", "witnesses.party"),
        ("quorum = 2", "quorum = 2\nquorum = 2", "TOML"),
        ("quorum = 2", "quorum = ", "TOML"),
        ("quorum = 2", "quorum = " + "[" * 1000, "TOML"),
        # Keys that are none, or of the other kind.
        (LOG_KEY.encode(), witness_key("bank").encode().replace("bank", "lend"), "log.key"),
        (LOG_KEY.encode(), VerifierKey.of(ORIGIN, LOG, KeyKind.COSIGNATURE).encode(), "log.key"),
        (LENDER_LINE, VerifierKey.of("lender/witness", WITNESSES["lender"]).encode(), "lender"),
        (LENDER_LINE, LENDER_LINE[:-1], "witnesses.key"),
        (OPERATOR_KEY, OPERATOR_KEY[:-4], "operator.public_key"),
        (OPERATOR_KEY, OPERATOR_KEY[:-1], "operator.public_key"),
        # Names and addresses.
        ('party = "bank"', 'party = ""', "witnesses.party"),
        ('party = "bank"', 'party = "the bank"', "party"),
        ('party = "bank"', 'party = "bank\\u202e"', "party"),
        ('name = "operator"', 'name = "the operator"', "operator.name"),
        ("https://market.example:8443/log", "http://market.example:8443/log", "log.url"),
        ("https://market.example:8443/log", "https://market.example:8443/log/", "log.url"),
        ("https://market.example:8443/log", "https://user@market.example/log", "log.url"),
        ("https://market.example:8443/log", "https://market.example/log?x", "log.url"),
        ("https://market.example:8443/log", "https://market.example/log#x", "log.url"),
        ("https://market.example:8443/log", "https://", "log.url"),
        ("https://market.example:8443/log", "/log", "log.url"),
        ("https://127.0.0.1:8444/witness", "https://127.0.0.1:8444/ witness", "witnesses.url"),
        ("https://127.0.0.1:8444/witness", "file:///etc/passwd", "url"),
    ],
)
def test_what_a_policy_cannot_say_is_refused_by_name(old: str, new: str, named: str) -> None:
    with pytest.raises(FormatError) as caught:
        policies.parse(changed(old, new))
    assert named in str(caught.value)


def test_other_files_are_refused() -> None:
    witnesses = FILE[FILE.index("[[witnesses]]") :]
    many_parts = "a." * 30_000 + "b = 1"  # 20 seconds of tomllib
    for text in (
        many_parts,
        "",
        "\0",
        "\ud800",
        "{}",
        "a" * 100_000,
        FILE + "#" * 70_000,
        FILE.replace(witnesses, ""),
    ):
        with pytest.raises(FormatError):
            policies.parse(text)
    for empty in ("witnesses = []\n", "witnesses = [1]\n", "witnesses = 1\n", 'witnesses = ["bank"]\n'):
        with pytest.raises(FormatError):
            policies.parse(empty + FILE.replace(witnesses, ""))


def test_more_witnesses_than_a_note_can_have() -> None:
    def witness(number: int) -> Witness:
        key = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
        return Witness(f"p{number}", VerifierKey.of(f"w{number}", key, KeyKind.COSIGNATURE))

    many = tuple(witness(number) for number in range(100))
    assert dataclasses.replace(POLICY, witnesses=many[:99]).quorum == 2
    with pytest.raises(FormatError):
        dataclasses.replace(POLICY, witnesses=many)


@SETTINGS
@given(st.tuples(st.integers(0, len(FILE)), st.integers(0, 30), st.text(max_size=3)))
def test_only_policies_come_out_of_files(cut: tuple[int, int, str]) -> None:
    at, removed, added = cut
    try:
        found = policies.parse(FILE[:at] + added + FILE[at + removed :])
    except FormatError:
        return
    assert 1 <= found.outside <= found.quorum <= len(found.witnesses)


@SETTINGS
@given(st.one_of(st.text(), st.lists(st.sampled_from(FILE.splitlines()), max_size=15).map("\n".join)))
def test_only_policies_come_out_of_texts(text: str) -> None:
    try:
        found = policies.parse(text)
    except FormatError:
        return
    assert 1 <= found.outside <= found.quorum <= len(found.witnesses)


# --- judging ------------------------------------------------------------------------------------------------


def test_who_stands_behind_a_checkpoint() -> None:
    standing = POLICY.judge(cosigned(SIGNED, bank=NOW - 30, office=NOW - 10), NOW)
    assert dict(standing.cosigned) == {"bank": NOW - 30, "office": NOW - 10}
    assert standing.missing == ("lender",)
    assert standing.has_quorum
    assert standing.at == NOW - 30
    nobody = POLICY.judge(SIGNED, NOW)
    assert (dict(nobody.cosigned), nobody.missing, nobody.at) == ({}, PARTIES, None)
    assert not nobody.has_quorum
    assert not nobody.is_fresh(NOW, 10**9)


@pytest.mark.parametrize(
    ("quorum", "outside", "times", "parties", "at"),
    [
        (1, 1, {"bank": 5}, (), 5),
        (1, 1, {"bank": 5, "lender": 9}, (), 9),
        (2, 1, {"bank": 5}, (), None),
        (2, 1, {"bank": 5, "lender": 9}, (), 5),
        (2, 1, {"bank": 5, "lender": 9, "office": 7}, (), 7),
        (3, 1, {"bank": 5, "lender": 9, "office": 7}, (), 5),
        (2, 1, {"bank": 5, "lender": 9}, ("bank", "lender"), None),
        (2, 1, {"bank": 5, "lender": 9, "office": 7}, ("bank", "lender"), 7),
        (2, 1, {"bank": 8, "lender": 9, "office": 7}, ("bank", "lender"), 7),  # two since 8, but none outside
        (2, 1, {"bank": 5, "lender": 6, "office": 7}, ("bank", "lender"), 6),
        (2, 2, {"bank": 5, "lender": 9, "office": 7}, ("bank", "lender"), None),
        (2, 2, {"bank": 5, "lender": 9, "office": 7}, ("lender",), 5),
        (2, 2, {"bank": 5, "lender": 9, "office": 7}, ("nobody", "lender", "lender"), 5),
        (1, 1, {"bank": 5}, ("bank",), None),
    ],
)
def test_since_when_a_quorum_stands(
    quorum: int, outside: int, times: dict[str, int], parties: tuple[str, ...], at: int | None
) -> None:
    standing = policy(quorum=quorum, outside=outside).judge(cosigned(SIGNED, **times), NOW, parties)
    assert standing.at == at
    assert standing.has_quorum == (at is not None)


@SETTINGS
@given(
    st.dictionaries(st.sampled_from(PARTIES), st.integers(0, 4)),
    st.sets(st.sampled_from(PARTIES)),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_the_newest_time_by_trying_all(
    times: dict[str, int], parties: set[str], quorum: int, outside: int
) -> None:
    if outside > quorum:
        return
    standing = policy(quorum=quorum, outside=outside).judge(cosigned(SIGNED, **times), NOW, parties)

    def holds(since: int) -> bool:
        counted = {party for party, time in times.items() if time >= since}
        return len(counted) >= quorum and len(counted - parties) >= outside

    assert standing.at == max((since for since in range(5) if holds(since)), default=None)


def test_freshness() -> None:
    standing = POLICY.judge(cosigned(SIGNED, bank=NOW - 600, office=NOW), NOW)
    assert standing.is_fresh(NOW, 600)
    assert not standing.is_fresh(NOW + 1, 600)
    assert not standing.is_fresh(NOW, 599)
    ahead = POLICY.judge(cosigned(SIGNED, bank=NOW + 60, office=NOW + 60), NOW)
    assert ahead.is_fresh(NOW, 0)


def test_what_is_dated_ahead_does_not_count() -> None:
    standing = POLICY.judge(cosigned(SIGNED, bank=NOW + 61, office=NOW + 60), NOW)
    assert dict(standing.cosigned) == {"office": NOW + 60}
    assert standing.missing == ("bank", "lender")
    assert not standing.has_quorum
    assert POLICY.judge(cosigned(SIGNED, bank=NOW + 61, office=NOW + 60), NOW + 1).has_quorum


def test_a_witness_counts_once() -> None:
    twice = with_lines(SIGNED, line(SIGNED, "bank", NOW), line(SIGNED, "bank", NOW - 1), line(SIGNED, "bank", NOW))
    assert not POLICY.judge(twice, NOW).has_quorum
    alias = VerifierKey.parse(ALIAS)
    copied = with_lines(
        SIGNED, line(SIGNED, "bank", NOW), NoteSignature(alias.name, alias.key_id, line(SIGNED, "bank", NOW).blob)
    )
    assert not POLICY.judge(copied, NOW).has_quorum


def test_foreign_witnesses_do_not_count() -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    stranger = VerifierKey.of("lender/witness", key, KeyKind.COSIGNATURE)
    blob = line(SIGNED, "bank", NOW).blob
    foreign = with_lines(SIGNED, line(SIGNED, "bank", NOW), NoteSignature(stranger.name, stranger.key_id, blob))
    assert POLICY.judge(foreign, NOW).missing == ("lender", "office")


def test_a_checkpoint_that_is_not_the_logs_is_refused() -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    good = cosigned(SIGNED, bank=NOW, office=NOW)
    by_another = cosigned(head(7, SIGNED.root, key=stranger), bank=NOW, office=NOW)
    with pytest.raises(SignatureError, match="not signed"):
        POLICY.judge(by_another, NOW)
    unsigned = checkpoint.Checkpoint(note.Note(good.note.text, good.note.signatures[1:]))
    with pytest.raises(SignatureError, match="not signed"):
        POLICY.judge(unsigned, NOW)
    for origin in ("other.example/log", ORIGIN + "/", ORIGIN.upper()):
        with pytest.raises(SignatureError, match="a checkpoint of"):
            POLICY.judge(cosigned(head(7, SIGNED.root, origin), bank=NOW, office=NOW), NOW)


def test_altered_checkpoints_are_refused() -> None:
    good = cosigned(SIGNED, bank=NOW, office=NOW)
    for text in (
        checkpoint.text(ORIGIN, 8, SIGNED.root),
        checkpoint.text(ORIGIN, 7, bytes(32)),
        SIGNED.note.text + "an extension\n",
    ):
        with pytest.raises(SignatureError):
            POLICY.judge(checkpoint.Checkpoint(note.Note(text, good.note.signatures)), NOW)
        # Even if the log signs it anew, the witnesses have not.
        own = note.sign(text, ORIGIN, LOG)
        with pytest.raises(SignatureError, match="bank/witness"):
            POLICY.judge(checkpoint.Checkpoint(note.Note(text, (own, *good.note.signatures[1:]))), NOW)


def test_what_was_judged_does_not_change() -> None:
    standing = POLICY.judge(cosigned(SIGNED, bank=NOW), NOW)
    with pytest.raises(TypeError):
        standing.cosigned["office"] = NOW  # type: ignore[index]
    assert hash(standing) == hash(POLICY.judge(cosigned(SIGNED, bank=NOW), NOW))
