"""The provider's side of an alignment: which of its rows stand at which place of the bank's cohort.

It answers the second message with Accepted whatever it found: the bank learns nothing of the intersection here.
What is asked of a cohort too small is refused where it is asked.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from compute.paillier.runner import HERE, Runner
from compute.protocols.alignment.messages import (
    COMPLETE,
    MAX_ROWS,
    Align,
    Aligning,
    AlignmentStatement,
    AlignReturn,
)
from compute.protocols.alignment.points import (
    POINT_BYTES,
    PointError,
    hash_and_multiply,
    multiply,
    new_secret,
    require_points,
    split,
)
from compute.protocols.base import STATEMENT_AGE, Accepted, Progress, RefusalError, no_progress
from compute.protocols.holding import Holding
from compute.protocols.signed import of_bank
from compute.signing import Pins, digest

STEP = "align 对齐"
"""The one step, in points."""

Admit = Callable[[AlignmentStatement], None]
"""Raises RefusalError unless the statement's permit stands and covers joint statistics of the product now."""


@dataclass(frozen=True)
class Limits:
    """What a bank may have aligned here."""

    contract_alignments: int = 8
    """Alignments under one contract, those included that were refused after they were counted."""
    bank_ids: int = 1_000_000
    """Subjects of one bank over all its contracts, for ever; one in two cohorts counts twice."""


@dataclass(frozen=True)
class Held:
    """The product whose rows are aligned, and everybody in its table, each once."""

    product: str
    product_version: str
    subjects: Sequence[str] = field(repr=False)

    @classmethod
    def of(cls, holding: Holding) -> "Held":
        """Give the holding's, with those who stand in earlier snapshots only: a question may be about these."""
        snapshots = (holding.present, *holding.history)
        everybody = dict.fromkeys(subject for snapshot in snapshots for subject in snapshot.subjects)
        return cls(holding.product, holding.product_version, tuple(everybody))


@dataclass(frozen=True)
class Session:
    """What the provider keeps between the two messages, sealed; no representation shows it."""

    secret: bytes = field(repr=False)
    """b."""
    order: tuple[str, ...] = field(repr=False)
    """Its rows' subjects in the order in which their points were sent."""
    products: tuple[bytes, ...] = field(repr=False)
    """b·X_i at each place of the cohort."""


@dataclass(frozen=True)
class Kept:
    """An alignment that was counted: open while it has a session, complete from ``at`` on, or lapsed.

    None of these: its points were refused, or are being multiplied.
    """

    bank: str
    session: Session | None
    returned: bytes | None
    """SHA-256 of the points that completed it."""
    at: int | None
    lapsed: bool


class Alignments(Protocol):
    """The durable store of alignments by their name: each method is one transaction, also between processes."""

    def find(self, alignment: bytes) -> Kept | None:
        """Give the alignment, if it was ever counted."""
        ...

    def count(self, statement: AlignmentStatement, limits: Limits, now: int) -> str | None:
        """Count the alignment and its rows, once; give why not, and count nothing, where a limit has no room."""
        ...

    def open(self, alignment: bytes, session: Session) -> Session | None:
        """Keep the first session of a counted alignment; give the one that is kept, None if it has ended."""
        ...

    def complete(self, alignment: bytes, returned: bytes, subjects: Sequence[str | None], now: int) -> int | None:
        """Keep the cohort, the subject at each place or none, and erase the session; give the time.

        The time of the first if the very same points completed it before; None, and nothing, otherwise.
        """
        ...


class Aligner:
    """The role; what must last is in ``alignments``, so several processes may play it. ``clock``: milliseconds."""

    def __init__(
        self,
        name: str,
        pins: Pins,
        held: Held,
        alignments: Alignments,
        admit: Admit,
        limits: Limits,
        clock: Callable[[], int],
    ) -> None:
        self._name, self._pins, self._held, self._limits = name, pins, held, limits
        self._alignments, self._admit, self._clock = alignments, admit, clock

    @property
    def rows(self) -> int:
        """How many companies of its own it aligns."""
        return len(self._held.subjects)

    def check(self, message: Align) -> Session | None:
        """Count what passes checks 1 to 4, and give the session if it is open; nothing is computed on points.

        1. The statement is signed by the pinned identity of the bank that it names, a consumer.
        2. It is of the last hour, to this provider, about the version of the product that it holds, and the points
           are those that it commits to, one for each row.
        3. Its permit covers joint statistics of this product.
        4. The bank's number of ids over all contracts, and the contract's number of alignments, have room for it.
           It is counted once, and for good: also if its points are refused after that.
        7. The alignment is not complete.

        The very same message again is neither too old nor counted; it is refused once the alignment has lapsed
        (6).
        """
        statement = message.statement.statement
        of_bank(message.statement, statement.bank, self._pins)  # 1
        kept, now = self._alignments.find(digest(statement)), self._clock()
        if kept is None and abs(now - statement.issued_at) > STATEMENT_AGE:  # 2
            raise RefusalError(2, "the statement is not of the last hour", "begin a new alignment")
        self._check_contents(message)  # 2
        if kept is not None and kept.at is not None:  # 7
            raise RefusalError(COMPLETE, "the alignment is complete", "register label vectors over it")
        if kept is not None and kept.lapsed:  # 6
            raise RefusalError(6, "the alignment has lapsed", "begin a new one")
        if kept is not None and kept.session is not None:
            return kept.session
        self._admit(statement)  # 3
        over = self._alignments.count(statement, self._limits, now)
        if over is not None:  # 4
            raise RefusalError(4, over, "ask this provider for another limit, or over a hidden cohort")
        return None

    def align(self, message: Align, runner: Runner = HERE, progress: Progress = no_progress) -> Aligning:
        """Give this provider's points; the very same message again gets the very same ones until it is complete.

        The checks of :meth:`check`, and 5: each point is canonical, on the curve and not its twist, and of no
        small order, and the products b·X_i are distinct, so that a subject has one place.
        """
        session = self.check(message)
        alignment = digest(message.statement.statement)
        if session is None:
            session = self._open(alignment, split(message.points), runner, progress)  # 5
        rows, told = len(session.products), partial(progress, STEP)
        sent = hash_and_multiply(
            session.secret, session.order, runner, lambda done, own: told(rows + done, rows + own)
        )
        return Aligning(party=self._name, alignment=alignment, points=b"".join(sent))

    def complete(self, message: AlignReturn, runner: Runner = HERE) -> Accepted:
        """Keep which subject stands at which place; the very same message again gets the very same reply.

        6. The alignment is this bank's, was answered here, and has not lapsed.
        7. It is not complete by other points.
        8. The points are as many as were sent, each canonical, on the curve and not its twist, and there once: so
           a row is at one place at most, and a place has one row.
        """
        kept, name = self._alignments.find(message.alignment), message.alignment
        returned = hashlib.sha256(message.points).digest()
        if kept is None or kept.bank != message.bank or (kept.session is None and kept.at is None):  # 6
            raise RefusalError(6, f"{message.bank} has no such alignment open here", "begin a new one")
        if kept.session is None:
            at = kept.at if kept.returned == returned else None
        else:
            found = self._match(kept.session, message.points, runner)  # 8
            at = self._alignments.complete(name, returned, found, self._clock())
        if at is None:  # 7
            reason = "the alignment is complete, by other points, or lapsed meanwhile"
            raise RefusalError(COMPLETE, reason, "begin a new one if the first was wrong")
        return Accepted(party=self._name, at=at)

    def _check_contents(self, message: Align) -> None:
        """Check 2 but for the time."""
        statement, held = message.statement.statement, self._held
        asked = (statement.provider, statement.product, statement.product_version)
        if asked != (self._name, held.product, held.product_version):
            here = f"{self._name} holds {held.product} {held.product_version}"
            raise RefusalError(2, f"the statement is about another product; {here}", "begin a new alignment")
        if len(message.points) != POINT_BYTES * statement.rows:
            reason = f"{len(message.points)} bytes of points for {statement.rows} rows"
            raise RefusalError(2, reason, f"send {POINT_BYTES} bytes for each row")
        if hashlib.sha256(message.points).digest() != statement.points:
            raise RefusalError(2, "the points are not those of the statement", "send the ones it was signed with")
        if not 1 <= len(held.subjects) <= MAX_ROWS:
            reason = f"the product has {len(held.subjects)} rows; an alignment takes 1 to {MAX_ROWS}"
            raise RefusalError(2, reason, "ask over a hidden cohort")

    def _open(self, alignment: bytes, points: Sequence[bytes], runner: Runner, progress: Progress) -> Session:
        secret, order = new_secret(), list(self._held.subjects)
        secrets.SystemRandom().shuffle(order)
        try:
            products = multiply(secret, points, runner, lambda done, rows: progress(STEP, done, rows + len(order)))
        except PointError as error:  # 5
            raise RefusalError(5, str(error), "hash each subject once; a new alignment is counted anew") from error
        session = self._alignments.open(alignment, Session(secret, tuple(order), tuple(products)))
        if session is None:  # another process did all of it meanwhile
            raise RefusalError(COMPLETE, "the alignment has ended meanwhile", "begin a new one")
        return session

    def _match(self, session: Session, data: bytes, runner: Runner) -> list[str | None]:
        """Give the subject at each place of the cohort, None where no row matches."""
        try:
            points = split(data)
            _require_count(points, len(session.order))
            require_points(points, runner)
        except ValueError as error:  # 8
            raise RefusalError(
                8, str(error), "return each point times the secret, in the order received"
            ) from error
        row_of = dict(zip(points, session.order, strict=True))
        return [row_of.get(product) for product in session.products]


def _require_count(points: Sequence[bytes], sent: int) -> None:
    if len(points) != sent:
        raise ValueError(f"{len(points)} points came back, {sent} were sent")
