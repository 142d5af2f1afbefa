"""The reviewer's side of a histogram: open it, and believe it as the word of the provider that it is about."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from compute.protocols.base import STATEMENT_AGE, RefusalError
from compute.protocols.risk_score.bin_histogram import BinHistogram, HistogramQuestion, SealedHistogram
from compute.protocols.risk_score.messages import ModelSubmission, RegisteredTables
from compute.protocols.risk_score.sealing import SealError, histogram_info, unseal
from compute.signing import Pins, SignatureError, Signed, digest, verify

SEALED = 3
"""The number of this check among the reviewer's: what is sealed opens, and is what it says."""
_REMEDY = "ask the provider for the histogram of these bins again"


def open_histograms(
    submission: ModelSubmission, keys: Sequence[X25519PrivateKey], pins: Pins, now: int
) -> list[BinHistogram]:
    """Give each provider's histogram, in the order of the tables; raise :class:`RefusalError` by check 3.

    ``keys`` are the reviewer's that are alive. A histogram counts if its provider signed the sealed form and what
    is inside, it answers the question of this bank about these bins of this product version, it was counted within
    the last hour, and its cells are of these bins.
    """
    if len(submission.histograms) != len(submission.tables):
        reason = f"there are {len(submission.histograms)} histograms for {len(submission.tables)} tables"
        raise RefusalError(SEALED, reason, "ask each provider for one")
    pairs = zip(submission.tables, submission.histograms, strict=True)
    return [_opened(tables, sealed, keys, pins, now) for tables, sealed in pairs]


def _opened(
    tables: RegisteredTables,
    signed: Signed[SealedHistogram],
    keys: Sequence[X25519PrivateKey],
    pins: Pins,
    now: int,
) -> BinHistogram:
    where = f"the histogram of {tables.provider}"
    try:
        sealed = verify(signed, tables.provider, "provider", pins)
        expected = HistogramQuestion(
            bank=tables.bank,
            provider=tables.provider,
            product=tables.product,
            product_version=tables.product_version,
            bins=tables.bins,
            nonce=sealed.question.nonce,
        )
        if sealed.question != expected:
            raise RefusalError(SEALED, f"{where} is not about the bins that were submitted", _REMEDY)
        histogram = verify(_unsealed(sealed, keys), tables.provider, "provider", pins)
        if histogram.question != digest(expected):
            raise RefusalError(SEALED, f"{where} answers another question inside than outside", _REMEDY)
        if [grid.column for grid in histogram.grids] != [bins.column for bins in tables.bins]:
            raise RefusalError(SEALED, f"{where} does not hold the grid of each column", _REMEDY)
        histogram.cells(tables.bins)
    except (SealError, SignatureError) as error:
        raise RefusalError(SEALED, f"{where}: {error}", _REMEDY) from error
    except ValueError as error:
        raise RefusalError(SEALED, f"{where} is malformed: {error}", _REMEDY) from error
    if abs(now - histogram.counted_at) > STATEMENT_AGE:
        raise RefusalError(SEALED, f"{where} is not of the last hour", _REMEDY)
    return histogram


def _unsealed(sealed: SealedHistogram, keys: Sequence[X25519PrivateKey]) -> Signed[BinHistogram]:
    """Open with whichever key is alive: a key may have changed since the bank asked for it."""
    failure = SealError("no sealing key is alive here")
    for key in keys:
        try:
            return unseal(sealed.sealed, key, histogram_info(sealed.question), Signed[BinHistogram])
        except SealError as error:
            failure = error
    raise failure
