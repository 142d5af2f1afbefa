"""A bank and a provider that align cohorts, over the provider's own store, with messages as bytes between them."""

import csv
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from compute.at_rest import AtRest
from compute.canonical import Message, decode, encode
from compute.node.provider.alignments import AlignmentStore
from compute.protocols.alignment.bank import Asked, BankAlignment, align, begin
from compute.protocols.alignment.messages import Align, AlignmentStatement, AlignReturn
from compute.protocols.alignment.provider import Aligner, Held, Limits
from compute.protocols.base import RefusalError, Refused
from compute.signing import Pin, sign

CODES = Path(__file__).parents[1] / "examples" / "sba" / "market_regulation.csv"
BANK, RIVAL, PROVIDER = "bank", "rival", "tax"
NOW = 1_800_000_000_000
KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in (BANK, RIVAL, PROVIDER)}
PINS = {
    name: Pin("provider" if name == PROVIDER else "consumer", key.public_key().public_bytes_raw())
    for name, key in KEYS.items()
}
AT_REST = AtRest(bytes(range(32)))
LIMITS = Limits(contract_alignments=3, bank_ids=1000)


@cache
def companies(count: int) -> tuple[str, ...]:
    """Give so many of the example's companies."""
    with CODES.open(encoding="utf-8") as file:
        return tuple(row[0] for row in islice(csv.reader(file), 1, count + 1))


def asked(contract: str = "contract-1", cohort: str = "loans") -> Asked:
    return Asked(contract, "permit-1", cohort, PROVIDER, "register", "1.0.0", "contract")


def begun(
    subjects: Sequence[str], what: Asked | None = None, bank: str = BANK, now: int = NOW
) -> tuple[BankAlignment, Align]:
    return begin(bank, KEYS[bank], what or asked(), subjects, now)


def forged(message: Align, points: Sequence[bytes], **changes: object) -> Align:
    """The message with these points and members, truly signed by the bank that it names."""
    data = b"".join(points)
    committed = {"points": hashlib.sha256(data).digest(), "rows": len(points), **changes}
    statement: AlignmentStatement = msgspec.structs.replace(message.statement.statement, **committed)
    return Align(statement=sign(statement, statement.bank, KEYS[statement.bank]), points=data)


class Office:
    """A provider of these rows, whose clock and permits a test turns; a transport to it."""

    def __init__(
        self,
        engine: Engine,
        subjects: Sequence[str],
        limits: Limits = LIMITS,
        admit: Callable[[AlignmentStatement], None] = lambda _statement: None,
    ) -> None:
        self.now, self.store = NOW, AlignmentStore(engine, AT_REST)
        held = Held("register", "1.0.0", subjects)
        self.aligner = Aligner(PROVIDER, PINS, held, self.store, admit, limits, lambda: self.now)
        self.sent: list[bytes] = []
        """The replies."""

    def exchange(self, recipient: str, data: bytes) -> bytes:
        assert recipient == PROVIDER
        expected: Any = Align | AlignReturn
        message: Message = decode(data, expected)
        reply: Message
        try:
            reply = self._replied(message)
        except RefusalError as error:
            reply = Refused(party=PROVIDER, check=error.check, reason=error.reason, remedy=error.remedy)
        self.sent.append(encode(reply))
        return self.sent[-1]

    def _replied(self, message: Message) -> Message:
        if isinstance(message, Align):
            return self.aligner.align(message)
        assert isinstance(message, AlignReturn)
        return self.aligner.complete(message)

    def align(self, subjects: Sequence[str], what: Asked | None = None, bank: str = BANK) -> BankAlignment:
        """Align a cohort honestly, from end to end."""
        begun_one, message = begun(subjects, what, bank, self.now)
        align(self, begun_one, message, declared_rows=10**6)
        return begun_one

    def matched(self, alignment: BankAlignment) -> dict[str, str]:
        """Give the provider's subject of each of the bank's that was matched to one."""
        cohort = self.store.cohort(alignment.name)
        assert cohort is not None
        pairs = zip(alignment.subjects, cohort.subjects, strict=True)
        return {own: theirs for own, theirs in pairs if theirs is not None}
