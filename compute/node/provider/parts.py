"""Finished parts of a provider's unfinished answers: a folder for each query, by the digest of the message."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from compute.node.settings import Computing
from compute.paillier.partials import PartialFiles


def open_parts(computing: Computing, query: bytes) -> PartialFiles:
    """Give where the parts of the answer to this message are kept."""
    return PartialFiles(_folder(computing) / hashlib.sha256(query).hexdigest())


def forget_parts(computing: Computing, query: bytes) -> None:
    """Remove the parts of the answer to this message."""
    shutil.rmtree(_folder(computing) / hashlib.sha256(query).hexdigest())


def forget_ended_parts(computing: Computing, unfinished: Callable[[bytes], bool]) -> None:
    """Remove the parts of queries whose digest is not ``unfinished``: they failed, or were cancelled."""
    folder = _folder(computing)
    for path in folder.iterdir() if folder.exists() else ():
        if not unfinished(bytes.fromhex(path.name)):
            shutil.rmtree(path, ignore_errors=True)  # the worker may be removing it too


def _folder(computing: Computing) -> Path:
    return computing.folder / "parts"
