"""The bank's Paillier private key in a file: JSON ``{"p": hex, "q": hex}``, mode 0600."""

import json
from pathlib import Path

from compute.paillier.errors import PaillierError
from compute.paillier.private import PrivateKey
from compute.web.secret import SecretFileError, load_or_make


def load_or_generate(path: Path, bits: int) -> PrivateKey:
    """Give the key in the file; make it first, with a modulus of so many bits, if there is none.

    Raises :class:`SecretFileError` for a file that holds no key or that others can read.
    """
    data = load_or_make(path, lambda: _encode(PrivateKey.generate(bits)))
    try:
        members = json.loads(data)
        return PrivateKey(int(members["p"], 16), int(members["q"], 16))
    except (ValueError, TypeError, KeyError, PaillierError) as error:
        failure = type(error).__name__  # its own text may hold digits of the key
    raise SecretFileError(f"{path}: holds no Paillier key ({failure}); restore it from its copy")


def _encode(key: PrivateKey) -> bytes:
    p, q = key.factors
    return json.dumps({"p": f"{p:x}", "q": f"{q:x}"}).encode()
