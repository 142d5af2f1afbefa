"""The bank's side of an alignment: multiply its subjects' points, then the provider's, in the order received."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from re import fullmatch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.paillier.runner import HERE, Runner
from compute.protocols.alignment.messages import (
    COMPLETE,
    MAX_ROWS,
    Align,
    Aligning,
    AlignmentStatement,
    AlignReturn,
)
from compute.protocols.alignment.points import PointError, hash_and_multiply, multiply, new_secret, split
from compute.protocols.base import (
    Accepted,
    AnswerError,
    Progress,
    RefusedByPeerError,
    Transport,
    ask,
    ask_long,
    no_progress,
)
from compute.signing import Signed, digest, sign
from compute.terms import AlignmentBasis
from connectors.uscc import SHAPE, wrong_checks

OWN, THEIRS = "mask own subjects 盲化本方主体", "mask the provider's rows 盲化对方主体"
"""The bank's two steps, in points."""


@dataclass(frozen=True)
class Asked:
    """What an alignment is about, before anything is sent."""

    contract: str
    permit: str
    cohort: str
    provider: str
    product: str
    product_version: str
    legal_basis: AlignmentBasis


@dataclass(frozen=True)
class BankAlignment:
    """An alignment as the bank keeps it: with its secret until it is complete, with its subjects for ever.

    No representation shows either.
    """

    statement: Signed[AlignmentStatement]
    secret: bytes = field(repr=False)
    subjects: tuple[str, ...] = field(repr=False)
    """In the order that was drawn: the places of the cohort, and of every label vector over it."""

    @cached_property
    def name(self) -> bytes:
        """The digest that names the alignment."""
        return digest(self.statement.statement)

    def message(self, runner: Runner = HERE, progress: Progress = no_progress) -> Align:
        """Give the first message: the same each time."""
        points = _own_points(self.secret, self.subjects, runner, progress)
        return Align(statement=self.statement, points=points)


def begin(
    bank: str,
    identity: Ed25519PrivateKey,
    asked: Asked,
    subjects: Sequence[str],
    now: int,
    runner: Runner = HERE,
    progress: Progress = no_progress,
) -> tuple[BankAlignment, Align]:
    """Give a new alignment and its first message; keep it before you send that. ``now`` in milliseconds.

    Raises ValueError for subjects that are no cohort: none, too many, one twice, a code that is none.
    """
    _require_cohort(subjects)
    order = list(subjects)
    secrets.SystemRandom().shuffle(order)
    secret = new_secret()
    points = _own_points(secret, order, runner, progress)
    statement = AlignmentStatement(
        bank=bank,
        contract=asked.contract,
        permit=asked.permit,
        cohort=asked.cohort,
        provider=asked.provider,
        product=asked.product,
        product_version=asked.product_version,
        rows=len(order),
        points=hashlib.sha256(points).digest(),
        legal_basis=asked.legal_basis,
        issued_at=now,
        nonce=secrets.token_bytes(32),
    )
    begun = BankAlignment(sign(statement, bank, identity), secret, tuple(order))
    return begun, Align(statement=begun.statement, points=points)


def give_back(
    begun: BankAlignment,
    reply: Aligning,
    declared_rows: int,
    runner: Runner = HERE,
    progress: Progress = no_progress,
) -> AlignReturn:
    """Give the second message, or raise :class:`AnswerError`: then send nothing.

    1. The reply is of the provider and to the alignment that was asked for.
    2. It has no more points than the provider has declared rows: who puts all companies there learns the cohort.
    3. Each is canonical, on the curve and not its twist, of no small order, and there once.
    """
    statement = begun.statement.statement
    if (reply.party, reply.alignment) != (statement.provider, begun.name):  # 1
        raise AnswerError(f"{statement.provider} answered another alignment; ask again")
    try:
        points = split(reply.points)
    except ValueError as error:
        raise AnswerError(f"{statement.provider}: {error}; call its operator") from error
    if len(points) > declared_rows:  # 2
        reason = f"{statement.provider} sent {len(points)} rows and has declared {declared_rows}"
        raise AnswerError(f"{reason}; nothing was returned: ask its operator why")
    try:
        products = multiply(begun.secret, points, runner, partial(progress, THEIRS))  # 3
    except PointError as error:
        raise AnswerError(f"{statement.provider}: {error}; nothing was returned: call its operator") from error
    return AlignReturn(bank=statement.bank, alignment=begun.name, points=b"".join(products))


def align(
    transport: Transport,
    begun: BankAlignment,
    message: Align,
    declared_rows: int,
    runner: Runner = HERE,
    progress: Progress = no_progress,
    patience: float = 0,
) -> None:
    """Run the exchange from its start; again after whatever broke off, it ends where it would have.

    ``patience``: see :func:`compute.protocols.base.ask`. Raises RefusedByPeerError and AnswerError.
    """
    provider = begun.statement.statement.provider
    try:
        reply = ask_long(transport, provider, message, Aligning, progress, patience)
    except RefusedByPeerError as error:
        if error.refused.check == COMPLETE:  # its Accepted was lost on the way
            return
        raise
    returned = give_back(begun, reply, declared_rows, runner, progress)
    ask(transport, provider, returned, Accepted, patience)


def _own_points(secret: bytes, order: Sequence[str], runner: Runner, progress: Progress) -> bytes:
    return b"".join(hash_and_multiply(secret, order, runner, partial(progress, OWN)))


def _require_cohort(subjects: Sequence[str]) -> None:
    if not 1 <= len(subjects) <= MAX_ROWS:
        raise ValueError(f"{len(subjects)} subjects; a cohort has 1 to {MAX_ROWS}")
    if len(set(subjects)) < len(subjects):
        raise ValueError(f"{len(subjects) - len(set(subjects))} subjects are there twice; name each once")
    if not all(fullmatch(SHAPE, subject) for subject in subjects) or wrong_checks(subjects).any():
        raise ValueError("a subject is no unified social credit code; correct or leave it out")
