"""The provider's side of a histogram: check the question, count the table, suppress, sign, seal to a reviewer."""

from collections.abc import Callable
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.binning import Bins, code_columns
from compute.canonical import encode
from compute.grid import GridError, require_union
from compute.protocols.base import RefusalError
from compute.protocols.risk_score.bin_histogram import (
    MAX_SEALED,
    BinHistogram,
    HistogramQuestion,
    SealedHistogram,
)
from compute.protocols.risk_score.checks import Domain
from compute.protocols.risk_score.joint_counts import joint_counts
from compute.protocols.risk_score.messages import AskHistogram, ReviewerTerms
from compute.protocols.risk_score.sealing import histogram_info, seal
from compute.protocols.signed import of_bank
from compute.signing import SignatureError, Signed, digest, sign, verify

_NO_NONCE = bytes(32)
_LARGEST = 2**53 - 1


class Questions(Protocol):
    """The durable count of what a bank asked."""

    def open_question(self, bank: str, bins: bytes, most: int) -> bool:
        """Count the bins with this digest, once; False, and no count, if the bank asked of ``most`` others."""
        ...


def answer_histogram(
    domain: Domain,
    identity: Ed25519PrivateKey,
    questions: Questions,
    admit: Callable[[HistogramQuestion], None],
    message: AskHistogram,
    now: int,
) -> Signed[SealedHistogram]:
    """Give the sealed histogram, or raise :class:`RefusalError` with the number of the check; ``admit`` makes 5.

    1. The question is signed by the pinned identity of the consumer that it names.
    2. The terms are the pinned reviewer's and have not expired.
    3. The question is for this provider and the product version held here.
    4. Every column exists here, and its bins are unions of its published grid's cells.
    5. The bank holds a permit for these fields, of a contract that names this reviewer.
    6. The bank has not asked of too many other bins; of the same ones it may ask again.
    7. The answer is not too long to be sent.
    """
    question = message.question.statement
    of_bank(message.question, question.bank, domain.pins)  # 1
    terms = _reviewer_terms(domain, message, now)  # 2
    held = (domain.name, domain.holding.product, domain.holding.product_version)
    if (question.provider, question.product, question.product_version) != held:  # 3
        raise RefusalError(3, "the question is not about the product version held here", "ask for terms again")
    for bins in question.bins:  # 4
        try:
            require_union(bins, domain.holding.grids.get(bins.column))
        except GridError as error:
            raise RefusalError(4, str(error), "cut along the grid in the product's description") from error
    admit(question)  # 5
    asked = digest(msgspec.structs.replace(question, nonce=_NO_NONCE))
    if not questions.open_question(question.bank, asked, domain.max_histograms):  # 6
        raise RefusalError(6, "too many different bins were asked about here", "ask the provider's operator")
    signed = sign(_histogram(domain, question, now), domain.name, identity)
    size = _size(signed, question.bins, domain)
    sealed = seal(signed, terms.sealing_key, histogram_info(question), size)
    if len(sealed) > MAX_SEALED:  # 7
        raise RefusalError(7, "these bins have too many combinations", "use fewer features or coarser bins")
    return sign(SealedHistogram(question=question, sealed=sealed), domain.name, identity)


def _histogram(domain: Domain, question: HistogramQuestion, now: int) -> BinHistogram:
    holding = domain.holding
    frame = holding.select(holding.subjects, [bins.column for bins in question.bins])
    counted = joint_counts(code_columns(question.bins, frame, holding.scales), domain.min_cohort)
    return BinHistogram(
        question=digest(question),
        snapshot=holding.snapshot,
        snapshot_date=holding.snapshot_date,
        grids=tuple(holding.grids[bins.column] for bins in question.bins),
        min_cohort=domain.min_cohort,
        codes=counted.cells.tobytes(),
        counts=tuple(counted.counts.tolist()),
        suppressed_cells=counted.suppressed_cells,
        suppressed_companies=counted.suppressed_rows,
        counted_at=now,
    )


def _reviewer_terms(domain: Domain, message: AskHistogram, now: int) -> ReviewerTerms:
    try:
        terms = verify(message.terms, domain.reviewer, "model_reviewer", domain.pins)
    except SignatureError as error:
        raise RefusalError(2, str(error), "ask the contract's reviewer for its terms") from error
    if terms.reviewer != domain.reviewer or terms.expires <= now:
        reason = f"the terms of {domain.reviewer} are another's or have expired"
        raise RefusalError(2, reason, "ask for them again")
    return terms


def _size(signed: Signed[BinHistogram], bins: tuple[Bins, ...], domain: Domain) -> int:
    """Give the length of the longest answer that this question could have on a table of about so many rows.

    The bank sees the length of what is sealed, which tells it so what it knows, and the next powers of two of the
    table's rows and of the cohorts that they could make.
    """
    rows = len(domain.holding.subjects)
    most = _power_of_two(rows // domain.min_cohort)
    combinations = 1
    for feature in bins:
        combinations = min(combinations * feature.size, most)
    longest = msgspec.structs.replace(
        signed.statement,
        codes=bytes(combinations * len(bins)),
        counts=(_power_of_two(rows),) * combinations,
        suppressed_cells=_LARGEST,
        suppressed_companies=_LARGEST,
    )
    return len(encode(msgspec.structs.replace(signed, statement=longest)))


def _power_of_two(number: int) -> int:
    """The least that is at least the number, and 1."""
    return 1 << max(number - 1, 0).bit_length()
