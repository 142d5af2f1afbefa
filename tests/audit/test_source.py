"""Where a log is read from: a URL that is slow, wrong or gone, and a folder that holds what it should not."""

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import log_story as story
import pytest
from log_server import CUT_OFF, SILENT, Server, serving
from log_story import NOW, lay

from audit.errors import FormatError, MissingError, UnavailableError
from audit.verify import Scope, verify
from audit.verifying.served import read_checkpoint
from audit.verifying.source import ATTEMPTS, Folder, Url, open_source
from compute.web.tls import make_ca, make_certificate


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(make_ca(folder), "log", ["127.0.0.1"])
    return folder


@pytest.fixture
def server(tmp_path: Path, tls: Path) -> Iterator[Server]:
    with serving(lay(tmp_path / "log", story.leaves(300)), tls) as running:
        yield running


def url(server: Server, tls: Path) -> Url:
    return Url(server.url, tls / "ca.pem", timeout=5, pause=0)


def test_a_log_is_verified_at_its_url_on_one_connection(server: Server, tls: Path) -> None:
    source = url(server, tls)
    found = verify(source, read_checkpoint(source), story.policy(), NOW, scope=Scope(processes=1))
    assert (found.checkpoint.size, found.is_fresh) == (300, True)
    paths, ports = zip(*server.seen, strict=True)
    assert set(paths) == {f"/log/{path}" for path in files(server.folder)}
    assert len(set(ports)) == 1


def test_each_process_keeps_a_connection_of_its_own(tmp_path: Path, tls: Path) -> None:
    with serving(lay(tmp_path, story.leaves(1500)), tls) as running:
        source = url(running, tls)
        found = verify(source, read_checkpoint(source), story.policy(), NOW, scope=Scope(processes=2))
        assert found.checkpoint.size == 1500
        assert len({port for _, port in running.seen}) <= 3


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_source_goes_to_other_processes_without_its_connection(server: Server, tls: Path) -> None:
    source = url(server, tls)
    source.read("checkpoint", 9999)
    again = pickle.loads(pickle.dumps(source))  # noqa: S301 -- our own
    assert again == source
    assert again.read("checkpoint", 9999) == source.read("checkpoint", 9999)


@pytest.mark.parametrize(
    "answers",
    [[(503, b"")], [(SILENT, b"")], [(500, b"x" * 9), (429, b"y"), (SILENT, b"")], [(CUT_OFF, b"market")]],
)
def test_a_log_that_fails_for_a_while_is_asked_again(
    server: Server, tls: Path, answers: list[tuple[int, bytes]]
) -> None:
    server.first = list(answers)
    assert url(server, tls).read("checkpoint", 9999) == (server.folder / "checkpoint").read_bytes()
    assert len(server.seen) == len(answers) + 1


def test_a_log_that_keeps_failing_is_unavailable(server: Server, tls: Path) -> None:
    server.first = [(503, b"")] * ATTEMPTS
    with pytest.raises(UnavailableError, match="answers 503; try again later"):
        url(server, tls).read("checkpoint", 9999)
    server.first = [(302, b"")]
    with pytest.raises(UnavailableError, match="answers 302"):
        url(server, tls).read("checkpoint", 9999)
    with pytest.raises(MissingError, match="answers 404"):
        url(server, tls).read("tile/7/000", 9999)


def test_a_longer_answer_than_allowed_is_not_read_to_its_end(server: Server, tls: Path) -> None:
    server.first = [(200, b"x" * 10_000_000)]
    source = url(server, tls)
    assert 100 < len(source.read("checkpoint", 100)) < 100_000
    assert source.read("checkpoint", 9999) == (server.folder / "checkpoint").read_bytes()


def test_a_server_of_another_authority_is_not_believed(server: Server, tmp_path: Path) -> None:
    make_ca(tmp_path)
    with pytest.raises(UnavailableError, match="name its authority's certificate"):
        Url(server.url, tmp_path / "ca.pem").read("checkpoint", 9999)
    with pytest.raises(UnavailableError, match=r"absent\.pem: No such file"):
        Url(server.url, tmp_path / "absent.pem").read("checkpoint", 9999)
    assert server.seen == []


def test_nobody_there_is_unavailable(tls: Path) -> None:
    with pytest.raises(UnavailableError, match="refused"):
        Url("https://127.0.0.1:1/log", tls / "ca.pem", pause=0).read("checkpoint", 9999)


@pytest.mark.parametrize(
    "where", ["http://a.example/log", "ftp://a", "https://", "https://u@a.example", "https://a?b"]
)
def test_only_https_is_a_url(where: str) -> None:
    with pytest.raises(FormatError, match="not an https URL"):
        open_source(where)


def test_a_folder_gives_files_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(b"x" * 100)
    os.mkfifo(tmp_path / "pipe")
    source = open_source(str(tmp_path))
    assert source == Folder(tmp_path)
    assert source.read("checkpoint", 100) == b"x" * 100
    assert len(source.read("checkpoint", 10)) == 11
    for absent in ("absent", "pipe", "checkpoint/tile", "."):
        with pytest.raises(MissingError):
            source.read(absent, 10)
    story.put(tmp_path / "tile/0/000.p/7", b"")
    for name in ("x", "07", "٣", "12"):
        story.put(tmp_path / "tile/0/000.p" / name, b"")
    assert source.partials("tile/0/000") == [7, 12]
    assert source.partials("tile/0/001") == []
    with pytest.raises(UnavailableError, match="neither an https URL nor a folder"):
        open_source(str(tmp_path / "absent"))
