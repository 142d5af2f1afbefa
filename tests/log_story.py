"""A log with a story, as the files that it serves: parties that are enrolled, and uses of data in their halves."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import checkpoint as checkpoints
from audit import policy as policies
from audit.checkpoint import Checkpoint
from audit.cosignature import cosign
from audit.entry import Entry, EntryKind, Event, encode, new_id, sign
from audit.merkle import Frontier, leaf_hash
from audit.note import KeyKind, Note, VerifierKey
from audit.policy import Policy
from audit.tile import FULL_WIDTH, HEIGHT, Bundle, Tile, bundle_encode

NOW = 1_795_000_000  # seconds
ORIGIN, MARKET, OPERATOR = "market.example/log", "market", "operator"
BANK, TAX, LABOUR, OFFICE = "bank", "market-regulation", "social-security", "review-office"
CONTRACT = "bank.loans-1"
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number + 1]) * 32)
    for number, name in enumerate((MARKET, OPERATOR, BANK, TAX, LABOUR, OFFICE, "stranger"))
}
WITNESSES = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number + 101]) * 32)
    for number, name in enumerate((BANK, TAX, OFFICE))
}


def policy_text(quorum: int = 3, outside: int = 1, max_age: int = 600) -> str:
    """The policy of the log; by default every witness is needed."""
    operator = base64.b64encode(KEYS[OPERATOR].public_key().public_bytes_raw()).decode()
    lines = [
        f"max_age = {max_age}\nquorum = {quorum}\noutside = {outside}",
        f'[log]\nparty = "{MARKET}"\nkey = "{VerifierKey.of(ORIGIN, KEYS[MARKET]).encode()}"',
        'url = "https://market.example:8443/log"',
        f'[operator]\nname = "{OPERATOR}"\npublic_key = "{operator}"',
    ]
    for name, key in WITNESSES.items():
        vkey = VerifierKey.of(f"{name}/witness", key, KeyKind.COSIGNATURE).encode()
        lines.append(f'[[witnesses]]\nparty = "{name}"\nkey = "{vkey}"')
    return "\n".join(lines) + "\n"


def policy(quorum: int = 3, outside: int = 1, max_age: int = 600) -> Policy:
    return policies.parse(policy_text(quorum, outside, max_age))


@dataclass
class Teller:
    """Signs events as their nodes do, each with its next number."""

    counters: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def tell(
        self,
        node: str,
        kind: EntryKind,
        counterparty: str | None = None,
        contract: str | None = None,
        job: str | None = None,
        key: Ed25519PrivateKey | None = None,
        **detail: str | int,
    ) -> Entry:
        number = self.counters[node, contract] = self.counters.get((node, contract), 0) + 1
        event = Event(
            id=new_id(node, f"{contract} {number}".encode()),
            kind=kind,
            time=NOW * 1000 + number,
            node=node,
            contract=contract,
            counterparty=counterparty,
            job=job,
            detail=detail,
        )
        return sign(event, number, key or KEYS[node])

    def enrol(self, name: str, by: str = OPERATOR) -> Entry:
        """The market's entry about a party, with the signature of who admits it."""
        public_key = base64.b64encode(KEYS[name].public_key().public_bytes_raw()).decode()
        record = {
            "base_url": None,
            "kind": "provider",
            "name": name,
            "public_key": public_key,
            "type": "party_record",
        }
        statement = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
        admission = KEYS[by].sign(f"veilmart/signed/v1\nintl\n{OPERATOR}\n".encode() + statement)
        return self.tell(
            MARKET,
            EntryKind.PARTY_ENROLLED,
            name,
            party_kind="provider",
            public_key=public_key,
            admission=base64.b64encode(admission).decode(),
        )

    def use(self, number: int, provider: str = TAX, contract: str = CONTRACT) -> list[Entry]:
        """A use of data, all four halves."""
        job, answer = f"{number:064x}", f"{number + 2**128:064x}"
        return [
            self.tell(BANK, EntryKind.QUERY_SENT, provider, contract, job, rows=3),
            self.tell(provider, EntryKind.QUERY_RECEIVED, BANK, contract, job, rows=3),
            self.tell(provider, EntryKind.ANSWER_SENT, BANK, contract, job, rows=3, answer=answer),
            self.tell(BANK, EntryKind.ANSWER_RECEIVED, provider, contract, job, answer=answer),
        ]


def told(teller: Teller | None = None) -> Iterator[Entry]:
    """The story, as long as one likes: two parties are enrolled, then they use data; a third comes later."""
    teller = teller or Teller()
    yield teller.enrol(BANK)
    yield teller.enrol(TAX)
    yield teller.tell(MARKET, EntryKind.CONTRACT_SIGNED, BANK, CONTRACT, terms="ab" * 32)
    yield from teller.use(0)
    yield teller.enrol(LABOUR)
    number = 0
    while True:
        number += 1
        yield from teller.use(number, (TAX, LABOUR)[number % 2], CONTRACT if number % 3 else "bank.loans-2")


def leaves(size: int) -> list[bytes]:
    """The bytes of the story's first entries."""
    return [encode(entry) for _, entry in zip(range(size), told(), strict=False)]


def checkpoint(
    entries: Sequence[bytes], time: int = NOW, witnesses: Sequence[str] = tuple(WITNESSES), origin: str = ORIGIN
) -> Checkpoint:
    """The log's checkpoint over these entries, cosigned by these witnesses at this time."""
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    signed = checkpoints.parse(checkpoints.signed(origin, frontier.size, frontier.root(), KEYS[MARKET]))
    return cosigned(signed, time, witnesses)


def cosigned(signed: Checkpoint, time: int = NOW, witnesses: Sequence[str] = tuple(WITNESSES)) -> Checkpoint:
    note = signed.note
    lines = [cosign(note.text, f"{name}/witness", WITNESSES[name], time) for name in witnesses]
    return Checkpoint(Note(note.text, (*note.signatures, *lines)))


def lay(folder: Path, entries: Sequence[bytes], head: Checkpoint | None = None) -> Path:
    """Write the files that a log of these entries serves, whatever they are; give the folder."""
    frontier, rows = Frontier(), dict[tuple[int, int], list[bytes]]()
    for entry in entries:
        for level, index, node in frontier.append(leaf_hash(entry)):
            if level % HEIGHT == 0:
                rows.setdefault((level // HEIGHT, index // FULL_WIDTH), []).append(node)
    for (level, index), row in rows.items():
        put(folder / Tile(level, index, len(row)).path, b"".join(row))
    for first in range(0, len(entries), FULL_WIDTH):
        bundle = list(entries[first : first + FULL_WIDTH])
        put(folder / Bundle(first // FULL_WIDTH, len(bundle)).path, bundle_encode(bundle))
    put(folder / "checkpoint", (head or checkpoint(entries)).encode())
    return folder


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def flip(path: Path, offset: int, bit: int = 1) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= bit
    path.write_bytes(data)


def without_progress(told: str) -> str:
    """What a program says on stderr beside its progress, which it shows where the machine is slow."""
    return "".join(line for line in told.splitlines(keepends=True) if "left 剩余" not in line)
