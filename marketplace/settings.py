"""What a marketplace process is told: one TOML file, every key required, none unknown, no secret in it.

`examples/config/marketplace.toml` is one with comments. Paths are relative to the file's folder.
"""

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from compute.canonical import Bytes32, Name
from compute.records import Origin

Port = Annotated[int, Meta(ge=1, le=65535)]


class SettingsError(ValueError):
    """The configuration cannot be used: which file and key, why, what to do."""


@dataclass(frozen=True)
class Settings:
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
    """Ed25519 private key, PEM, mode 0600; made at the first start."""
    operator: Name
    operator_key: Bytes32
    """Ed25519 public key, raw; base64 in the file. The private key is not on this server."""
    database: Path
    """SQLite: the exchange and its log."""
    nonces: Path
    """SQLite: used nonces; apart, so that no request waits for a long command of another."""
    workers: Annotated[int, Meta(ge=1, le=64)]
    """Processes."""
    max_body: Annotated[int, Meta(ge=2**16, le=2**26)]
    """Bytes of a request's body."""


def load(path: Path) -> Settings:
    """Give the settings in a file; raise `SettingsError`, in one line, for one that cannot be used."""
    try:
        members = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name a file that can be read") from error
    except ValueError as error:
        raise SettingsError(f"{path}: not TOML: {error}; correct it") from error
    names = {field.name for field in dataclasses.fields(Settings)}
    if unknown := sorted(members.keys() - names):
        raise SettingsError(f"{path}: unknown: {', '.join(map(repr, unknown))}; remove it or correct its spelling")
    if absent := sorted(names - members.keys()):
        raise SettingsError(
            f"{path}: missing: {', '.join(absent)}; set it as examples/config/marketplace.toml does"
        )
    try:
        settings = msgspec.convert(members, Settings, dec_hook=lambda _, value: _path(path.parent, value))
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {str(error).replace('`', '')}; correct the value") from error
    if settings.name == settings.operator:
        raise SettingsError(f"{path}: name and operator are both {settings.name}; give each its own")
    return settings


def _path(folder: Path, value: Any) -> Path:  # noqa: ANN401 -- msgspec's hook: whatever stood in the file
    if not isinstance(value, str) or not value:
        raise ValueError("not a path")
    return folder.absolute() / value
