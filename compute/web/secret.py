"""Secrets in files of mode 0600."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from compute.web.files import put_once

MODE = 0o600
_DELIVERED = 0o640


class SecretFileError(ValueError):
    """The file of a secret cannot be used or made: which, why, what to do."""


def load_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """Give the file's bytes; write those of `make` first if there is no file and its folder exists.

    Processes that do this at the same moment all get the same. A file that is there is never written to. Raises
    `SecretFileError` as `load` does, and for a folder that is missing.
    """
    if not os.path.lexists(path):
        put(path, make())  # unless another process was first: then its secret is the secret
    return load(path)


def put(path: Path, data: bytes) -> bool:
    """Put the data in the file unless there is one; give whether it was put. Raises `SecretFileError`."""
    try:
        return put_once(path, data, MODE)
    except OSError as error:
        raise SecretFileError(
            f"{path}: {error.strerror}; make its folder, and let this user write there"
        ) from error


def load(path: Path, *, delivered: bool = False) -> bytes:
    """Give the file's bytes; raise `SecretFileError` for a file that is missing or that others can read.

    A file that root has `delivered` to another user may be its group's to read: systemd lets a unit's user in by
    an ACL, whose mask shows as 0440, and Kubernetes by the group of the volume.
    """
    try:
        status = path.stat()
        data = path.read_bytes()
    except OSError as error:
        raise SecretFileError(f"{path}: {error.strerror}; let this user, and nobody else, read it") from error
    mode = stat.S_IMODE(status.st_mode)
    group_may = delivered and status.st_uid == 0 and os.geteuid() != 0
    if mode & ~(_DELIVERED if group_may else MODE):
        raise SecretFileError(
            f"{path}: its mode is {mode:04o}; make it 0600, and a new one if others have read it"
        )
    return data
