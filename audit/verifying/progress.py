"""Progress of what takes long, on a stream of its own, with the time that is left."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

PATIENCE = 2.0  # seconds before anything is shown
_STEP = 0.5  # seconds between two states on a terminal
_RARELY = 10.0  # … elsewhere, where each is a line


@dataclass
class Progress:
    """How many of `total` are done; call it with that. Silent for the first seconds."""

    text: str
    total: int
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], float] = time.monotonic
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        self._began = self.clock()
        self._next = self._began + self.patience
        self._is_shown = False

    def __call__(self, done: int) -> None:
        """Show that so many are done, if it is time."""
        now = self.clock()
        if now < self._next:
            return
        left = (now - self._began) / max(done, 1) * (self.total - done)
        line = f"{self.text} {done:,}/{self.total:,} {done / max(self.total, 1):.0%}, left 剩余 {left:,.0f} s"
        is_terminal = self.stream.isatty()
        self.stream.write(f"\r{line}\x1b[K" if is_terminal else f"{line}\n")
        self.stream.flush()
        self._is_shown = is_terminal
        self._next = now + (_STEP if is_terminal else _RARELY)

    def end(self) -> None:
        """Take the line away."""
        if self._is_shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
