"""Keys and ciphertexts to and from ``phe`` (python-paillier), for those who work with both.

``phe`` is GPL-3.0. Only this module imports it, and no other module imports this one, so the product
runs without it (docs/adr/0002). The extra ``interchange`` installs it.
"""

from typing import overload

import phe
from gmpy2 import mpz

from compute.paillier.errors import CiphertextError
from compute.paillier.private import PrivateKey
from compute.paillier.public import PublicKey


@overload
def to_phe(key: PublicKey) -> "phe.PaillierPublicKey": ...
@overload
def to_phe(key: PrivateKey) -> "phe.PaillierPrivateKey": ...
def to_phe(key: PublicKey | PrivateKey) -> "phe.PaillierPublicKey | phe.PaillierPrivateKey":
    """Give phe's form of a key; a public key stays public."""
    if isinstance(key, PublicKey):
        return phe.PaillierPublicKey(int(key.n))
    return phe.PaillierPrivateKey(to_phe(key.public), *map(int, key.factors))


@overload
def from_phe(key: "phe.PaillierPublicKey") -> PublicKey: ...
@overload
def from_phe(key: "phe.PaillierPrivateKey") -> PrivateKey: ...  # type: ignore[overload-cannot-match] # phe is untyped
def from_phe(key: "phe.PaillierPublicKey | phe.PaillierPrivateKey") -> PublicKey | PrivateKey:
    """Give our form of phe's key; raise :class:`ModulusError` where it is too short or malformed."""
    if isinstance(key, phe.PaillierPublicKey):
        return PublicKey(key.n)
    return PrivateKey(key.p, key.q)


def ciphertext_to_phe(key: PublicKey, c: int) -> "phe.EncryptedNumber":
    """Give c as phe's encrypted integer (exponent 0); negative values are above n/2 on both sides."""
    key.check_ciphertexts([c])
    return phe.EncryptedNumber(to_phe(key), int(c))


def ciphertext_from_phe(number: "phe.EncryptedNumber") -> mpz:
    """Give the raw ciphertext of phe's encrypted integer, re-randomised by phe.

    phe's fractions carry an exponent in the clear, which we do not: raise :class:`CiphertextError` for them.
    """
    if number.exponent:
        raise CiphertextError(f"phe's number has the exponent {number.exponent}; encrypt an integer")
    return mpz(number.ciphertext())
