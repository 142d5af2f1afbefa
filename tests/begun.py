"""Marketplaces as most tests begin with them: each is made once in a process, and a test has a copy of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from market import Clock, Market, open_market


class Stage(StrEnum):
    """How far a marketplace has come."""

    FOUNDED = "founded"
    """It has its tables."""
    ENROLLED = "enrolled"
    """All parties are enrolled."""
    LISTED = "listed"
    """And both products are listed."""


def come_to(stage: Stage, place: Path | str) -> None:
    """Bring a marketplace at an empty place, a file or a URL, so far by the real commands, and close it."""
    with open_market(place) as market:
        if stage is not Stage.FOUNDED:
            market.enrol()
        if stage is Stage.LISTED:
            market.publish()


@cache
def _file(stage: Stage) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "market.db"
        come_to(stage, path)
        if [each.name for each in path.parent.iterdir()] != [path.name]:
            raise AssertionError("SQLite has left a write-ahead log, without which the file is not all there is")
        return path.read_bytes()


def lay(path: Path, stage: Stage = Stage.LISTED) -> Path:
    """Put a marketplace that has come so far into a file that is not there yet; gives its path."""
    with path.open("xb") as file:
        file.write(_file(stage))
    return path


@contextmanager
def open_begun(path: Path, stage: Stage = Stage.LISTED, clock: Clock | None = None) -> Iterator[Market]:
    """A marketplace that has come so far, over a file that is not there yet."""
    with open_market(lay(path, stage), clock) as market:
        yield market
