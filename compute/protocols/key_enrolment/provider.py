"""The provider's side of key enrolment: check a modulus once, and compute under no other (PROTOCOLS.md §1.1–1.2).

With n sharing a factor with φ(n), blinding and masks stop hiding: every bit of a bin's membership could be read
through them.
"""

import gmpy2
from gmpy2 import mpz

from compute.paillier.errors import ModulusError
from compute.paillier.public import PublicKey
from compute.protocols.base import RefusalError
from compute.protocols.key_enrolment.messages import EnrolKey, challenges
from compute.signing import Pins, SignatureError, verify


def enrol(message: EnrolKey, pins: Pins) -> PublicKey:
    """Give the proven key of the bank, or raise :class:`RefusalError` with the number of the check.

    1. The statement is signed by the pinned identity of the bank that it names, a consumer.
    2. 2048 ≤ |n| ≤ 4096, n is odd and in canonical form.
    3. n is no prime, no perfect power, and has no prime factor below 2²⁰.
    4. gcd(n, φ(n)) = 1: every challenge has its n-th root.
    """
    bank = message.statement.statement.bank
    remedy = "generate a new key and enrol it"
    try:
        statement = verify(message.statement, bank, "consumer", pins)  # 1
    except SignatureError as error:
        raise RefusalError(1, str(error), "sign with the key given at onboarding") from error
    try:
        key = PublicKey.from_bytes(statement.n)  # 2
    except ModulusError as error:
        raise RefusalError(2, str(error), remedy) from error
    try:
        key.validate()  # 3
    except ModulusError as error:
        raise RefusalError(3, str(error), remedy) from error
    for index, (challenge, root) in enumerate(zip(challenges(key, bank), statement.roots, strict=True)):
        x = mpz.from_bytes(root, "big")
        if len(root) != key.modulus_bytes or not 0 < x < key.n or gmpy2.powmod(x, key.n, key.n) != challenge:  # 4
            raise RefusalError(4, f"root {index} is not the n-th root of its challenge", remedy)
    return key
