"""The messages by which a provider learns which of its rows are a bank's subjects, for a disclosed cohort.

bank → provider   Align         signed statement; X_i = a·H(id_i), the cohort in an order drawn at random
provider → bank   Aligning      Y_j = b·H(id'_j), all of its rows in an order drawn at random
bank → provider   AlignReturn   Z_j = a·Y_j, in the order received
provider → bank   Accepted      whatever it found: Z_j = b·X_i means that row j is the subject at place i

a and b are secrets of X25519, fresh for this alignment. The provider learns which of its rows are in the
cohort, and at which place; of the others' number only. The bank learns how many rows the provider has, and
nothing of which are its own: not even how many. What it later asks of the cohort is refused if that is below
the provider's threshold.

Both assume decisional Diffie–Hellman on Curve25519 with H a random oracle, and that the other's identity was
pinned at onboarding. Source: Meadows, "A More Efficient Cryptographic Matchmaking Protocol" (IEEE S&P 1986);
Huberman, Franklin, Hogg, "Enhancing Privacy and Trust in Electronic Communities" (ACM EC 1999); PROTOCOLS.md
§5.

What this does not keep: company codes are public, so a bank may put all of them into a cohort, and a provider
all of them among its rows. A limit on a bank's ids over all its contracts, and the number of rows that a
provider has declared, bound that. And who returns Z in another order gets its places matched to rows drawn
blindly from among its own subjects' and others': it cannot choose which, for it cannot tell Y_j from a random
point.
"""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Bytes32, Message, Milliseconds, Name, Version
from compute.protocols.alignment.points import POINT_BYTES
from compute.signing import Signed
from compute.terms import AlignmentBasis

MAX_ROWS = 1_000_000
"""Of a cohort and of a table: a message then has 43 MB, within a message's limit."""

COMPLETE = 7
"""The number of the provider's check by which an alignment that is complete is not begun again."""


Points = Annotated[
    bytes,
    Meta(min_length=POINT_BYTES, max_length=POINT_BYTES * MAX_ROWS, description="points of 32 bytes, joined"),
]


class AlignmentStatement(Message, frozen=True):
    """The bank's statement: these are subjects of mine, to be aligned at this provider, on this legal basis.

    Its digest names the alignment, and the cohort that comes of it.
    """

    bank: Name
    contract: Name
    permit: Name
    cohort: Name
    """What the bank calls it."""
    provider: Name
    product: Name
    product_version: Version
    rows: Annotated[int, Meta(ge=1, le=MAX_ROWS)]
    points: Bytes32
    """SHA-256 of the points that go with it, so that there is one list of them under a statement."""
    legal_basis: AlignmentBasis
    issued_at: Milliseconds
    nonce: Bytes32


class Align(Message, frozen=True):
    """Bank to provider: align this cohort."""

    statement: Signed[AlignmentStatement]
    points: Points


class Aligning(Message, frozen=True):
    """Provider to bank: multiply these and return them in this order."""

    party: Name
    alignment: Bytes32
    points: Points


class AlignReturn(Message, frozen=True):
    """Bank to provider: the points of Aligning times the bank's secret, in the order received."""

    bank: Name
    alignment: Bytes32
    points: Points
