"""What a marketplace process is told; `examples/config/marketplace.toml` has each key, with a comment."""

from pathlib import Path

from compute.canonical import Bytes32, Name
from compute.records import Origin
from compute.settings import MaxBody, Port, Section, SettingsError, Workers
from compute.settings import load as load_section
from compute.web.unlock import Unlock


class Settings(Section, frozen=True):
    """The settings of one marketplace."""

    name: Name
    """Under which it signs permits, checkpoints and answers."""
    public_url: Origin
    """The origin by which peers call it; requests are signed over it."""
    host: str
    """Address to listen on."""
    port: Port
    certificate: Path
    """TLS certificate with its chain, PEM."""
    certificate_key: Path
    """Private key of the certificate, PEM."""
    key: Path
    """Ed25519 private key, encrypted, mode 0600; made at the first use."""
    unlock: Unlock
    """What opens it."""
    operator: Name
    operator_key: Bytes32
    """Ed25519 public key, raw; base64 in the file. The private key is not on this server."""
    database: Path
    """SQLite: the exchange and its log."""
    nonces: Path
    """SQLite: used nonces; apart, so that no request waits for a long command of another."""
    workers: Workers
    max_body: MaxBody


def load(path: Path) -> Settings:
    """Give the settings in a file; raise `SettingsError`, in one line, for one that cannot be used."""
    settings = load_section(path, Settings, "examples/config/marketplace.toml")
    if settings.name == settings.operator:
        raise SettingsError(f"{path}: name and operator are both {settings.name}; give each its own")
    return settings
