"""``veilmart marketplace``."""

import sqlite3
import ssl
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import SQLAlchemyError

from audit.database import open_engine
from audit.errors import LogError
from compute.web import serve as serving
from compute.web.tls import KeyPair
from marketplace.api.app import create_app
from marketplace.key import KeyFileError, load_or_make
from marketplace.settings import Settings, SettingsError, load


@click.group()
def marketplace() -> None:
    """Run the marketplace: catalog, applications, contracts, permits, audit log.

    运行数据产品超市:目录、申请、合约、用数许可证、审计日志。
    """


@marketplace.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Configuration in TOML, like examples/config/marketplace.toml. 配置文件。",
)
@click.option(
    "--address-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write host and port as JSON once it listens. 监听后写入地址的文件。",
)
def serve(*, config: Path, address_file: Path | None) -> None:
    """Serve the API over TLS until SIGTERM or Ctrl-C. Its signing key is made at the first start.

    以 TLS 提供接口服务,直到 SIGTERM 或 Ctrl-C。首次启动时生成自己的签名密钥。
    """
    try:
        settings = load(config)
        pair = _certificate(settings)
        key = load_or_make(settings.key)
        _check_key(settings, key)
        _check_databases(settings)
    except (SettingsError, KeyFileError) as error:
        raise click.ClickException(str(error)) from error
    try:
        serving.serve(
            lambda: create_app(settings, key),
            settings.host,
            settings.port,
            pair,
            workers=settings.workers,
            address_file=address_file,
        )
    except OSError as error:
        raise click.ClickException(
            f"{settings.host}:{settings.port}: {error}; free it or choose another"
        ) from error


def _certificate(settings: Settings) -> KeyPair:
    """Give the TLS files; raise `SettingsError` if they are none or do not belong together."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.certificate, settings.certificate_key)
    except OSError as error:  # SSLError is one
        files = f"{settings.certificate}, {settings.certificate_key}"
        raise SettingsError(f"{files}: {error.strerror}; name a certificate and its own key, in PEM") from error
    return KeyPair(settings.certificate, settings.certificate_key)


def _check_key(settings: Settings, key: Ed25519PrivateKey) -> None:
    if key.public_key().public_bytes_raw() == settings.operator_key:
        raise SettingsError(
            f"{settings.key}: this is the operator's own key; keep it elsewhere, name another file"
        )


def _check_databases(settings: Settings) -> None:
    """Open the files once, before there are workers; raise `SettingsError` if one cannot be used."""
    for path in (settings.database, settings.nonces):
        engine = open_engine(path)
        try:
            engine.connect().close()
        except (SQLAlchemyError, sqlite3.Error, LogError) as error:
            cause = getattr(error, "orig", None) or error
            raise SettingsError(
                f"{path}: {cause}; name an SQLite file, or a new one in a folder that is there"
            ) from error
        finally:
            engine.dispose()
