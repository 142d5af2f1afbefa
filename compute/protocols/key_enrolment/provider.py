"""The provider's side of key enrolment: check a modulus once, and compute under no other (PROTOCOLS.md §1).

With n sharing a factor with φ(n), blinding and masks stop hiding: every bit of a bin's membership could be read
through them.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import gmpy2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.paillier.errors import ModulusError
from compute.paillier.public import PublicKey
from compute.protocols.base import STATEMENT_AGE, Accepted, RefusalError
from compute.protocols.key_enrolment.blum_modulus import check_blum_modulus
from compute.protocols.key_enrolment.claim import Claim
from compute.protocols.key_enrolment.messages import AskRingPedersen, EnrolKey, KeyStatement, challenges
from compute.protocols.key_enrolment.numbers import ProofError, residues
from compute.protocols.key_enrolment.ring_pedersen import RingPedersenStatement
from compute.protocols.key_enrolment.small_factor import check_small_factor
from compute.protocols.signed import of_bank
from compute.signing import Pins, Signed, sign

REMEDY = "generate a new key and enrol it"


class Keys(Protocol):
    """The durable store of enrolled keys: each method is one transaction, also between processes."""

    def enrolment(self, bank: str) -> tuple[Signed[KeyStatement], int] | None:
        """Give the statement that brought the bank's key in force, and when it was first taken."""
        ...

    def enrol(self, statement: Signed[KeyStatement], now: int) -> int | None:
        """Put the key in force and give the time; None, and nothing, if as late a statement is in force."""
        ...


class Enroller:
    """The role that takes keys. ``parameters`` gives the provider's own: the same always, once they are made."""

    def __init__(
        self,
        name: str,
        identity: Ed25519PrivateKey,
        pins: Pins,
        keys: Keys,
        parameters: Callable[[], RingPedersenStatement | None],
        clock: Callable[[], int],
    ) -> None:
        self.name = name
        self._identity, self._pins, self._keys = identity, pins, keys
        self._parameters, self._clock = parameters, clock

    def ring_pedersen(self, _message: AskRingPedersen) -> Signed[RingPedersenStatement]:
        """Give the parameters under which banks prove their keys here."""
        return sign(self._own(), self.name, self._identity)

    def enrol(self, message: EnrolKey) -> Accepted:
        """Keep a key that passes :func:`enrol`: the bank's jobs run under it and under no other.

        5. The statement is of the last hour and later than the one in force; the very same one again changes
           nothing. It is looked at before the proofs, so that an old message costs nobody a second's work.
        """
        statement, now = message.statement.statement, self._clock()
        current = self._keys.enrolment(statement.bank)
        if current is not None and message.statement == current[0]:
            return Accepted(party=self.name, at=current[1])
        check_author(message, self._pins)  # 1
        stale = RefusalError(5, "the statement is old, or a later key is in force", "enrol the key anew")
        later = current is None or statement.issued_at > current[0].statement.issued_at
        if not later or abs(now - statement.issued_at) > STATEMENT_AGE:  # 5
            raise stale
        enrol(message, self._pins, self._own())
        at = self._keys.enrol(message.statement, now)
        if at is None:  # 5, once more: another process may have taken a later one meanwhile
            raise stale
        return Accepted(party=self.name, at=at)

    def _own(self) -> RingPedersenStatement:
        own = self._parameters()
        if own is None:  # 6
            reason = f"{self.name} has not made its parameters yet"
            raise RefusalError(6, reason, "ask for them, then prove the key")
        return own


def check_author(message: EnrolKey, pins: Pins) -> KeyStatement:
    """Give the statement, or refuse by check 1."""
    return of_bank(message.statement, message.statement.statement.bank, pins)  # 1


def enrol(message: EnrolKey, pins: Pins, own: RingPedersenStatement) -> PublicKey:
    """Give the proven key of the bank, or raise :class:`RefusalError` with the number of the check.

    ``own`` are this provider's parameters. What costs little comes first; nothing is unbounded, since every number
    has the length that its modulus gives, and a proof is left at the first round that fails.

    1. The statement is signed by the pinned identity of the bank that it names, a consumer.
    2. 2048 ≤ |n| ≤ 4096, n is odd and in canonical form.
    3. n is no prime, no perfect power, and has no prime factor below 2²⁰.
    4. gcd(n, φ(n)) = 1: every challenge has its n-th root.
    6. The statement is to this provider, and its proofs are under this provider's parameters.
    7. Π_mod: n is a product of two primes ≡ 3 mod 4.
    8. Π_fac: neither of them is small.

    Check 5, the statement's time, is in :meth:`Enroller.enrol`.
    """
    statement = check_author(message, pins)  # 1
    try:
        key = PublicKey.from_bytes(statement.n)  # 2
    except ModulusError as error:
        raise RefusalError(2, str(error), REMEDY) from error
    if (statement.provider, statement.modulus) != (own.provider, own.modulus):  # 6
        reason = f"the proofs are not under the present parameters of {own.provider}"
        raise RefusalError(6, reason, "ask for them and prove the key anew")
    try:
        key.validate()  # 3
    except ModulusError as error:
        raise RefusalError(3, str(error), REMEDY) from error
    claim = Claim(key, statement.bank, own.provider, own.parameters)
    _checked(4, lambda: check_roots(claim, statement.roots))
    _checked(7, lambda: check_blum_modulus(claim, statement.blum_modulus))
    _checked(8, lambda: check_small_factor(claim, statement.small_factor))
    return key


def _checked(check: int, prove: Callable[[], None]) -> None:
    try:
        prove()
    except ProofError as error:
        raise RefusalError(check, str(error), REMEDY) from error


def check_roots(claim: Claim, roots: Sequence[bytes]) -> None:
    """Return if each is the n-th root of its challenge; raise `ProofError` with the first that is not."""
    n = claim.key.n
    for index, (challenge, root) in enumerate(zip(challenges(claim), roots, strict=True)):
        (x,) = residues(f"root {index}", root, n)
        if gmpy2.powmod(x, n, n) != challenge:  # 4
            raise ProofError(f"root {index} is not the n-th root of its challenge")
