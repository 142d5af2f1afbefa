"""Faults of the kernel, put by strace into a process at the n-th call of a system call.

    this process ── fork ──▶ child waits ── strace attaches ──▶ "go" ──▶ the child works, and a call of it fails

The calls are counted from "go" on, so no call of Python's own start is among them. The other way, a library put
before libc (LD_PRELOAD), was not taken: SQLite in the wheel of Python may be linked without it, and a signal at a
call needs the kernel anyway.
"""

import multiprocessing
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

PROCESSES = multiprocessing.get_context("fork")
WRITING = ("openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "link", "unlink", "close")
"""The system calls by which something gets on a disk, or a file's name into a folder."""
SYNCING = frozenset({"fsync", "fdatasync"})
DEADLINE = 30.0  # seconds for one child

Work = Callable[..., None]
"""What the child does; its last argument is `tell`, by which it acknowledges."""


@dataclass(frozen=True)
class Fault:
    call: str
    number: int
    """The n-th such call of the child, from 1."""
    kind: str
    """`error=EIO`, `error=ENOSPC` or `signal=SIGKILL`."""

    def __str__(self) -> str:
        return f"{self.call}:{self.kind}:when={self.number}"


@dataclass(frozen=True)
class Outcome:
    told: list[Any]
    """What the child acknowledged before it ended."""
    exit_code: int
    calls: list[str]
    """Its system calls that were traced, in order."""


def require_strace() -> str:
    """Give strace's path, or skip: it is not there, or the sandbox forbids to trace a process."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: apt-get install strace")
    probe = subprocess.run([strace, "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)  # noqa: S603 -- our own command
    if probe.returncode:
        pytest.skip(f"strace may trace no process here: {probe.stderr.strip()}")
    return strace


def run(work: Work, *args: object, log: Path, fault: Fault | None = None) -> Outcome:
    """Do the work in a child; `log` gets strace's, of the calls that write."""
    ours, theirs = PROCESSES.Pipe()
    child = PROCESSES.Process(target=_child, args=(work, args, theirs))
    child.start()
    theirs.close()
    calls = (fault.call,) if fault else WRITING
    command = ["strace", "-f", "-o", str(log), "-e", f"trace={','.join(calls)}", "-p", str(child.pid)]
    if fault:
        command += ["-e", f"inject={fault}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:  # noqa: S603 -- our own command
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        ours.send("go")
        told = _received(ours)
        child.join(DEADLINE)
        assert child.exitcode is not None, f"{fault}: the child still runs"
        tracer.wait(DEADLINE)
    ours.close()
    return Outcome(told, child.exitcode, re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE))


def faults(calls: Sequence[str], kinds: Sequence[str], every: int) -> list[Fault]:
    """One in so many of the faults that can be put at these calls, always the first and the last of each."""
    found = []
    for call, count in sorted(Counter(calls).items()):
        numbers = sorted({*range(1, count + 1, every), count})
        found += [Fault(call, number, kind) for number in numbers for kind in kinds]
    return found


def _child(work: Work, args: tuple[object, ...], pipe: Connection) -> None:
    pipe.recv()
    work(*args, pipe.send)


def _received(pipe: Connection) -> list[Any]:
    told = []
    while True:
        try:
            told.append(pipe.recv())
        except (EOFError, ConnectionResetError):
            return told
