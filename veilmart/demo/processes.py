"""The demo's processes: started as a user would by hand, each writing to a log in its own folder."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from veilmart.demo.data import DemoError
from veilmart.demo.sites import Site, Sites

START = 60.0
"""Seconds that a process has to listen."""
STOP = 20.0
"""Seconds that a process has to end."""
_LOOK = 0.05


@dataclass
class Process:
    """One command of ``veilmart``; ``ready`` is a file that it writes when it listens."""

    name: str
    arguments: list[str]
    folder: Path
    ready: Path | None
    running: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / f"{self.name}.log"

    @property
    def command(self) -> str:
        """The command as a user would type it."""
        return " ".join(["veilmart", *self.arguments])

    def start(self) -> None:
        """Start it; a later start goes on in the same files."""
        if self.ready is not None:
            self.ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(  # noqa: S603 -- our own command
                [sys.executable, "-m", "veilmart", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops them in order
            )

    def wait_until_ready(self) -> None:
        """Return once it listens; raise :class:`DemoError` if it ends, or takes too long."""
        deadline = time.monotonic() + START
        while self.ready is not None and not self.ready.exists():
            if not self.alive or time.monotonic() > deadline:
                raise DemoError(f"{self.name} did not start: {self._last_line()} ({self.log})")
            time.sleep(_LOOK)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.running is not None and self.running.poll() is None

    def stop(self) -> None:
        """Ask it to end, and see that it does."""
        if self.running is None:
            return
        self.running.terminate()
        try:
            self.running.wait(STOP)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()

    def _last_line(self) -> str:
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def processes_of(sites: Sites) -> list[Process]:
    """Give a server for each site and a worker beside each."""
    market, options = sites.market, ["--config", str(sites.market.config)]
    found = [
        _server("marketplace", ["marketplace", "serve", *options], market),
        Process("marketplace-work", ["marketplace", "work", *options], market.folder, None),
    ]
    for site in sites.nodes.values():
        options = ["--role", str(site.role), "--config", str(site.config)]
        found.append(_server(f"{site.name}-serve", ["node", "serve", *options], site))
        found.append(Process(f"{site.name}-work", ["node", "work", *options], site.folder, None))
    return found


@contextmanager
def running(sites: Sites) -> Iterator[list[Process]]:
    """Start all processes, wait until they listen, and stop them at the end."""
    processes = processes_of(sites)
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.wait_until_ready()
        yield processes
    finally:
        for process in reversed(processes):
            if process.running is not None:
                process.running.terminate()
        for process in reversed(processes):
            process.stop()


def _server(name: str, arguments: list[str], site: Site) -> Process:
    ready = site.folder / "address.json"
    return Process(name, [*arguments, "--address-file", str(ready)], site.folder, ready)
