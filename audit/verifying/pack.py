"""Evidence packs: everything that a log has about one contract, in a file that is checked offline.

    manifest.json                 SHA-256 of every other file
    checkpoint                    of the log, with the cosignatures of its witnesses
    policy.toml                   by which it was made; whoever checks uses their own
    entries/NNNNNNNNNN.json       the entries about the contract, and those that enrolled who signed them
    proofs/NNNNNNNNNN.tlog-proof  that each is in the log (C2SP tlog-proof), under that checkpoint
    terms/SHA-256.json            the terms, where who made the pack may read them
    report.html                   for people; follows from the rest
    verify.pyz                    the verifier

The numbers stand again at the lines that do it:

 1. the archive has the one form that its files have, so no byte of it is without meaning; the manifest names
    exactly these files, with their digests;
 2. the log of the policy has signed the checkpoint, and a quorum of witnesses, those outside the contract among
    them, stands behind it;
 3. every entry is in the log, at its index, under that checkpoint;
 4. every entry is canonical, and about the contract or an enrolment;
 5. the log's party enrolled each node before its entries, on the operator's word, and each has signed its own;
 6. every node's numbers about the contract run from 1 without a gap: none of its entries is left out;
 7. the terms are those whose digest an entry names;
 8. the report is what follows from all this: one that is not is told, since another version writes it otherwise.

What nothing here can show: entries of a node after its last one in the pack, if the log has any. Whoever needs to
know verifies the log itself, or asks for a newer pack.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from audit import checkpoint as checkpoints
from audit import policy as policies
from audit import receipt as receipts
from audit.checkpoint import Checkpoint
from audit.entry import Entry, EntryKind
from audit.errors import Damage, FormatError, ProofError, SignatureError, TamperingError
from audit.policy import Policy, Standing
from audit.receipt import Receipt
from audit.replay import Replay
from audit.verifying.halves import Finding, Halves, half_of
from audit.verifying.pieces import read, require_signed

FORMAT = "veilmart/evidence/v1"
MAX_FILES = 400_000
MAX_SIZE = 1 << 30  # bytes of a pack
_ENTRY = re.compile(r"entries/([0-9]{10,19})\.json")
_TERMS = re.compile(r"terms/([0-9a-f]{64})\.json")
_FIXED = ("checkpoint", "policy.toml", "report.html", "verify.pyz")
_CONTRACT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can say
_UNIX = 3
# RuntimeError: the archive says that a file is encrypted.
_UNREADABLE = (
    zipfile.BadZipFile,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    NotImplementedError,
    EOFError,
    OSError,
    RuntimeError,
)


@dataclass(frozen=True)
class Evidence:
    """What a pack shows, once it was checked."""

    contract: str
    checkpoint: Checkpoint
    standing: Standing
    entries: tuple[tuple[int, Entry], ...]
    """About the contract, with their indices."""
    enrolments: tuple[tuple[int, Entry], ...]
    findings: tuple[Finding, ...]
    terms: Mapping[str, bytes]
    """By their SHA-256, in hex."""
    is_admitted: bool
    """Whether the operator's signatures on the enrolments were checked: the policy names the operator."""


def entry_name(index: int) -> str:
    """The name of an entry's file."""
    return f"entries/{index:010d}.json"


def proof_name(index: int) -> str:
    """The name of the file of an entry's proof."""
    return f"proofs/{index:010d}.tlog-proof"


def assemble(contract: str, files: Mapping[str, bytes]) -> bytes:
    """The pack of these files, with their manifest: the same bytes for the same files."""
    return archive({**files, "manifest.json": _manifest(contract, files)})


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of these files by their names, not compressed: the same bytes for the same files."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as made:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name, _MOMENT)
            info.create_system, info.external_attr = _UNIX, 0o644 << 16
            made.writestr(info, data, zipfile.ZIP_STORED)
    return whole.getvalue()


def unpack(data: bytes) -> tuple[str, dict[str, bytes]]:
    """The contract and the files of a pack, all that its manifest names and no others (1).

    Raises FormatError for what is no pack, TamperingError for one that is not as it was made.
    """
    if len(data) > MAX_SIZE:
        raise FormatError(f"a pack of {len(data)} bytes is over the limit of {MAX_SIZE}")
    try:
        files = _files(data)
        manifest = json.loads(files.pop("manifest.json").decode())
        contract, digests = manifest["contract"], manifest["files"]
        if manifest["format"] != FORMAT or not _CONTRACT.fullmatch(contract):
            raise FormatError(f"not a pack of the form {FORMAT}")
        differing = sorted(name for name in {*files, *digests} if _digest(files.get(name)) != digests.get(name))
    except _UNREADABLE as error:
        raise FormatError(f"not a pack: {error}") from error
    if differing:
        raise TamperingError(Damage.CHANGED, None, f"{differing[0]!r:.80}: not the file of the manifest")
    if assemble(contract, files) != data:
        raise TamperingError(Damage.CHANGED, None, "the archive holds something beside its files")
    return contract, files


def check(contract: str, files: Mapping[str, bytes], policy: Policy, now: int) -> Evidence:
    """What the files of a pack show at `now`, in seconds since 1970-01-01, all but the report checked.

    Raises TamperingError for what does not hold, FormatError for a file that is none.
    """
    for name in _FIXED:
        if name not in files:
            raise FormatError(f"{name}: missing")
    _require_known(files)
    checkpoint = checkpoints.parse(files["checkpoint"])
    entries = dict(_entries(files, checkpoint))  # 3, 4
    about = {index: entry for index, entry in entries.items() if entry.contract == contract}
    enrolments = {index: entry for index, entry in entries.items() if index not in about}
    if not about:
        raise FormatError(f"no entry about {contract} in it")
    standing = _standing(policy, checkpoint, about, now)  # 2
    _replay(policy, contract, about, enrolments)  # 5, 6
    terms = _terms(files, about)  # 7
    halves = Halves()
    for index, entry in about.items():
        if (half := half_of(entry)) is not None:
            halves.take(index, half)
    return Evidence(
        contract,
        checkpoint,
        standing,
        tuple(about.items()),
        tuple(enrolments.items()),
        tuple(halves.findings()),
        terms,
        policy.operator is not None,
    )


def remarks(files: Mapping[str, bytes], policy: Policy, report: bytes) -> Iterator[str]:
    """What whoever checks should know, and is no damage; `report` is the one that follows from the evidence."""
    try:
        is_own = policies.parse(files["policy.toml"].decode()) == policy
    except (FormatError, UnicodeDecodeError):
        is_own = False
    if not is_own:
        yield "the pack's policy.toml is not yours; yours was used 证据包内的策略与您的不同,已按您的策略核验"
    if files["report.html"] != report:  # 8
        yield "report.html is not what this verifier writes: do not rely on it 报告与本验证程序所出不同,不可依赖"
    if policy.operator is None:
        yield "the policy names no operator: who admitted the parties was not checked 策略未列运营机构,未核验准入"


def _manifest(contract: str, files: Mapping[str, bytes]) -> bytes:
    told = {"contract": contract, "files": {name: _digest(data) for name, data in files.items()}, "format": FORMAT}
    return json.dumps(told, sort_keys=True, indent=1).encode() + b"\n"


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        infos = opened.infolist()
        if len(infos) > MAX_FILES or len({info.filename for info in infos}) != len(infos):
            raise FormatError(f"more than {MAX_FILES} files, or two of one name")
        # Together, too: many names can share the same bytes of an archive.
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos) or sum(
            info.file_size for info in infos
        ) > len(data):
            raise FormatError("a file in it is compressed, or shares its bytes with another")
        return {info.filename: opened.read(info) for info in infos}


def _require_known(files: Mapping[str, bytes]) -> None:
    for name in files:
        entry = _ENTRY.fullmatch(name)
        if entry is not None and entry_name(int(entry[1])) == name and proof_name(int(entry[1])) in files:
            continue
        is_proof = (
            name.startswith("proofs/")
            and name.replace("proofs/", "entries/").replace(".tlog-proof", ".json") in files
        )
        if name not in _FIXED and not is_proof and not _TERMS.fullmatch(name):
            raise FormatError(f"{name!r:.80}: no file of a pack, or one without its proof")


def _entries(files: Mapping[str, bytes], checkpoint: Checkpoint) -> Iterator[tuple[int, Entry]]:
    """The entries in the order of the log, each proven to be in it."""
    indices = sorted(int(match[1]) for name in files if (match := _ENTRY.fullmatch(name)))
    for index in indices:
        data, receipt = files[entry_name(index)], receipts.parse(files[proof_name(index)])
        _require_included(index, data, receipt, checkpoint)
        yield index, read(index, data)  # 4


def _require_included(index: int, data: bytes, receipt: Receipt, checkpoint: Checkpoint) -> None:
    if receipt.checkpoint != checkpoint or receipt.index != index:
        problem = f"{proof_name(index)}: of another entry, or under another checkpoint"
        raise TamperingError(Damage.NOT_INCLUDED, index, problem)
    try:
        receipts.require_included(data, receipt)  # 3
    except ProofError as error:
        raise TamperingError(Damage.NOT_INCLUDED, index, f"entry {index}: {error}") from error


def _standing(policy: Policy, checkpoint: Checkpoint, about: Mapping[int, Entry], now: int) -> Standing:
    parties = {name for entry in about.values() for name in (entry.node, entry.counterparty) if name is not None}
    try:
        return policy.judge(checkpoint, now, parties - {policy.party})
    except SignatureError as error:
        raise TamperingError(Damage.NOT_SIGNED, None, str(error)) from error


def _replay(policy: Policy, contract: str, about: Mapping[int, Entry], enrolments: Mapping[int, Entry]) -> None:
    replay = Replay(policy.party, policy.log.public_key, policy.operator)
    for index, entry in sorted({**about, **enrolments}.items()):
        if index in enrolments:
            if entry.kind is not EntryKind.PARTY_ENROLLED or entry.node != policy.party:
                raise TamperingError(
                    Damage.ADDED, index, f"entry {index} is not about {contract}, and enrols nobody"
                )
            require_signed(index, entry, policy.log.public_key)  # 5
            replay.enrol(index, entry)  # 5
            continue
        try:
            key = replay.count(index, entry.node, entry.contract, entry.counter)  # 5, 6
        except TamperingError as error:
            if error.damage is Damage.GAP:
                raise TamperingError(Damage.LEFT_OUT, index, f"{error}: an entry before it is left out") from error
            raise
        require_signed(index, entry, key)  # 5


def _terms(files: Mapping[str, bytes], about: Mapping[int, Entry]) -> dict[str, bytes]:
    named = {entry.detail.get("terms") for entry in about.values()}
    found = {match[1]: data for name, data in files.items() if (match := _TERMS.fullmatch(name))}
    for digest, data in found.items():
        if digest not in named or _digest(data) != digest:
            raise TamperingError(Damage.ADDED, None, f"terms/{digest}.json: terms that no entry names")
    return found
