"""Two processes as a node has them."""

from collections.abc import Iterator
from dataclasses import replace

import engine
import pytest

from compute.node.computing import open_runner
from compute.node.settings import Computing
from compute.paillier.runner import Runner


@pytest.fixture(scope="session")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """The node's own runner, which takes any work to be worth spreading."""
    with open_runner(Computing(processes=2, folder=tmp_path_factory.mktemp("computing"))) as runner:
        yield replace(runner, costs=engine.large)
