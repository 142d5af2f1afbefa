"""What a marketplace process is told; `examples/config/marketplace.toml` has each key, with a comment."""

import os
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from compute.canonical import Bytes32, Name
from compute.market.notices import EmailAddress
from compute.records import Origin
from compute.settings import MaxBody, Port, Section, SettingsError, Workers
from compute.settings import load as load_section
from compute.web import secret
from compute.web.secret import SecretFileError
from compute.web.tls_key import KeyPair
from compute.web.unlock import CREDENTIALS, CredentialName, EnvironmentName, Unlock
from marketplace.identity.settings import IdentitySettings

PostgresUrl = Annotated[str, Meta(pattern=r"\Apostgresql://([^:@/]+@)?[^@/]*/[^?@]+(\?[^@]*)?\Z")]


class Password(Section, frozen=True):
    """Where a password is that others have given; one of three places, as of `compute.web.unlock`."""

    file: Path | None = None
    """One line, mode 0600."""
    credential: CredentialName | None = None
    """The same, as a credential of the systemd unit."""
    env: EnvironmentName | None = None
    """The environment variable that holds it."""

    def __post_init__(self) -> None:
        """Raise ValueError unless one place is named."""
        if (self.file, self.credential, self.env).count(None) != 2:  # noqa: PLR2004 -- of three
            raise ValueError("name one of file, credential, env")

    def text(self) -> str:
        """Give the password; raise `SecretFileError` if it is not there."""
        if self.env is not None:
            if value := os.environ.get(self.env):
                return value
            raise SecretFileError(f"{self.env} is not set; put the password there")
        folder = os.environ.get(CREDENTIALS, "")
        return (
            secret.load(self.file or Path(folder) / str(self.credential), delivered=True).decode().rstrip("\r\n")
        )


class Smtp(Section, frozen=True, kw_only=True):
    """The mail server by which notices leave."""

    host: str
    port: Port
    security: Literal["starttls", "tls", "none"]
    """TLS from the start, or from STARTTLS on; none only to a server on this machine."""
    sender: EmailAddress
    user: str | None = None
    password: Password | None = None
    authority: Path | None = None
    """The certificate authority of the server, PEM; without it the system's."""

    def __post_init__(self) -> None:
        """Raise ValueError for what would send a password, or notices, in clear."""
        if self.security == "none" and self.host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("security none is for a server on this machine; choose starttls or tls")
        if (self.user is None) != (self.password is None):
            raise ValueError("name user and password, or neither")


class Webhooks(Section, frozen=True, kw_only=True):
    """What the marketplace calls for organisations."""

    allow_private: bool = False
    """Also addresses of private networks: for a marketplace within one."""
    authority: Path | None = None
    """The certificate authorities of receivers, PEM; without it the public ones."""


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
    smtp: Smtp | None = None
    """Without it no notice goes by e-mail."""
    webhooks: Webhooks = Webhooks()

    identity: IdentitySettings | None = None
    """How subjects are identified and told."""

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
