"""Which log, which witnesses, and how many of them must have seen a checkpoint before it counts: the quorum.

Whoever reads the log holds such a policy, from elsewhere than from the log. It is a TOML file:

    max_age = 600    # seconds; how old the newest checkpoint with a quorum may be
    quorum = 2       # witnesses that must have cosigned
    outside = 1      # of these, so many at least that are no party of the contract concerned

    [log]
    party = "market"                             # who runs it
    key = "market.example/log+4c69b67d+AR…"      # its name is the log's origin
    url = "https://market.example:8443/log"

    [operator]       # optional: who admits parties
    name = "operator"
    public_key = "<base64 of 32 bytes>"

    [[witnesses]]
    party = "model-review-office"
    key = "model-review-office/witness+83f1c2aa+BH…"
    url = "https://127.0.0.1:8444/witness"       # optional: without it the witness fetches by itself

A quorum is worth as much as its witnesses are apart: one party, one name and one public key are one witness, and
the log is none of its own. Parties to a contract might together show others a log of their own: hence `outside`.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar

from audit.checkpoint import Checkpoint
from audit.cosignature import cosigners, merged
from audit.errors import FormatError, SignatureError
from audit.note import KEY_SIZE, MAX_SIGNATURES, KeyKind, VerifierKey, decode_base64, verify

T = TypeVar("T")

MAX_SIZE = 65_536  # characters of a policy
MAX_LINE = 1024  # characters; tomllib needs quadratic time for a key of many dotted parts
MAX_AGE = 10 * 365 * 86_400  # seconds
MAX_WITNESSES = MAX_SIGNATURES - 1  # the log signs the note too
MAX_AHEAD = 60  # seconds by which a witness's clock may be ahead

_PARTY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")  # as in an entry
_URL = re.compile(r"https://[A-Za-z0-9.:\[\]-]{1,255}(/[A-Za-z0-9._~%-]{1,255}){0,8}")  # paths are added after it


@dataclass(frozen=True)
class Witness:
    """A party that vouches for having seen the log only grow."""

    party: str
    key: VerifierKey  # of kind COSIGNATURE
    url: str | None = None  # where it is asked; None if it fetches by itself

    def __post_init__(self) -> None:
        _require_match("witnesses.party", _PARTY, self.party)
        if self.key.kind is not KeyKind.COSIGNATURE:
            raise FormatError(f"witnesses: the key of {self.party} is not of the kind for cosignatures")
        if self.url is not None:
            _require_match("witnesses.url", _URL, self.url)


@dataclass(frozen=True)
class Operator:
    """Who admits parties to the market."""

    name: str
    public_key: bytes  # 32 bytes, RFC 8032

    def __post_init__(self) -> None:
        _require_match("operator.name", _PARTY, self.name)
        if len(self.public_key) != KEY_SIZE:
            raise FormatError(f"operator.public_key: not {KEY_SIZE} bytes")


@dataclass(frozen=True)
class Standing:
    """Which witnesses stand behind a checkpoint."""

    cosigned: Mapping[str, int] = field(hash=False)  # by party, the newest time in seconds since 1970-01-01
    missing: tuple[str, ...]  # parties
    at: int | None  # the newest time such that a quorum has cosigned at it or later; None without a quorum

    @property
    def has_quorum(self) -> bool:
        """Whether as many witnesses, and as many of them outside, have cosigned as the policy asks for."""
        return self.at is not None

    def is_fresh(self, now: int, max_age: int) -> bool:
        """Whether a quorum stands and did so at most `max_age` seconds before `now`."""
        return self.at is not None and now - self.at <= max_age


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A log and the quorum asked for. Making one that cannot be met, or counts twice, raises FormatError."""

    party: str  # who runs the log
    log: VerifierKey  # of kind ED25519; its name is the log's origin
    log_url: str
    witnesses: tuple[Witness, ...]
    quorum: int
    outside: int
    max_age: int  # seconds
    operator: Operator | None = None

    def __post_init__(self) -> None:
        if self.log.kind is not KeyKind.ED25519:
            raise FormatError("log.key: not of the kind for notes")
        _require_match("log.party", _PARTY, self.party)
        _require_match("log.url", _URL, self.log_url)
        _require_range("max_age", self.max_age, MAX_AGE)
        if len(self.witnesses) > MAX_WITNESSES:
            raise FormatError(f"witnesses: more than {MAX_WITNESSES}")
        _require_range("quorum", self.quorum, len(self.witnesses))
        _require_range("outside", self.outside, self.quorum)
        _require_distinct("party", [witness.party for witness in self.witnesses])
        _require_distinct("name", [witness.key.name for witness in self.witnesses])
        keys = [witness.key.public_key for witness in self.witnesses]
        _require_distinct("public key", keys)
        if self.log.public_key in keys:
            raise FormatError("witnesses: the log's own key")

    def judge(self, checkpoint: Checkpoint, now: int, parties: Collection[str] = ()) -> Standing:
        """Which witnesses stand behind the checkpoint, at `now` in seconds since 1970-01-01.

        1. The log names itself as it is known, and
        2. its own signature is on the checkpoint; otherwise SignatureError.
        3. No line that names the log's or a witness's key is false; otherwise SignatureError.
        4. Each witness counts once. A cosignature from more than 60 seconds after `now` does not count.
        5. A quorum needs `outside` cosigners that are none of `parties`: those of the contract concerned.
        """
        note = checkpoint.note
        if checkpoint.origin != self.log.name:  # 1
            raise SignatureError(f"a checkpoint of {checkpoint.origin!r:.80}, and not of {self.log.name}")
        if not verify(note, [self.log]):  # 2, 3
            raise SignatureError(f"the checkpoint is not signed by {self.log.name}")
        times = cosigners(note, [witness.key for witness in self.witnesses], now + MAX_AHEAD)  # 3, 4
        cosigned = {
            witness.party: times[witness.key.public_key]
            for witness in self.witnesses
            if witness.key.public_key in times
        }
        return Standing(
            MappingProxyType(cosigned),
            tuple(witness.party for witness in self.witnesses if witness.party not in cosigned),
            self._since(cosigned, parties),
        )

    def joined(self, one: Checkpoint, other: Checkpoint, now: int) -> Checkpoint:
        """Two notes of one text, both judged before, as one: with the newest cosignature of each witness."""
        keys = [witness.key for witness in self.witnesses]
        lines = merged([one.note, other.note], keys, now + MAX_AHEAD)  # 4
        return Checkpoint(replace(one.note, signatures=(one.note.by(self.log)[0], *lines)))

    def _since(self, cosigned: Mapping[str, int], parties: Collection[str]) -> int | None:
        newest = sorted(cosigned.values(), reverse=True)
        outside = sorted((cosigned[party] for party in cosigned.keys() - set(parties)), reverse=True)
        if len(newest) < self.quorum or len(outside) < self.outside:  # 5
            return None
        return min(newest[self.quorum - 1], outside[self.outside - 1])


def parse(text: str) -> Policy:
    """The policy of this TOML; raises FormatError, which names the key, for anything else than such a policy."""
    if len(text) > MAX_SIZE:
        raise FormatError(f"a policy of {len(text)} characters is over the limit of {MAX_SIZE}")
    if any(len(line) > MAX_LINE for line in text.split("\n")):
        raise FormatError(f"a line of the policy is over the limit of {MAX_LINE} characters")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not TOML: {error}") from error
    top = _members(
        "",
        document,
        {"max_age": int, "quorum": int, "outside": int, "log": dict, "witnesses": list},
        {"operator": dict},
    )
    log = _members("log.", top["log"], {"party": str, "key": str, "url": str})
    return Policy(
        party=log["party"],
        log=_read(VerifierKey.parse, "log.key", log["key"]),
        log_url=log["url"],
        witnesses=tuple(_witness(table) for table in top["witnesses"]),
        quorum=top["quorum"],
        outside=top["outside"],
        max_age=top["max_age"],
        operator=_operator(top["operator"]) if "operator" in top else None,
    )


def _witness(table: object) -> Witness:
    found = _members("witnesses.", table, {"party": str, "key": str}, {"url": str})
    return Witness(found["party"], _read(VerifierKey.parse, "witnesses.key", found["key"]), found.get("url"))


def _operator(table: object) -> Operator:
    found = _members("operator.", table, {"name": str, "public_key": str})
    return Operator(found["name"], _read(decode_base64, "operator.public_key", found["public_key"]))


def _read(parser: Callable[[str], T], where: str, text: str) -> T:
    try:
        return parser(text)
    except FormatError as error:
        raise FormatError(f"{where}: {error}") from error


def _members(
    where: str, table: object, required: Mapping[str, type], optional: Mapping[str, type] = MappingProxyType({})
) -> dict[str, Any]:
    """The table, if it has these members and no others, of these types; else FormatError."""
    if type(table) is not dict:
        raise FormatError(f"{where.rstrip('.')}: not a table")
    types = {**required, **optional}
    for name in sorted(table.keys() - types.keys()):
        raise FormatError(f"{where}{name!r:.80}: unknown")
    for name in sorted(required.keys() - table.keys()):
        raise FormatError(f"{where}{name}: missing")
    for name, value in table.items():
        if type(value) is not types[name]:  # bool is an int, and no count
            raise FormatError(f"{where}{name}: not of type {types[name].__name__}")
    return table


def _require_match(name: str, pattern: re.Pattern[str], value: str) -> None:
    if not pattern.fullmatch(value):
        raise FormatError(f"{name}: not a text of the form {pattern.pattern}")


def _require_range(name: str, value: int, high: int) -> None:
    if type(value) is not int or not 1 <= value <= high:
        raise FormatError(f"{name}: not an integer from 1 to {high}")


def _require_distinct(what: str, values: Collection[object]) -> None:
    if len(set(values)) != len(values):
        raise FormatError(f"witnesses: one {what} twice")
