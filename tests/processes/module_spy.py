"""Which modules each process loads: noted by the process itself, from its first import on.

A `sitecustomize` on the path of the started processes asks nothing of their own code. Its finder stands before all
others and finds nothing, so it hears of every module that is looked for, at the moment that it is; a process that
is forked off first notes all that it inherits. A module that was looked for counts as loaded.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = "MODULES_NOTED_IN"
"""The environment variable with the folder of the notes."""
_SCRIPT = f"""
import os, sys

def note(*names):
    os.write(notes, "".join(name + "\\n" for name in names).encode())


def begin():
    global notes
    path = f"{{os.environ['{FOLDER}']}}/{{os.getsid(0)}}-{{os.getpid()}}"
    notes = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    descriptor = os.open("/proc/self/cmdline", os.O_RDONLY)
    command = os.read(descriptor, 4096).replace(b"\\0", b" ").decode().replace("\\n", " ")
    os.close(descriptor)
    note(str(os.getppid()), command, *sorted(sys.modules))


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        note(name)


sys.meta_path.insert(0, Finder)
os.register_at_fork(after_in_child=begin)
begin()
"""


@dataclass(frozen=True)
class Noted:
    """One process: the session it belongs to, which is the number of the session's first process."""

    session: int
    pid: int
    parent: int
    command: str
    modules: frozenset[str]

    @property
    def is_first(self) -> bool:
        return self.pid == self.session


def install(folder: Path) -> dict[str, str]:
    """Write the script below `folder`, and give the environment in which processes note their modules."""
    notes, path = folder / "notes", folder / "path"
    notes.mkdir()
    path.mkdir()
    (path / "sitecustomize.py").write_text(_SCRIPT, "utf-8")
    inherited = os.environ.get("PYTHONPATH")
    return {FOLDER: str(notes), "PYTHONPATH": os.pathsep.join([str(path), *([inherited] if inherited else [])])}


def noted(folder: Path) -> Iterator[Noted]:
    """Give what every process has noted so far."""
    for file in (folder / "notes").iterdir():
        session, pid = file.name.split("-")
        parent, command, *modules = file.read_text("utf-8").splitlines()
        yield Noted(int(session), int(pid), int(parent), command, frozenset(modules))
