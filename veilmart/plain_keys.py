"""Private keys as earlier versions and `openssl genpkey` left them, unencrypted: read, to be encrypted."""

import json
from importlib import import_module
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from compute.web import keyfile, secret
from compute.web.sealed import Jwk
from compute.web.secret import SecretFileError

POINTS_BYTES = 32
"""Of a reviewer's secret."""


def load(path: Path) -> Jwk:
    """Give the key in the file: Ed25519 in PEM, Paillier as JSON {"p": hex, "q": hex}, 32 bytes of a reviewer.

    Raises `SecretFileError`, whose text holds nothing of the file.
    """
    data = secret.load(path)
    try:
        if len(data) == POINTS_BYTES:
            return _points(data)
        return _ed25519(data) if data.startswith(b"-----BEGIN") else _paillier(data)
    except (ValueError, TypeError, KeyError) as error:
        failure = type(error).__name__
    raise SecretFileError(f"{path}: holds no unencrypted key ({failure}); name a file of an earlier version")


def _ed25519(data: bytes) -> Jwk:
    key = load_pem_private_key(data, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("a key of another kind")
    return keyfile.to_jwk(key)


# What follows loads what only a node of that role has installed.


def _points(data: bytes) -> Jwk:
    jwk: Jwk = import_module("compute.node.reviewer.points").to_jwk(data)
    return jwk


def _paillier(data: bytes) -> Jwk:
    members = json.loads(data)
    key = import_module("compute.paillier.private").PrivateKey(int(members["p"], 16), int(members["q"], 16))
    jwk: Jwk = import_module("compute.node.bank.paillier_key").to_jwk(key)
    return jwk
