"""Goes through a log's entries from the first on and holds each to the rules that bind whoever writes the log.

The numbers stand again at the lines that do it:

 1. an entry is of the log's own party, or of one that an earlier entry of the log's party enrolled;
 2. where the operator's key is known, the operator's signature on that enrolment stands in that entry;
 3. its counter is the next of its node about its contract;
 4. its node signed it, with the key of its enrolment: whose that is is said here, and the caller checks it, since
    that is what takes time and can be shared out.
"""

import base64
import json
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.entry import Entry, EntryKind
from audit.errors import Damage, TamperingError
from audit.policy import Operator


@dataclass
class Replay:
    """What is known after so many entries: the parties' keys, and what their nodes have counted to."""

    party: str
    """Who runs the log."""
    key: bytes
    """The log's, raw Ed25519: its party's own entries are signed with it."""
    operator: Operator | None = None
    """Who admits parties, if its key is known."""
    _keys: dict[str, bytes] = field(default_factory=dict)
    _counters: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def take(self, index: int, entry: Entry) -> bytes:
        """Give the raw Ed25519 key that must have signed the entry at this index (4).

        Raises TamperingError where a rule is broken.
        """
        key = self.count(index, entry.node, entry.contract, entry.counter)
        if entry.kind is EntryKind.PARTY_ENROLLED:
            self.enrol(index, entry)
        return key

    def count(self, index: int, node: str, contract: str | None, counter: int) -> bytes:
        """Take what an entry says of itself, all but an enrolment, which `enrol` takes behind it; see `take`."""
        key = self.key if node == self.party else self._keys.get(node)
        if key is None:  # 1
            raise TamperingError(Damage.NOT_ENROLLED, index, f"entry {index}: {node} was not enrolled before it")
        expected = self._counters.get((node, contract), 0) + 1
        if counter != expected:  # 3
            about = "no contract" if contract is None else contract
            problem = f"entry {index}: number {counter} of {node} about {about}, where {expected} is due"
            raise TamperingError(Damage.GAP, index, problem)
        self._counters[node, contract] = expected
        return key

    @property
    def counters(self) -> dict[tuple[str, str | None], int]:
        """The last counter of each node about each contract."""
        return dict(self._counters)

    @property
    def keys(self) -> dict[str, bytes]:
        """The keys of the log's party and of all that were enrolled so far; it is not changed by what comes."""
        return {**self._keys, self.party: self.key}

    def enrol(self, index: int, entry: Entry) -> None:
        """Take the enrolment in an entry of that kind; raises TamperingError for one that breaks a rule."""
        name, detail = str(entry.counterparty), entry.detail
        try:
            key = base64.b64decode(str(detail["public_key"]), validate=True)
            Ed25519PublicKey.from_public_bytes(key)
            if self.operator is not None:
                _check_admission(entry, self.operator)  # 2
        except (KeyError, ValueError, InvalidSignature) as error:
            problem = f"entry {index}: {name} is not enrolled by the operator, or under no key"
            raise TamperingError(Damage.NOT_ENROLLED, index, problem) from error
        if entry.node != self.party or name in {*self._keys, self.party}:  # 1
            problem = f"entry {index}: {name} is enrolled a second time, or not by {self.party}"
            raise TamperingError(Damage.NOT_ENROLLED, index, problem)
        self._keys[name] = key


def _check_admission(entry: Entry, operator: Operator) -> None:
    """Check the operator's signature on the party's record, made as `compute.signing.sign` does.

    Raises InvalidSignature, KeyError or ValueError.
    """
    detail = entry.detail
    record = {
        "base_url": detail.get("base_url"),
        "kind": detail["party_kind"],
        "name": entry.counterparty,
        "public_key": detail["public_key"],
        "type": "party_record",
    }
    statement = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    signed = f"veilmart/signed/v1\nintl\n{operator.name}\n".encode() + statement
    Ed25519PublicKey.from_public_bytes(operator.public_key).verify(
        base64.b64decode(str(detail["admission"]), validate=True), signed
    )
