"""The checkpoint of a log that was seen last, in a file: by it a log is known that is not what it was."""

import hashlib
import os
import tempfile
from pathlib import Path

from audit import checkpoint as checkpoints
from audit.checkpoint import Checkpoint
from audit.errors import FormatError, SignatureError, UnavailableError
from audit.policy import Policy


def load(path: Path, policy: Policy, now: int) -> Checkpoint | None:
    """The kept checkpoint, None before the first; raises UnavailableError for a file that has none of this log."""
    try:
        found = checkpoints.parse(path.read_bytes())
        policy.judge(found, now)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}; let this user read it") from error
    except (FormatError, SignatureError) as error:
        problem = f"{path}: no checkpoint of {policy.log.name}: {error}; restore it from its copy"
        raise UnavailableError(problem) from error
    return found


def keep(path: Path, checkpoint: Checkpoint, policy: Policy, now: int) -> None:
    """Put the checkpoint in the file, in one step and durably; raises UnavailableError if that cannot be done.

    Both were judged; of the same checkpoint the file keeps the newest cosignatures that were seen.
    """
    before = load(path, policy, now)
    if before is not None and before.note.text == checkpoint.note.text:
        checkpoint = policy.joined(before, checkpoint, now)
    if before != checkpoint:
        write(path, checkpoint.encode())


def keep_proof(path: Path, old: Checkpoint, new: Checkpoint) -> tuple[Path, Path]:
    """Put two checkpoints that contradict each other beside the file, and give where: both signed by the log.

    They go by their own digests, so no proof takes the place of another.
    """
    first, second = (
        path.with_name(f"{path.name}.{each.size}.{hashlib.sha256(each.encode()).hexdigest()[:16]}.proof")
        for each in (old, new)
    )
    write(first, old.encode())
    write(second, new.encode())
    return first, second


def write(path: Path, data: bytes) -> None:
    """Put the data in the file, whole or not at all, and durably; raises UnavailableError."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        if os.name == "posix":  # elsewhere a folder cannot be opened
            _sync(path.parent)
    except OSError as error:
        raise UnavailableError(
            f"{path}: {error.strerror}; make its folder, and let this user write there"
        ) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
