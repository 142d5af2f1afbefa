"""Two processes as a node has them, and a blinding pool."""

from collections.abc import Iterator
from dataclasses import replace

import engine
import pytest

from compute.node.computing import open_runner
from compute.node.settings import Computing
from compute.paillier.ciphertexts import to_bytes
from compute.paillier.pool import Pool, pool_size
from compute.paillier.private import PrivateKey
from compute.paillier.runner import Runner


@pytest.fixture(scope="session")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """The node's own runner, which takes any work to be worth spreading."""
    with open_runner(Computing(processes=2, folder=tmp_path_factory.mktemp("computing"))) as runner:
        yield replace(runner, costs=engine.large)


@pytest.fixture(scope="session")
def pool(key: PrivateKey) -> Pool:
    """A full pool of the key's, which its owner draws faster than a provider."""
    residues = key.encrypt_many([0] * pool_size(key.public.bits), short=False)
    return Pool(key.public, to_bytes(key.public, residues))
