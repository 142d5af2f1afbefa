"""What every command that serves has in common: its options, and the checks before there are workers."""

import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn
from wsgiref.types import WSGIApplication

import click
from sqlalchemy.exc import SQLAlchemyError

from audit.database import open_engine
from audit.errors import LogError
from compute.settings import SettingsError
from compute.web import serve as serving
from compute.web.dumps import forbid_dumps
from compute.web.secret import SecretFileError
from compute.web.tls_key import KeyPair

PRIVATE = 0o077
"""What is masked of the mode of new files: databases hold keys, and they are this user's alone."""
WORKER_CANNOT_START = 3
"""Gunicorn's exit code of a worker that will not do better the next time: it then stops the server."""


def config_option(example: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give the option that names the configuration; `example` is one."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        required=True,
        help=f"Configuration in TOML, like {example}. 配置文件。",
    )


address_file_option = click.option(
    "--address-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write host and port as JSON once it listens. 监听后写入地址的文件。",
)


def keep_private() -> None:
    """Make what this process and its children write from now on this user's alone, and none of it a dump.

    They hold keys. What else may write their memory to a disk, swap and hibernation, is the host's to turn off.
    """
    os.umask(PRIVATE)
    forbid_dumps()


def log_to_stderr() -> None:
    """Log what a process without a server does; of each request that it sends, only what goes wrong."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)


def check_databases(paths: Sequence[Path | str]) -> None:
    """Open the files once, before there are workers; raise `SettingsError` if one cannot be used."""
    for path in paths:
        engine = open_engine(path)
        try:
            engine.connect().close()
        except (SQLAlchemyError, sqlite3.Error, LogError) as error:
            cause = getattr(error, "orig", None) or error
            remedy = "name an SQLite file, or a new one in a folder that is there, or a database that runs"
            raise SettingsError(f"{path}: {cause}; {remedy}") from error
        finally:
            engine.dispose()


def serve(
    app_factory: Callable[[], WSGIApplication],
    host: str,
    port: int,
    pair: KeyPair,
    workers: int,
    address_file: Path | None,
) -> NoReturn:
    """Serve until SIGTERM or Ctrl-C; what the user has to change, an address or a setting, is told in one line."""

    def app() -> WSGIApplication:
        try:
            return app_factory()
        except (SettingsError, SecretFileError) as error:
            click.echo(f"Error: {error}", err=True)
            raise SystemExit(WORKER_CANNOT_START) from error

    try:
        serving.serve(app, host, port, pair, workers=workers, address_file=address_file)
    except OSError as error:
        raise click.ClickException(f"{host}:{port}: {error}; free it or choose another") from error
