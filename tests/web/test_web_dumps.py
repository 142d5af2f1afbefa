"""No dumps: a process that holds keys leaves no core, and no other program of its user looks into it."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from web.conftest import ROOT

from compute.node.lifetime import begin_worker
from compute.web import dumps
from compute.web.dumps import dumpable, forbid_dumps
from veilmart.serving import keep_private

NOBODY = 65534
LOOK, DENIED = 40, 41
"""How the process that looks ends."""


def apart(name: str, folder: Path) -> int:
    """Do it in a program of its own; give its exit status, or minus the signal that ended it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    return subprocess.run([sys.executable, __file__, name], cwd=folder, env=environment, check=False).returncode  # noqa: S603 -- this file


def forked(work: Callable[[], int]) -> int:
    pid = os.fork()  # of a program without threads
    if pid == 0:
        os._exit(work())
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def look(pid: int) -> int:
    """Look into the process as another program of the same user would."""
    try:
        Path(f"/proc/{pid}/environ").read_bytes()
        Path(f"/proc/{pid}/mem").open("rb").close()
    except PermissionError:
        return DENIED
    return LOOK


def watched() -> int:
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    dumps._prctl(dumps._PR_SET_DUMPABLE, 1)  # as a program begins
    own = os.getpid()
    if not dumpable() or forked(lambda: look(own)) != LOOK:
        return 1  # the look would find it
    forbid_dumps()
    return 2 if dumpable() else forked(lambda: look(own))


def crash() -> int:
    forbid_dumps()
    if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):
        return 1
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # a shell has its background jobs ignore it
    os.kill(os.getpid(), signal.SIGQUIT)
    return 2


def parent() -> int:
    forbid_dumps()
    return forked(lambda: int(dumpable()))


def kept_private() -> int:
    keep_private()
    return int(dumpable())


def test_no_other_program_of_the_user_reads_memory_or_environment(tmp_path: Path) -> None:
    assert apart("watched", tmp_path) == DENIED


def test_a_crash_leaves_no_core(tmp_path: Path) -> None:
    assert apart("crash", tmp_path) == -signal.SIGQUIT
    assert list(tmp_path.iterdir()) == []


def test_forked_processes_inherit_it(tmp_path: Path) -> None:
    assert apart("parent", tmp_path) == 0


def test_every_command_that_serves_or_works_forbids_it(tmp_path: Path) -> None:
    assert apart("kept private", tmp_path) == 0


def test_the_processes_that_compute_forbid_it_themselves() -> None:
    with ProcessPoolExecutor(1, get_context("forkserver"), initializer=begin_worker) as pool:
        assert pool.submit(dumpable).result() is False
        assert pool.submit(resource.getrlimit, resource.RLIMIT_CORE).result() == (0, 0)


def test_what_the_kernel_refuses_is_told() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        dumps._prctl(dumps._PR_SET_DUMPABLE, 77)


if __name__ == "__main__":
    sys.exit({"watched": watched, "crash": crash, "parent": parent, "kept private": kept_private}[sys.argv[1]]())
