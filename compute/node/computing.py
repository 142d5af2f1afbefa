"""A node's arithmetic: where it runs, and the folder of what can be made again.

folder/costs.json       what operations cost on this machine
folder/pools/KEY        a bank's blinding pool, by the fingerprint of its key
folder/parts/DIGEST/    finished parts of unfinished work, by the fingerprint of the request
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING

from compute.node.lifetime import begin_worker
from compute.node.settings import Cluster, Computing
from compute.paillier import costs
from compute.paillier.runner import Runner

if TYPE_CHECKING:
    from distributed import Client


@contextmanager
def open_runner(computing: Computing) -> Iterator[Runner]:
    """Give a runner over processes that start when they are first needed, or over the workers of the cluster."""
    computing.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    measured = costs.kept(computing.folder / "costs.json")
    if computing.cluster is not None:
        with _cluster_client(computing.cluster) as client:
            workers = len(client.scheduler_info()["workers"])
            yield Runner(client.get_executor(pure=False), max(1, workers), costs=measured)
        return
    if computing.processes == 1:
        yield Runner(costs=measured)
        return
    # A fork server forks from a process without threads, locks and open databases.
    context = get_context("forkserver")
    with ProcessPoolExecutor(computing.processes, context, initializer=begin_worker) as pool:
        yield Runner(pool, computing.processes, costs=measured)


def _cluster_client(cluster: Cluster) -> "Client":
    from distributed import Client, Security  # noqa: PLC0415 -- only the extra `cluster` brings it

    security = Security(  # type: ignore[no-untyped-call]
        tls_ca_file=str(cluster.authority),
        tls_client_cert=str(cluster.certificate),
        tls_client_key=str(cluster.certificate_key),
        require_encryption=True,
    )
    return Client(cluster.scheduler, security=security, set_as_default=False)  # type: ignore[no-untyped-call]
