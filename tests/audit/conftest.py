from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from log_world import Node, enrol, opened

from audit.log import Log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of each kind, empty."""
    if request.param == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('path')}"
    else:
        with postgres.database(request.getfixturevalue("postgres_url")) as made:
            yield made


@pytest.fixture
def empty(url: str) -> Iterator[Log]:
    with opened(url) as log:
        yield log


@pytest.fixture
def tax() -> Node:
    return Node("tax")


@pytest.fixture
def log(empty: Log, tax: Node) -> Log:
    """With one entry: the enrolment of `tax`."""
    enrol(empty, tax)
    return empty
