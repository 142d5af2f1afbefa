"""No dumps of a process that holds keys: of its memory when it crashes, or by another program of its user."""

import ctypes
import os
import resource

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4  # prctl(2), linux/prctl.h


def forbid_dumps() -> None:
    """Make this process, and those that it forks, write no core and be opened by nobody but root.

    prctl(2): without the dumpable attribute no process of the same user may attach to it (ptrace) or read its
    memory and environment in /proc. A program that is executed begins with the attribute anew: call this there,
    too. Raises OSError.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def dumpable() -> bool:
    """Whether others of this user may read this process. Raises OSError."""
    return _prctl(_PR_GET_DUMPABLE, 0) != 0


def _prctl(option: int, value: int) -> int:
    result = int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
