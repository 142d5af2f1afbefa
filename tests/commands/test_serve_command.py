"""`veilmart node serve`: what is wrong with a node's files is told in one line, before it listens."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from commands.conftest import run

from compute.web import tls
from compute.web.tls import make_ca, make_certificate
from compute.web.tls_key import KeyPair
from compute.web.unlock import Unlock
from veilmart.demo.data import EXAMPLES
from veilmart.demo.sites import BANK, HOST, UNLOCK, NodeSite, lay_out


@pytest.fixture
def bank(tmp_path: Path) -> NodeSite:
    """A bank's files, as the demo makes them."""
    return lay_out(tmp_path / "sites", EXAMPLES, 2048).nodes[BANK]


def told(bank: NodeSite, role: str = "bank", command: str = "serve") -> str:
    result = run("node", command, "--role", role, "--config", str(bank.config))
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert not (bank.folder / "node.sqlite").exists()
    return result.stderr


def certify(bank: NodeSite, authority: KeyPair, host: str = HOST) -> None:
    made = make_certificate(authority, "another", [host], bank.unlock)
    shutil.copy(made.certificate, bank.folder / "tls.pem")
    shutil.copy(made.key, bank.folder / "tls.key")


def test_a_missing_authority_is_named(bank: NodeSite) -> None:
    bank.authority.unlink()
    assert "authority.pem: No such file or directory; name the authority's certificate" in told(bank)


def of_another_authority(bank: NodeSite, _patch: pytest.MonkeyPatch) -> None:
    (bank.folder / "other").mkdir()
    certify(bank, make_ca(bank.folder / "other"))


def for_another_host(bank: NodeSite, _patch: pytest.MonkeyPatch) -> None:
    certify(bank, own(bank), "bank.example")


def expired(bank: NodeSite, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tls, "CERTIFICATE_LIFETIME", -timedelta(minutes=1))
    certify(bank, own(bank))


def own(bank: NodeSite) -> KeyPair:
    folder = bank.folder.parent / "authority"
    return KeyPair(folder / "ca.pem", folder / "ca.key", Unlock(key_file=folder / UNLOCK).secret)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (of_another_authority, "certificate"),
        (for_another_host, "IP address mismatch"),
        (expired, "certificate has expired"),
    ],
)
def test_a_certificate_that_callers_would_refuse_is_not_served(
    bank: NodeSite,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[NodeSite, pytest.MonkeyPatch], None],
    reason: str,
) -> None:
    spoil(bank, monkeypatch)
    said = told(bank)
    assert f"tls.pem: callers of {bank.url} would refuse it, by the authority {bank.authority}: " in said
    assert reason in said


def test_a_certificate_s_key_that_others_can_read_is_not_used(bank: NodeSite) -> None:
    (bank.folder / "tls.key").chmod(0o644)
    assert "tls.key: its mode is 0644" in told(bank)


@pytest.mark.parametrize("command", ["serve", "work"])
@pytest.mark.parametrize("role", ["provider", "reviewer"])
def test_the_role_that_a_configuration_is_for_is_told(bank: NodeSite, command: str, role: str) -> None:
    assert "this is a bank's configuration; use --role bank" in told(bank, role, command)
