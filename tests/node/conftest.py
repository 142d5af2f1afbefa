"""One file as two processes of a node have it, and a marketplace that a test may stop."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from marketplace_api.process import Server, start
from node.admission_office import Office, open_office
from sqlalchemy import Engine

from audit.database import open_engine
from compute.at_rest import AtRest

Engines = tuple[Engine, Engine]
AT_REST = AtRest(bytes(range(32)))
"""What seals and opens the values of these files."""


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[Engines]:
    """Two engines on one file."""
    first, second = (open_engine(tmp_path / "node.sqlite") for _ in range(2))
    yield first, second
    first.dispose()
    second.dispose()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Starts the marketplace's process, one after the other on one port and one set of files."""
    folder = tmp_path / "marketplace"
    folder.mkdir()
    started: list[Server] = []
    with ExitStack() as stack:

        def starter() -> Server:
            server = start(folder, started[0].port if started else None)
            started.append(server)
            stack.callback(lambda: server.process.poll() is None and server.stop())
            return server

        yield starter


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A tax office's admission; see tests/node/admission_office.py."""
    with open_office(tmp_path, AT_REST) as opened:
        yield opened


@pytest.fixture
def contract(office: Office) -> str:
    """A contract in force; its permit is presented, and all subjects consent."""
    name = office.agree()
    office.present(name)
    office.consent(name)
    return name
