"""Checks what a provider shows a subject: every use of its data, and of each whether it was about the subject.

    the log      says which uses there were: each `answer_sent` of the provider, with the root over its subjects
    the provider shows for each of them a proof of presence or of absence

So no use can be kept back, and none shown that was not. What is left to the provider's word is the subject's salt
under each contract. The subject's consent was registered under a commitment made with the same salt, and the bank
holds it too: a false salt shows when either is asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from audit.entry import Entry, EntryKind
from audit.errors import ProofError
from audit.presence import Absence, Presence
from audit.subjects import use_value, verify


@dataclass(frozen=True)
class Shown:
    """What a provider shows of one use."""

    salt: bytes
    """The subject's under the contract."""
    proof: Presence | Absence


@dataclass(frozen=True)
class CheckedUse:
    """A use of the provider's data, by its entry in the log."""

    index: int
    entry: Entry
    was_asked_about: bool | None
    """Whether it was about the subject; None where the subject was erased, and nothing can be told any more."""


def check(
    subject: str,
    provider: str,
    shown: Mapping[str, Shown],
    erased: Iterable[str],
    entries: Iterable[tuple[int, Entry]],
) -> Iterator[CheckedUse]:
    """Give all uses of the provider's data in these verified entries of a log, in order.

    `shown` is by the digest of the job, in hex; `erased` are the contracts under which the subject was. Raises
    ProofError naming the first use that is kept back, is shown under two salts of one contract, or is not proven;
    at the end, for one kept back under a contract about which the provider has recorded no erasure.
    """
    gone, salts = frozenset(erased), dict[str | None, bytes]()
    untold, recorded = dict[str | None, int](), set[str | None]()
    for index, entry in entries:
        if entry.kind is EntryKind.SUBJECT_ERASED and entry.node == provider:
            recorded.add(entry.contract)
        if entry.kind is not EntryKind.ANSWER_SENT or entry.node != provider or entry.job is None:
            continue
        if entry.job not in shown:
            if entry.contract not in gone:
                raise ProofError(f"entry {index}: a use of {provider}'s data is not shown")
            untold.setdefault(entry.contract, index)
            yield CheckedUse(index, entry, None)
            continue
        use = shown[entry.job]
        if salts.setdefault(entry.contract, use.salt) != use.salt:
            raise ProofError(f"entry {index}: the subject has another salt than before under {entry.contract}")
        yield CheckedUse(index, entry, _was_asked_about(index, entry, entry.job, subject, use))
    if alone := [index for contract, index in untold.items() if contract not in recorded]:
        raise ProofError(
            f"entry {min(alone)}: a use of {provider}'s data is not shown, nor is an erasure recorded"
        )


def _was_asked_about(index: int, entry: Entry, job: str, subject: str, use: Shown) -> bool:
    root, rows = entry.detail.get("subjects_root"), entry.detail.get("rows")
    if not isinstance(root, str) or not isinstance(rows, int):
        raise ProofError(f"entry {index}: it does not commit to its subjects")
    try:
        value = use_value(use.salt, bytes.fromhex(job), subject)
        return verify(value, bytes.fromhex(root), rows, use.proof)
    except (ProofError, ValueError) as error:
        raise ProofError(f"entry {index}: {error}") from error
