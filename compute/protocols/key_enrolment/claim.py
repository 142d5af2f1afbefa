"""What a bank claims of its key, and to whom: what every transcript of its proofs begins with."""

from dataclasses import dataclass

from compute.paillier.public import PublicKey
from compute.protocols.key_enrolment.ring_pedersen import RingPedersen
from compute.protocols.key_enrolment.transcript import Transcript


@dataclass(frozen=True)
class Claim:
    """A bank enrols a key at a provider that has these ring-Pedersen parameters."""

    key: PublicKey
    bank: str
    provider: str
    parameters: RingPedersen

    def transcript(self, proof: str, *parts: bytes) -> Transcript:
        """Give the transcript of one of the proofs: n, bank, provider, N̂, s, t, then its own parts."""
        parties = (self.bank.encode(), self.provider.encode())
        return Transcript(proof, self.key.to_bytes(), *parties, *self.parameters.parts, *parts)
