from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from statistics_world import PRODUCTS, StatisticsWorld, build_statistics, good_and_bad, holding_of

from compute.paillier.private import PrivateKey


@pytest.fixture(scope="module")
def departments(key: PrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StatisticsWorld]:
    """Both departments over their whole tables, and a bank."""
    with ExitStack() as stack:
        holdings = {name: holding_of(name, stack) for name in PRODUCTS}
        path: Path = tmp_path_factory.mktemp("departments")
        yield stack.enter_context(build_statistics(key, path, holdings))


@pytest.fixture(scope="module")
def loan_vectors(departments: StatisticsWorld) -> dict[str, bytes]:
    """The bank's good and bad loans, registered at both departments."""
    classes = good_and_bad()
    first, *others = departments.nodes
    name = departments.vector(first, classes)
    return {first: name, **{other: departments.vector(other, classes) for other in others}}
