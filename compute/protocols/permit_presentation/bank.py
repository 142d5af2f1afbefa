"""The bank's side of permit presentation."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.permit import Contract
from compute.protocols.permit_presentation.messages import Presentation, PresentPermit
from compute.signing import sign


def presentation(
    bank: str, identity: Ed25519PrivateKey, token: str, contract: Contract, salt: bytes, now: int
) -> PresentPermit:
    """Give the message that presents a permit at its provider; ``now`` in milliseconds."""
    statement = Presentation(bank=bank, issued_at=now, token=token, contract=tuple(contract), salt=salt)
    return PresentPermit(presentation=sign(statement, bank, identity))
