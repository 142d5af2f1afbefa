"""The bank's side of key enrolment: prove that gcd(n, φ(n)) = 1."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.paillier.private import PrivateKey
from compute.protocols.key_enrolment.messages import EnrolKey, KeyStatement, challenges
from compute.signing import sign


def enrolment(bank: str, identity: Ed25519PrivateKey, key: PrivateKey, now: int) -> EnrolKey:
    """Give the message that enrols the key, the same at every provider; ``now`` in milliseconds."""
    roots = tuple(key.nth_root(y).to_bytes(key.public.modulus_bytes, "big") for y in challenges(key.public, bank))
    statement = KeyStatement(bank=bank, issued_at=now, n=key.public.to_bytes(), roots=roots)
    return EnrolKey(statement=sign(statement, bank, identity))
