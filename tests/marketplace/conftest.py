"""A fresh marketplace for each test, in either database."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import postgres
import pytest
from begun import Stage, come_to, lay
from market import Market, open_market
from market_life import lived_in
from receivers import MailServer, Receiver, mailing, receiving


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that has a store over both databases; a short run does so with those marked for it."""
    if "database" in metafunc.fixturenames:
        marks = () if metafunc.definition.get_closest_marker("both_databases") else pytest.mark.long
        databases = ["sqlite", pytest.param("postgresql", marks=marks)]
        metafunc.parametrize("database", databases, indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database: sqlite or postgresql."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def templates(postgres_url: str) -> Iterator[Callable[[Stage], str]]:
    """Marketplaces in PostgreSQL, for copies: each made when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def template(stage: Stage) -> str:
            url = stack.enter_context(postgres.database(postgres_url))
            come_to(stage, url)
            return url

        yield template


@contextmanager
def _begun(stage: Stage, database: str, path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    if database == "sqlite":
        yield lay(path, stage)
    else:
        url, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("templates")(stage)
        with postgres.database(url, template) as copy:
            yield copy


@contextmanager
def _no_tables(database: str, path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    if database == "sqlite":
        yield path
    else:
        with postgres.database(request.getfixturevalue("postgres_url")) as url:
            yield url


@pytest.fixture
def store(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    """Where a marketplace of the test's own is or will be, which nobody has open: a file, or a URL."""
    if database == "sqlite":
        yield tmp_path / "market.db"
    else:
        with _begun(Stage.FOUNDED, database, tmp_path, request) as url:
            yield url


@pytest.fixture
def enrolled(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    """A marketplace of the test's own with all its parties, which nobody has open."""
    with _begun(Stage.ENROLLED, database, tmp_path / "market.db", request) as place:
        yield place


@pytest.fixture
def listed(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    """A marketplace of the test's own with all its parties and both products, which nobody has open."""
    with _begun(Stage.LISTED, database, tmp_path / "market.db", request) as place:
        yield place


@pytest.fixture
def empty_store(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    """Beside it a database of the same kind that has no tables."""
    with _no_tables(database, tmp_path / "empty.db", request) as place:
        yield place


@pytest.fixture
def second_empty_store(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    """And one more."""
    with _no_tables(database, tmp_path / "second-empty.db", request) as place:
        yield place


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marketplace in which everything has happened, in SQLite, for copies."""
    path = tmp_path_factory.mktemp("life") / "market.db"
    lived_in(path)
    return path


@pytest.fixture(scope="session")
def life_template(postgres_url: str) -> Iterator[str]:
    """The same in PostgreSQL."""
    with postgres.database(postgres_url) as url:
        lived_in(url)
        yield url


@pytest.fixture
def lived(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    """A marketplace of the test's own in which everything has happened, which nobody has open."""
    if database == "sqlite":
        yield Path(shutil.copy(request.getfixturevalue("life"), tmp_path / "market.db"))
    else:
        url, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("life_template")
        with postgres.database(url, template) as copy:
            yield copy


@pytest.fixture
def empty(store: Path | str) -> Iterator[Market]:
    """Nobody is enrolled."""
    with open_market(lay(store, Stage.FOUNDED) if isinstance(store, Path) else store) as market:
        yield market


@pytest.fixture
def market(listed: Path | str) -> Iterator[Market]:
    """All parties are enrolled, both products are listed."""
    with open_market(listed) as market:
        yield market


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A server of webhooks over TLS."""
    with receiving(tmp_path_factory.mktemp("receiver")) as found:
        yield found


@pytest.fixture(scope="module")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """A mail server with STARTTLS and a login."""
    with mailing(tmp_path_factory.mktemp("mail")) as found:
        yield found


@pytest.fixture
def hook(receiver: Receiver) -> Receiver:
    """The same, to which nothing was sent."""
    receiver.calls.clear()
    receiver.status, receiver.location = 204, None
    return receiver


@pytest.fixture
def mail(mail_server: MailServer) -> MailServer:
    """The same, which has got nothing."""
    mail_server.messages.clear()
    mail_server.code = 250
    return mail_server
