"""A large log for the benchmarks: uses of data in their four halves, under fifty contracts, signed by nodes."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Checkpoint
from audit.cosignature import cosign
from audit.database import open_engine
from audit.entry import Entry, EntryKind, Event, Value, new_id, sign
from audit.log import Log
from audit.note import KeyKind, Note, VerifierKey
from audit.policy import Policy, Witness
from audit.storage.batch import Signer
from audit.verifying.files import LogFiles, copy
from compute.signing import LOG_KEY, derived_key

GROUP = 1000
CONTRACTS = 50
NOW = 1_795_000_000_000
"""Milliseconds."""

ORIGIN, MARKET, BANK, PROVIDER = "market.example/log", "market", "bank", "market-regulation"
IDENTITY = Ed25519PrivateKey.from_private_bytes(b"\x55" * 32)
"""The marketplace's own key, from which that of its log follows."""
_KEYS = {
    MARKET: derived_key(IDENTITY, LOG_KEY),
    BANK: Ed25519PrivateKey.from_private_bytes(b"\1" * 32),
    PROVIDER: Ed25519PrivateKey.from_private_bytes(b"\2" * 32),
}
_WITNESS = Ed25519PrivateKey.from_private_bytes(b"\x77" * 32)


def policy() -> Policy:
    """Of the log, with one witness."""
    return Policy(
        party=MARKET,
        log=VerifierKey.of(ORIGIN, _KEYS[MARKET]),
        log_url="https://market.example/log",
        witnesses=(Witness("office", VerifierKey.of("office/witness", _WITNESS, KeyKind.COSIGNATURE)),),
        quorum=1,
        outside=1,
        max_age=600,
    )


@contextmanager
def open_log(folder: Path) -> Iterator[Log]:
    """The log in `log.db` of this folder."""
    engine = open_engine(folder / "log.db")
    try:
        yield Log(engine, Signer(ORIGIN, MARKET, _KEYS[MARKET], lambda: NOW))
    finally:
        engine.dispose()


def make(folder: Path, size: int) -> None:
    """Write a log of so many entries, and its files."""
    with open_log(folder) as log:
        entries = signed_entries()
        for first in range(0, size, GROUP):
            log.append_many(next(entries) for _ in range(min(GROUP, size - first)))
        copy(LogFiles(log), folder / "files")
        head = log.checkpoint().note
    line = cosign(head.text, "office/witness", _WITNESS, NOW // 1000)
    whole = Checkpoint(Note(head.text, (*head.signatures, line)))
    (folder / "files" / "checkpoint").write_bytes(whole.encode())


def signed_entries() -> Iterator[Entry]:
    """The parties' enrolment, then uses of data in their four halves, under fifty contracts in turn."""
    counters: dict[tuple[str, str | None], int] = defaultdict(int)

    def tell(node: str, kind: EntryKind, about: str | None, other: str, job: str | None, **detail: Value) -> Entry:
        counters[node, about] += 1
        number = counters[node, about]
        event = Event(
            id=new_id(node, f"{about} {number}".encode()),
            kind=kind,
            time=NOW,
            node=node,
            contract=about,
            counterparty=other,
            job=job,
            detail=detail,
        )
        return sign(event, number, _KEYS[node])

    for party in (BANK, PROVIDER):
        key = b64encode(_KEYS[party].public_key().public_bytes_raw()).decode()
        yield tell(MARKET, EntryKind.PARTY_ENROLLED, None, party, None, public_key=key, party_kind="provider")
    number = 0
    while True:
        number += 1
        job, answer, about = f"{number:064x}", f"{number + 2**128:064x}", f"contract-{number % CONTRACTS}"
        use: dict[str, Value] = {
            "rows": 1000,
            "fields": ("naics", "franchise"),
            "purpose": "credit_approval",
            "legal_basis": "consent",
        }
        yield tell(BANK, EntryKind.QUERY_SENT, about, PROVIDER, job, rows=1000, approval="ab" * 32)
        yield tell(PROVIDER, EntryKind.QUERY_RECEIVED, about, BANK, job, **use)
        yield tell(PROVIDER, EntryKind.ANSWER_SENT, about, BANK, job, answer=answer, **use)
        yield tell(BANK, EntryKind.ANSWER_RECEIVED, about, PROVIDER, job, answer=answer)
