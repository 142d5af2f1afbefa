"""Secrets in files of mode 0600."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from compute.web.files import put_once

_MODE = 0o600


class SecretFileError(ValueError):
    """The file of a secret cannot be used or made: which, why, what to do."""


def load_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """Give the file's bytes; write those of `make` first if there is no file and its folder exists.

    Processes that do this at the same moment all get the same. A file that is there is never written to. Raises
    `SecretFileError` as `load` does, and for a folder that is missing.
    """
    if not os.path.lexists(path):
        made = make()
        try:
            put_once(path, made, _MODE)  # unless another process was first: then its secret is the secret
        except OSError as error:
            raise SecretFileError(
                f"{path}: {error.strerror}; make its folder, and let this user write there"
            ) from error
    return load(path)


def load(path: Path) -> bytes:
    """Give the file's bytes; raise `SecretFileError` for a file that is missing or that others can read."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        data = path.read_bytes()
    except OSError as error:
        raise SecretFileError(f"{path}: {error.strerror}; let this user, and nobody else, read it") from error
    if mode & ~_MODE:
        raise SecretFileError(
            f"{path}: its mode is {mode:04o}; make it 0600, and a new one if others have read it"
        )
    return data
