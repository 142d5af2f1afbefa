"""Finished parts of a provider's unfinished answers: a folder for each query, by the digest of the message.

They lie under an HMAC with a key of the node's own: they enter answers without another look.
"""

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.node.settings import Computing
from compute.paillier.partials import PartialFiles, SealedPartials
from compute.signing import derived_secret

_DIGEST = re.compile("[0-9a-f]{64}")


def open_parts(computing: Computing, query: bytes, identity: Ed25519PrivateKey) -> SealedPartials:
    """Give where the parts of the answer to this message are kept."""
    files = PartialFiles(_folder(computing) / hashlib.sha256(query).hexdigest())
    return SealedPartials(files, derived_secret(identity, "veilmart/part-store/v1"))


def forget_parts(computing: Computing, query: bytes) -> None:
    """Remove the parts of the answer to this message."""
    # Another worker that did the same job may be removing them too, and upkeep removes what is left.
    shutil.rmtree(_folder(computing) / hashlib.sha256(query).hexdigest(), ignore_errors=True)


def forget_ended_parts(computing: Computing, unfinished: Callable[[bytes], bool]) -> None:
    """Remove the parts of queries whose digest is not ``unfinished``: they failed, or were cancelled."""
    folder = _folder(computing)
    for path in folder.iterdir() if folder.exists() else ():
        ours = _DIGEST.fullmatch(path.name) is not None  # anything else is the operator's
        if ours and not unfinished(bytes.fromhex(path.name)):
            shutil.rmtree(path, ignore_errors=True)  # the worker may be removing it too


def _folder(computing: Computing) -> Path:
    return computing.folder / "parts"
