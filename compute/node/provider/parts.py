"""Finished parts of a provider's unfinished answers: a folder for each query, by the fingerprint of the message.

They lie under an HMAC with a key of the node's own: they enter answers without another look.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.at_rest import AtRest
from compute.node.jobs.store import fingerprint
from compute.node.settings import Computing
from compute.paillier.partials import PartialFiles, SealedPartials
from compute.signing import derived_secret

_FINGERPRINT = re.compile("[0-9a-f]{64}")


def open_parts(computing: Computing, query: bytes, identity: Ed25519PrivateKey) -> SealedPartials:
    """Give where the parts of the answer to this message are kept."""
    files = PartialFiles(_folder_of(computing, query, AtRest.of(identity)))
    return SealedPartials(files, derived_secret(identity, "veilmart/part-store/v1"))


def forget_parts(computing: Computing, query: bytes, at_rest: AtRest) -> None:
    """Remove the parts of the answer to this message."""
    # Another worker that did the same job may be removing them too, and upkeep removes what is left.
    shutil.rmtree(_folder_of(computing, query, at_rest), ignore_errors=True)


def forget_ended_parts(computing: Computing, unfinished: Callable[[bytes], bool]) -> None:
    """Remove the parts of queries whose fingerprint is not ``unfinished``: they failed, or were cancelled."""
    folder = _folder(computing)
    for path in folder.iterdir() if folder.exists() else ():
        ours = _FINGERPRINT.fullmatch(path.name) is not None  # anything else is the operator's
        if ours and not unfinished(bytes.fromhex(path.name)):
            shutil.rmtree(path, ignore_errors=True)  # the worker may be removing it too


def _folder_of(computing: Computing, query: bytes, at_rest: AtRest) -> Path:
    return _folder(computing) / fingerprint(at_rest, query).hex()


def _folder(computing: Computing) -> Path:
    return computing.folder / "parts"
