"""What a job's process keeps for the next job: by name, for as long as what it was made of is the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compute.node.jobs.shelf import Shelf, stamp_of


class Maker:
    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []

    @contextmanager
    def thing(self, name: str) -> Iterator[str]:
        self.opened.append(name)
        yield name
        self.closed.append(name)


def test_a_thing_is_opened_once_for_one_stamp() -> None:
    shelf, maker = Shelf(), Maker()
    assert [shelf.get("key", 1, lambda: maker.thing("one")) for _ in range(3)] == ["one"] * 3
    assert (maker.opened, maker.closed) == (["one"], [])


def test_a_thing_of_another_stamp_takes_the_place_of_the_first_which_is_closed() -> None:
    shelf, maker = Shelf(), Maker()
    shelf.get("key", 1, lambda: maker.thing("one"))
    shelf.get("table", 1, lambda: maker.thing("table"))
    assert shelf.get("key", 2, lambda: maker.thing("two")) == "two"
    assert (maker.opened, maker.closed) == (["one", "table", "two"], ["one"])


def test_what_cannot_be_opened_is_not_kept() -> None:
    shelf, maker = Shelf(), Maker()

    @contextmanager
    def broken() -> Iterator[str]:
        raise OSError("no such file")
        yield "never"

    with pytest.raises(OSError, match="no such file"):
        shelf.get("key", 1, broken)
    assert shelf.get("key", 1, lambda: maker.thing("one")) == "one"


def test_a_file_that_is_written_or_replaced_has_another_stamp(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("one")
    first = stamp_of(path)
    assert stamp_of(path) == first
    path.write_text("three")
    second = stamp_of(path)
    (tmp_path / "other").write_text("three")
    (tmp_path / "other").replace(path)
    assert len({first, second, stamp_of(path)}) == 3
