"""The bank's Paillier private key, as a JWK in an encrypted file.

No standard names such a key. The members are those that python-paillier's `pheutil genpkey` writes and its other
commands read: key type DAJ, the factors p and q, and the public key with its modulus n (algorithm PAI-GN1, which
is g = n + 1), each number in base64url, big-endian.
"""

from pathlib import Path

from joserfc.util import base64_to_int, int_to_base64

from compute.paillier.errors import PaillierError
from compute.paillier.private import PrivateKey
from compute.web import sealed
from compute.web.sealed import Jwk
from compute.web.secret import SecretFileError
from compute.web.unlock import Unlocking


def load_or_generate(path: Path, unlock: Unlocking, bits: int) -> PrivateKey:
    """Give the key in the file; make it first, with a modulus of so many bits, if there is none.

    Raises :class:`SecretFileError` for a file that holds no key, that does not open, or that others can read.
    """
    return parse(path, sealed.load_or_make(path, unlock, lambda: to_jwk(PrivateKey.generate(bits))))


def to_jwk(key: PrivateKey) -> Jwk:
    """Give the key with its public part."""
    p, q = (int_to_base64(int(factor)) for factor in key.factors)
    n = int_to_base64(int(key.public.n))
    public = {"kty": "DAJ", "alg": "PAI-GN1", "key_ops": ["encrypt"], "n": n}
    return {"kty": "DAJ", "key_ops": ["decrypt"], "p": p, "q": q, "pub": public}


def parse(path: Path, jwk: Jwk) -> PrivateKey:
    """Give the key of a JWK out of this file; raise :class:`SecretFileError` if it is none."""
    try:
        key = PrivateKey(base64_to_int(jwk["p"]), base64_to_int(jwk["q"]))
        if to_jwk(key) == jwk:
            return key
        failure = "other members"
    except (ValueError, TypeError, KeyError, PaillierError) as error:
        failure = type(error).__name__  # its own text may hold digits of the key
    raise SecretFileError(f"{path}: holds no Paillier key ({failure}); restore it from its copy")
