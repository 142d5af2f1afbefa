"""A marketplace in a process of its own, and the files of the people who ask it by hand."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from locks import UNLOCK_TOML, lay_key
from market import KEYS
from marketplace_api.process import Server, enrol, publish, start

from veilmart.cli import main


@dataclass(frozen=True)
class Desk:
    """A folder in which people write their configurations."""

    server: Server
    folder: Path

    def person(self, name: str, signing: Ed25519PrivateKey | None = None, **changes: str) -> Path:
        """Write what a person is told; give the path of the configuration."""
        file = self.folder / f"{name}.jwe"
        lay_key(file, signing or KEYS[name])
        values = {
            "key": file.name,
            "authority": str(self.server.folder / "ca.pem"),
            "url": self.server.url,
            "public_key": base64.b64encode(self.server.market_key).decode(),
        } | changes
        path = self.folder / f"{name}.toml"
        path.write_text(f"""
name = "{name}"
key = "{values["key"]}"
{UNLOCK_TOML}
authority = "{values["authority"]}"
[peer]
name = "market"
url = "{values["url"]}"
public_key = "{values["public_key"]}"
""")
        return path

    def write(self, name: str, data: bytes | str) -> str:
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return str(path)


def run(*arguments: str, answer: str | None = None) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, arguments, input=answer)


@pytest.fixture(scope="package")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A marketplace with the parties of most tests enrolled."""
    running = start(tmp_path_factory.mktemp("asked"))
    enrol(running, "bank", "market-regulation", "social-security", "reviewer")
    publish(running)
    yield running
    assert running.stop() == 0, running.log


@pytest.fixture
def desk(asked: Server, tmp_path: Path) -> Desk:
    return Desk(asked, tmp_path)
