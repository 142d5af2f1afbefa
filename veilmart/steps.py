"""Progress on stderr: one line a step, with the time gone and the time left."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """A context manager; called with a step's name, the units done and in all, and the milliseconds left."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, done: int, total: int, milliseconds_left: int | None) -> None:
        """Show how far a step is."""
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(step, total=max(total, 1), left="")
        left = "" if milliseconds_left is None or done >= total else f"{milliseconds_left / 1000:.0f} s left 剩余"
        self._bar.update(self._tasks[step], total=max(total, 1), completed=done, left=left)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
