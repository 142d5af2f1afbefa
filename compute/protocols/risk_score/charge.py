"""What a job takes from the leakage ledger: for each subject the bits that a score of this model can tell.

A model is named by what it tells (:func:`points_told`), so the same points under another encryption, name or
version cost nothing more. What a score tells here depends on the subject's bins here: once they are others, it
tells something new.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from compute.binning import Bins
from compute.protocols.risk_score.leakage import leaked_bits
from compute.protocols.risk_score.messages import JobStatement, ModelApproval

MILLI = 1000
"""Bits are counted in thousandths, so that sums are exact."""
_NAME = np.dtype(">i8")
"""An integer of SQLite. Of ten million subjects any two share a name, and a budget, with probability 3·10⁻⁶."""


@dataclass(frozen=True)
class Budget:
    """What may be told of one subject, in bits."""

    bank_bits: float = 8.0
    """To one bank: B_bank."""
    all_bits: float = 24.0
    """To all banks together: B_all."""


@dataclass(frozen=True)
class Charge:
    """A job's charges, one for each subject, and the budget that they must fit in."""

    bank: str
    points_id: str
    millibits: int
    bins: tuple[Bins, ...]
    """The model's at this provider."""
    snapshot: str
    """Of the table in which the subjects' bins were found."""
    subjects: Sequence[str]
    codes: Sequence[bytes]
    """One column for each of the bins: the subjects' codes."""
    secret: bytes
    """Under which subjects are named in the ledger."""
    budget: Budget
    recode: Callable[[Sequence[Bins], Sequence[str]], Sequence[bytes] | None]
    """(bins, subjects) → the codes of the present table, in columns; None if it has no such column any more."""

    @cached_property
    def names(self) -> list[int]:
        """Each subject's name in the ledger, as `name_of` gives it."""
        keyed, digests = _keyed(self.secret), []
        for subject in self.subjects:
            mac = keyed.copy()
            mac.update(subject.encode())
            digests.append(mac.digest())
        names: list[int] = np.frombuffer(b"".join(digests), dtype=_NAME).tolist()
        return names

    @cached_property
    def in_order(self) -> tuple[list[int], bytes]:
        """The names in ascending order, and each one's codes, one subject after the other."""
        names = np.array(self.names, dtype=np.int64)
        order = np.argsort(names, kind="stable")
        columns = np.frombuffer(b"".join(self.codes), dtype=np.uint8).reshape(len(self.codes), len(names))
        return names[order].tolist(), columns[:, order].T.tobytes()


@dataclass(frozen=True)
class Affordable:
    """That a charge fitted every subject's budget, in the ledger as it was after so many writes."""

    charge: Charge
    writes: int


def name_of(subject: str, secret: bytes) -> int:
    """Give a subject's name in the ledger, 64 bits of keyed BLAKE2b (RFC 7693): the ledger is a list of nobody."""
    mac = _keyed(secret)
    mac.update(subject.encode())
    return int(np.frombuffer(mac.digest(), dtype=_NAME)[0])


def _keyed(secret: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(key=secret, digest_size=_NAME.itemsize)


def points_told(approval: ModelApproval, job: JobStatement, own: str) -> str:
    """Give the name under which the provider ``own`` charges a job's answers, 64 hexadecimal digits.

    A total is charged by its ``points_id``: the charge is no less than what the provider's own part of it holds,
    so whatever the others' parts are by then, asking again tells nothing of it that was not charged. The charge of
    a band is less. While the others' tables stand, so does the band; once one of them changes, the same part is
    compared with other numbers, and after enough changes the bands have told it. So their snapshots belong to the
    name.
    """
    if approval.bands is None:
        return approval.points_id
    terms = [signed.statement for signed in job.providers]
    others = [(each.provider, each.snapshot) for each in terms if each.provider != own]
    return hashlib.sha256(json.dumps([approval.points_id, others]).encode()).hexdigest()


def millibits(outcomes: int) -> int:
    """Give log2 of the number of different answers in thousandths of a bit, rounded up."""
    return math.ceil(leaked_bits(outcomes) * MILLI)
