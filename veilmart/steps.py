"""Progress on stderr: one line a step, with the time gone and the time left; in a file, a line as a step ends."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """A context manager; called with a step's name, the units done and in all, and the milliseconds left."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._lines = None if console.is_terminal else console
        self._begun: dict[str, float] = {}
        self._ended: set[str] = set()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, done: int, total: int, milliseconds_left: int | None) -> None:
        """Show how far a step is."""
        if self._lines is not None:
            self._line(self._lines, step, is_over=done >= total)
            return
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(step, total=max(total, 1), left="")
        left = "" if milliseconds_left is None or done >= total else f"{milliseconds_left / 1000:.0f} s left 剩余"
        self._bar.update(self._tasks[step], total=max(total, 1), completed=done, left=left)

    def _line(self, console: Console, step: str, *, is_over: bool) -> None:
        began = self._begun.setdefault(step, time.monotonic())
        if is_over and step not in self._ended:
            self._ended.add(step)
            seconds = time.monotonic() - began
            console.print(f"{step}: {seconds:.0f} s", soft_wrap=True, markup=False, highlight=False)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
