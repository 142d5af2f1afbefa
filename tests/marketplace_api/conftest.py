from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from marketplace_api.process import Server, active, enrol, publish, start


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A marketplace with all parties enrolled and both products published."""
    running = start(tmp_path_factory.mktemp("marketplace"))
    enrol(running)
    publish(running)
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture(scope="session")
def contract(server: Server) -> str:
    """A contract in force, which no test moves."""
    return active(server, "standing")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that the test may stop, one after the other on one port and one set of files."""
    started: list[Server] = []

    def starter() -> Server:
        started.append(start(tmp_path, started[0].port if started else None))
        return started[-1]

    yield starter
    for each in started:
        each.stop()
