"""What a marketplace process is told; `examples/config/marketplace.toml` has each key, with a comment."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from compute.canonical import Bytes32, Name
from compute.records import Origin
from compute.settings import MaxBody, Port, Section, SettingsError, Workers
from compute.settings import load as load_section
from compute.web.tls_key import KeyPair
from compute.web.unlock import Unlock

PostgresUrl = Annotated[str, Meta(pattern=r"\Apostgresql://([^:@/]+@)?[^@/]*/[^?@]+(\?[^@]*)?\Z")]


class Settings(Section, frozen=True, kw_only=True):
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
    """Private key of the certificate, PEM, mode 0600."""
    certificate_unlock: Unlock | None = None
    """What opens it if it is encrypted; without, `unlock` does."""
    key: Path
    """Ed25519 private key, encrypted, mode 0600; made at the first use."""
    unlock: Unlock
    """What opens it."""
    log_origin: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9.:-]{0,200}(/[a-z0-9._-]{1,50}){0,4}\Z")]
    """The name of the log: the first line of its checkpoints, by which all know it for ever."""
    policy: Path
    """Which witnesses the log has and what quorum: TOML, see `audit.policy`."""
    watermark: Path
    """The largest checkpoint that witnesses were shown: a file apart from the database and its backups."""
    authority: Path
    """The certificate authority of the witnesses' TLS servers, PEM."""
    operator: Name
    operator_key: Bytes32
    """Ed25519 public key, raw; base64 in the file. The private key is not on this server."""
    nonces: Path
    """SQLite: used nonces; apart, so that no request waits for a long command of another."""
    workers: Workers
    max_body: MaxBody
    database: Path | None = None
    """SQLite: the exchange and its log."""
    postgresql: PostgresUrl | None = None
    """PostgreSQL instead: a URL without a password, which `~/.pgpass` or the server's own means give."""

    @property
    def pair(self) -> KeyPair:
        """The certificate with its key, and what opens that."""
        return KeyPair(self.certificate, self.certificate_key, (self.certificate_unlock or self.unlock).secret)

    @property
    def store(self) -> Path | str:
        """Where the exchange and its log are, for `audit.database.open_engine`."""
        return self.database or self.postgresql or ""


def load(path: Path) -> Settings:
    """Give the settings in a file; raise `SettingsError`, in one line, for one that cannot be used."""
    settings = load_section(path, Settings, "examples/config/marketplace.toml")
    if (settings.database is None) == (settings.postgresql is None):
        raise SettingsError(f"{path}: name either database, an SQLite file, or postgresql, a URL")
    if settings.name == settings.operator:
        raise SettingsError(f"{path}: name and operator are both {settings.name}; give each its own")
    return settings
