"""What several parties derive alike: the subjects' root, the parts of an approval, a job's layout."""

from collections.abc import Sequence

from audit.merkle import leaf_hashes, root_of
from compute.paillier.packing import SlotLayout
from compute.protocols.risk_score.messages import ApprovedTables, ModelApproval, RegisteredTables
from compute.signing import digest


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
    model.
    """
    features = sum(tables.features for tables in approval.tables)
    bias = approval.points_bound * features
    return SlotLayout.for_bound(2 * bias, bias, modulus_bits, len(approval.tables))
