"""A provider's blinding pools: one for each bank's key, in files, under an HMAC with a key of the node's own."""

import logging

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.node.settings import Computing
from compute.paillier.blinding import pool_pays
from compute.paillier.errors import PoolError
from compute.paillier.partials import PartialFiles
from compute.paillier.pool import Pool
from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE, Runner
from compute.signing import derived_secret

logger = logging.getLogger(__name__)


class PoolStore:
    """The pools in the folder ``pools`` of the node's arithmetic, by the fingerprints of their keys."""

    def __init__(self, computing: Computing, identity: Ed25519PrivateKey) -> None:
        self._folder = computing.folder / "pools"
        self._files = PartialFiles(self._folder)
        self._secret = derived_secret(identity, "veilmart/pool-store/v1")

    def find(self, key: PublicKey) -> Pool | None:
        """Give the key's pool; None also for one that was altered, which is logged: the next one replaces it."""
        sealed = self._files.get(key.fingerprint)
        try:
            return None if sealed is None else Pool.open(key, sealed, self._secret)
        except PoolError:
            logger.exception("the file %s is not taken", self._folder / key.fingerprint)
            return None

    def find_or_make(self, key: PublicKey, outputs: int, runner: Runner = HERE) -> Pool | None:
        """Give the key's pool; None where there is none and making it does not pay for so many outputs."""
        found = self.find(key)
        if found is None and pool_pays(key, outputs, runner, ready=False):
            return self.make(key, runner)
        return found

    def make(self, key: PublicKey, runner: Runner = HERE) -> Pool:
        """Make the key's pool and keep it."""
        pool = Pool.make(key, runner)
        self._files.put(key.fingerprint, pool.seal(self._secret))
        return pool

    def keep_only(self, keys: list[PublicKey]) -> None:
        """Remove the pools of all other keys."""
        names = {key.fingerprint for key in keys}
        for path in self._folder.iterdir():
            if path.name.partition(".")[0] not in names:  # behind a dot: one that is being written
                path.unlink(missing_ok=True)
