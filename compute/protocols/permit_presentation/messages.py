"""The message by which a permit reaches the provider that it is for.

bank → provider   PresentPermit   the token, the contract with everybody's signature, the seed of its salts
provider → bank   PermitPresented or Refused

The provider learns the salts under which the marketplace holds commitments of the consenting subjects, and the log
those of the subjects of each use: each subject's follows from the one seed (`audit.salts`). The marketplace never
does, so it cannot find a subject by trying all company codes. Both parties keep the tree that grows from the seed,
and not the message: in it single salts can be erased.
"""

from typing import Annotated

from msgspec import Meta

from compute.canonical import Bytes32, Message, Milliseconds, Name
from compute.permit import MAX_TOKEN_BYTES
from compute.signing import Signed
from compute.terms import Terms


class Presentation(Message, frozen=True):
    """The bank's statement: this is my permit at your node."""

    hidden = frozenset({"salt"})

    bank: Name
    issued_at: Milliseconds
    """A later statement about a permit replaces an earlier one and never the other way round."""
    token: Annotated[str, Meta(max_length=MAX_TOKEN_BYTES)]
    contract: Annotated[tuple[Signed[Terms], ...], Meta(min_length=1, max_length=17)]
    """`compute.permit.Contract`."""
    salt: Bytes32
    """The seed of all subjects' salts under the contract: the same in every presentation."""


class PresentPermit(Message, frozen=True):
    """Bank to provider: take note of this permit."""

    presentation: Signed[Presentation]


class PermitPresented(Message, frozen=True):
    """Provider to bank: the permit was taken note of, first at this time."""

    party: Name
    permit: Name
    at: Milliseconds
