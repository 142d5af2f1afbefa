"""A provider's blinding pools: one for each bank's key, in files, under an HMAC with a key of the node's own."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from compute.node.settings import Computing
from compute.paillier.blinding import pool_pays
from compute.paillier.partials import PartialFiles
from compute.paillier.pool import Pool
from compute.paillier.public import PublicKey
from compute.paillier.runner import HERE, Runner


class PoolStore:
    """The pools in the folder ``pools`` of the node's arithmetic, by the fingerprints of their keys."""

    def __init__(self, computing: Computing, identity: Ed25519PrivateKey) -> None:
        self._folder = computing.folder / "pools"
        self._files = PartialFiles(self._folder)
        derive = HKDF(hashes.SHA256(), 32, salt=None, info=b"veilmart/pool-store/v1")
        self._secret = derive.derive(identity.private_bytes_raw())

    def find(self, key: PublicKey) -> Pool | None:
        """Give the key's pool; raise :class:`PoolError` for one that was altered."""
        sealed = self._files.get(key.fingerprint)
        return None if sealed is None else Pool.open(key, sealed, self._secret)

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
            if path.name not in names:
                path.unlink()
