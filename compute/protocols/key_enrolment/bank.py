"""The bank's side of key enrolment: check the provider's parameters, then prove that the key is well formed."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.paillier.private import PrivateKey
from compute.protocols.base import AnswerError
from compute.protocols.key_enrolment.blum_modulus_prover import prove_blum_modulus
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.messages import EnrolKey, KeyStatement, challenges
from compute.protocols.key_enrolment.numbers import ProofError, residue_bytes
from compute.protocols.key_enrolment.ring_pedersen import RingPedersen, RingPedersenStatement, check_ring_pedersen
from compute.protocols.key_enrolment.small_factor_prover import prove_small_factor
from compute.signing import SUITE, Pins, SignatureError, Signed, sign, verify


def check_parameters(signed: Signed[RingPedersenStatement], provider: str, pins: Pins) -> RingPedersen:
    """Give a provider's parameters, or raise :class:`AnswerError`: a proof under others would tell the factors.

    They are signed by the pinned identity of the provider and pass :func:`check_ring_pedersen`.
    """
    try:
        return check_ring_pedersen(verify(signed, provider, "provider", pins), provider)
    except (SignatureError, ProofError) as error:
        reason = f"the parameters of {provider} cannot be used: {error}"
        raise AnswerError(f"{reason}; prove nothing to it, and call its operator") from error


def enrolment(
    bank: str, identity: Ed25519PrivateKey, key: PrivateKey, provider: str, parameters: RingPedersen, now: int
) -> EnrolKey:
    """Give the message that enrols the key at this provider, under checked parameters; ``now`` in milliseconds.

    Raises :class:`ModulusError` for a key that is not well formed. The proofs take about a second at 2048 bits.
    """
    claim = Claim(key.public, bank, provider, parameters)
    statement = KeyStatement(
        suite=SUITE,
        bank=bank,
        provider=provider,
        issued_at=now,
        n=key.public.to_bytes(),
        modulus=parameters.parts[0],
        roots=nth_roots(key, claim),
        blum_modulus=prove_blum_modulus(key, claim),
        small_factor=prove_small_factor(key, claim),
    )
    return EnrolKey(statement=sign(statement, bank, identity))


def nth_roots(key: PrivateKey, claim: Claim) -> tuple[bytes, ...]:
    """Give the n-th root of each of the claim's challenges, which exists for any if gcd(n, φ(n)) = 1."""
    return tuple(residue_bytes([key.nth_root(y)], key.public.n) for y in challenges(claim))
