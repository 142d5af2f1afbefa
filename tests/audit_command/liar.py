"""A marketplace that answers as itself, but with a checkpoint that another key has signed.

Run as `python -m audit_command.liar FOLDER PORT`.
"""

import sys
from pathlib import Path

from locks import unlock
from market import KEYS

from audit.database import open_engine
from audit.merkle import EMPTY_ROOT
from compute.market import Checkpoint
from compute.signing import Signed, sign
from compute.web.app import create_app
from compute.web.body import gives
from compute.web.keyfile import load
from compute.web.nonces import NonceStore
from compute.web.serve import serve
from compute.web.signatures import Verifier
from compute.web.tls import KeyPair


def main(folder: Path, port: int) -> None:
    nonces = NonceStore(open_engine(folder / "nonces.db"))
    pins = {name: key.public_key().public_bytes_raw() for name, key in KEYS.items()}
    verifier = Verifier(f"https://127.0.0.1:{port}", pins.get, nonces)
    app = create_app("Liar", "market", load(folder / "identity.jwe", unlock), verifier)

    @app.get("/audit/checkpoint")
    @gives(Signed[Checkpoint])
    def checkpoint() -> Signed[Checkpoint]:
        return sign(Checkpoint(size=0, root=EMPTY_ROOT, at=1), "market", KEYS["operator"])

    pair = KeyPair(folder / "market.pem", folder / "market.key")
    serve(lambda: app, "127.0.0.1", port, pair, workers=1, address_file=folder / "address")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
