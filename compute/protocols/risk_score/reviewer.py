"""The model reviewer's side: recompute every ciphertext, bound what a score can leak, sign.

It judges leakage and not credit merit (PROTOCOLS.md §3).
"""

import hmac
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from gmpy2 import mpz

from compute.canonical import encode
from compute.paillier.ciphertexts import from_bytes
from compute.paillier.errors import PaillierError
from compute.paillier.public import PublicKey
from compute.protocols.base import RefusalError
from compute.protocols.risk_score.leakage import leaked_bits, reachable_totals
from compute.protocols.risk_score.messages import (
    ApprovedTables,
    AskReviewerTerms,
    ModelApproval,
    ModelSubmission,
    RegisteredTables,
    ReviewerTerms,
    SubmitModel,
    TableOpening,
)
from compute.protocols.risk_score.sealing import SealError, unseal
from compute.signing import SUITE, Pins, SignatureError, Signed, digest, sign, verify

DAY = 24 * 3600 * 1000
"""Milliseconds."""


class Reviewer:
    """The role: its identity, its sealing key, the secret under which ``points_id`` is made, its policy."""

    def __init__(
        self,
        name: str,
        identity: Ed25519PrivateKey,
        pins: Pins,
        points_secret: bytes,
        clock: Callable[[], int],
        *,
        max_bits: float = 8.0,
        approval_days: int = 365,
    ) -> None:
        self.name = name
        self._identity, self._pins, self._points_secret, self._clock = identity, pins, points_secret, clock
        self._max_bits, self._approval_days = max_bits, approval_days
        self._sealing_key = X25519PrivateKey.generate()

    def terms(self, _message: AskReviewerTerms) -> Signed[ReviewerTerms]:
        """Give the current sealing key."""
        key = self._sealing_key.public_key().public_bytes_raw()
        terms = ReviewerTerms(reviewer=self.name, sealing_key=key, expires=self._clock() + DAY)
        return sign(terms, self.name, self._identity)

    def review(self, message: SubmitModel) -> Signed[ModelApproval]:
        """Give the signed approval, or raise :class:`RefusalError` with the number of the check.

        1. The submission is signed by the pinned identity of the bank that it names.
        2. At least two providers, each once; all tables name this bank and this modulus.
        3. The sealed opening opens, for these tables.
        4. Every ciphertext is the encryption of its biased point under its randomness; points within the bound.
        5. Each provider's tables can change the total: where they cannot, the total is the others' partial score.
        6. log2 of the reachable totals is at most the policy's bits.
        """
        bank = message.submission.statement.bank
        try:
            submission = verify(message.submission, bank, self._pins)  # 1
        except SignatureError as error:
            raise RefusalError(1, str(error), "sign with the key given at onboarding") from error
        key = self._check_tables(submission)  # 2
        try:
            opening = unseal(submission.sealed_opening, submission.tables, self._sealing_key)  # 3
        except SealError as error:
            raise RefusalError(3, str(error), "ask for the reviewer's terms again and seal to that key") from error
        if len(opening.tables) != len(submission.tables):
            raise RefusalError(3, "the opening has another number of tables", "open each provider's tables")
        points: list[Sequence[int]] = []
        for tables, table_opening in zip(submission.tables, opening.tables, strict=True):
            _check_opening(key, submission.points_bound, tables, table_opening)  # 4
            columns = _per_feature(tables, table_opening)
            if reachable_totals(columns, 1) == 1:  # 5
                raise RefusalError(5, f"the tables at {tables.provider} are constant", "leave that provider out")
            points += columns
        limit = int(2**self._max_bits)
        totals = reachable_totals(points, limit)
        if totals > limit:  # 6
            raise RefusalError(
                6,
                f"a score could tell more than {self._max_bits:g} bits ({leaked_bits(totals):.1f} or more)",
                "use fewer bins or coarser points",
            )
        approval = self._approval(submission, key, points, totals)
        return sign(approval, self.name, self._identity)

    def _check_tables(self, submission: ModelSubmission) -> PublicKey:
        try:
            key = PublicKey.from_bytes(submission.n)
        except PaillierError as error:
            raise RefusalError(2, str(error), "generate a key of at least 3072 bits") from error
        providers = {tables.provider for tables in submission.tables}
        if len(providers) < 2 or len(providers) < len(submission.tables):  # noqa: PLR2004 -- with one provider its partial score is the total
            raise RefusalError(2, "a model needs tables at two providers or more, each once", "add a provider")
        if any(tables.bank != submission.bank or tables.key != key.fingerprint for tables in submission.tables):
            raise RefusalError(2, "a table names another bank or another modulus", "encrypt the model anew")
        return key

    def _approval(
        self, submission: ModelSubmission, key: PublicKey, points: Sequence[Sequence[int]], totals: int
    ) -> ModelApproval:
        return ModelApproval(
            reviewer=self.name,
            suite=SUITE,
            bank=submission.bank,
            key=key.fingerprint,
            purpose=submission.purpose,
            tables=tuple(
                ApprovedTables(
                    provider=tables.provider,
                    product=tables.product,
                    product_version=tables.product_version,
                    features=len(tables.bins),
                    digest=digest(tables),
                )
                for tables in submission.tables
            ),
            points_id=self._points_id(submission.tables, points),
            points_bound=submission.points_bound,
            reachable_totals=totals,
            expires=self._clock() + self._approval_days * DAY,
        )

    def _points_id(self, tables: Sequence[RegisteredTables], points: Sequence[Sequence[int]]) -> str:
        """HMAC-SHA256 of products, bins and points: names a model without showing it, whatever its encryption."""
        columns = iter(points)
        parts = [
            tables_.product.encode() + b"\n" + encode(bins) + b"\n" + ",".join(map(str, next(columns))).encode()
            for tables_ in tables
            for bins in tables_.bins
        ]
        return hmac.digest(self._points_secret, b"\n".join(parts), "sha256").hex()


def _check_opening(key: PublicKey, bound: int, tables: RegisteredTables, opening: TableOpening) -> None:
    """Check 4 for one provider."""
    where = f"the tables of {tables.provider}"
    entries = sum(bins.size for bins in tables.bins)
    size = (key.bits + 7) // 8
    if len(opening.points) != entries or len(opening.randomness) != entries * size:
        raise RefusalError(4, f"{where} have {entries} bins, the opening has another number", "open every bin")
    if any(abs(points) > bound for points in opening.points):
        raise RefusalError(4, f"points of {where} exceed the stated bound of {bound}", "rescale the scorecard")
    try:
        ciphertexts = from_bytes(key, tables.ciphertexts, entries)
        for index, (c, points) in enumerate(zip(ciphertexts, opening.points, strict=True)):
            r = mpz.from_bytes(opening.randomness[index * size : (index + 1) * size], "big")
            if key.encrypt(points + bound, r) != c:
                raise RefusalError(4, f"entry {index} of {where} is not what the opening says", "open it truly")
    except PaillierError as error:
        raise RefusalError(4, f"{where}: {error}", "encrypt the model anew") from error


def _per_feature(tables: RegisteredTables, opening: TableOpening) -> list[Sequence[int]]:
    points = iter(opening.points)
    return [[next(points) for _ in range(bins.size)] for bins in tables.bins]
