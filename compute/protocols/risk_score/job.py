"""What several parties derive alike: the subjects' root, the parts of an approval, a job's layout."""

from collections.abc import Sequence
from dataclasses import replace

from audit.merkle import leaf_hashes, root_of
from compute.paillier.packing import SlotLayout
from compute.paillier.public import PublicKey
from compute.protocols.risk_score.messages import (
    MAX_ROWS,
    ApprovedTables,
    JobStatement,
    ModelApproval,
    RegisteredTables,
)
from compute.signing import digest

MAX_CONTENT = 44 * 2**20
"""Bytes of ciphertexts in one message; as base64, with subjects and signatures, they fit its 64 MiB."""


def subjects_root(salt: bytes, subjects: Sequence[str]) -> bytes:
    """Give the RFC 6962 root over the ordered subjects, each leaf ``salt ‖ USCC``.

    Company codes are public, so without the 256-bit salt anyone could find a subject by trying all of them.
    """
    return root_of(leaf_hashes([salt + subject.encode("ascii") for subject in subjects]))


def approved_tables(tables: Sequence[RegisteredTables]) -> tuple[ApprovedTables, ...]:
    """Give what an approval says of each provider's tables."""
    return tuple(
        ApprovedTables(
            provider=part.provider,
            product=part.product,
            product_version=part.product_version,
            features=len(part.bins),
            digest=digest(part),
        )
        for part in tables
    )


def layout_for(approval: ModelApproval, modulus_bits: int) -> SlotLayout:
    """Give the slots of a job under this approval.

    Each of the F features of all providers adds an entry in [0, 2·bound], biased by bound, so a total lies in
    [0, 2·bound·F]: proven by the reviewer, who opened every entry. The layout depends on nothing else of the
    model, and on whether it is banded: then each ciphertext holds one total, for a zero test needs it alone.
    """
    features = sum(tables.features for tables in approval.tables)
    bias = approval.points_bound * features
    layout = SlotLayout.for_bound(2 * bias, bias, modulus_bits, len(approval.tables))
    return layout if approval.bands is None else replace(layout, slots=1)


def banding_provider(approval: ModelApproval) -> str | None:
    """Give the provider that tells a banded model's bands, the last of the approved; None for others' totals."""
    return None if approval.bands is None else approval.tables[-1].provider


def answer_ciphertexts(approval: ModelApproval, job: JobStatement, provider: str) -> int:
    """Give the number of ciphertexts in a provider's answer to a job under this approval."""
    if approval.bands is not None and provider == banding_provider(approval):
        return job.rows * approval.bands.tests
    return job.outputs


def most_rows(approval: ModelApproval, key: PublicKey) -> int:
    """Give the most rows that a job can have: of a banded one so many whose tests, and answers, fit a message."""
    if approval.bands is None:
        return MAX_ROWS
    row = max(approval.bands.tests, len(approval.tables) - 1) * key.ciphertext_bytes
    return min(MAX_ROWS, MAX_CONTENT // row)
