"""Where the secret is: one place, named, and nobody else's to read."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from locks import KEY, SECRET, lay_key_file
from web.conftest import ROOT

from compute.settings import Section, SettingsError, load
from compute.web.secret import SecretFileError
from compute.web.unlock import Unlock

IN_A_JOB = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from compute.web.unlock import Unlock
with ProcessPoolExecutor(1, get_context("forkserver")) as job:
    print(job.submit(Unlock(passphrase_env="VEILMART_KEYS").secret).result().value.decode())
"""


class Program(Section, frozen=True):
    unlock: Unlock


def configured(folder: Path, text: str) -> Unlock:
    path = folder / "program.toml"
    path.write_text(f"unlock = {{ {text} }}\n")
    return load(path, Program, "examples/program.toml").unlock


def test_a_key_file_is_beside_the_configuration_or_anywhere(tmp_path: Path) -> None:
    lay_key_file(tmp_path)
    assert configured(tmp_path, 'key_file = "unlock.key"').secret() == SECRET
    assert configured(tmp_path, f'key_file = "{tmp_path}/unlock.key"').secret() == SECRET


def test_a_credential_is_where_systemd_puts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_key_file(tmp_path, "veilmart-unlock")
    unlock = configured(tmp_path, 'credential = "veilmart-unlock"')
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SecretFileError, match="LoadCredential=veilmart-unlock:PATH"):
        unlock.secret()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert unlock.secret() == SECRET


def test_a_passphrase_is_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlock = configured(tmp_path, 'passphrase_env = "VEILMART_KEYS"')
    monkeypatch.delenv("VEILMART_KEYS", raising=False)
    for value in (None, ""):
        if value is not None:
            monkeypatch.setenv("VEILMART_KEYS", value)
        with pytest.raises(SecretFileError, match="VEILMART_KEYS is not set"):
            unlock.secret()
    monkeypatch.setenv("VEILMART_KEYS", "口令:twenty one oranges")
    assert unlock.secret().value.decode() == "口令:twenty one oranges"
    monkeypatch.setitem(os.environ, "VEILMART_KEYS", "\udcff-not-told")
    with pytest.raises(SecretFileError, match="not UTF-8") as refused:
        unlock.secret()
    assert "not-told" not in str(refused.value)


def test_the_processes_of_a_worker_s_jobs_inherit_it() -> None:
    """They come of a fork server, as those of `compute.node.jobs.worker` do."""
    result = subprocess.run(  # noqa: S603 -- our own code
        [sys.executable, "-c", IN_A_JOB],
        env={**os.environ, "VEILMART_KEYS": "twenty one oranges", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert result.stdout == "twenty one oranges\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "unlock: name one of key_file, credential, passphrase_env"),
        ('key_file = "a", passphrase_env = "B"', "unlock: name one of"),
        ('passphrase_env = "two words"', "unlock.passphrase_env: Expected"),
        ('credential = "../../etc/shadow"', "unlock.credential: Expected"),
        ('passphrase = "oranges"', "unknown: 'unlock.passphrase'"),
    ],
)
def test_one_place_is_named_and_no_secret(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)) as refused:
        configured(tmp_path, text)
    assert "oranges" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = lay_key_file(tmp_path)
    path.chmod(mode)
    with pytest.raises(SecretFileError, match=f"mode is {mode:04o}"):
        Unlock(key_file=path).secret()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root delivers files to others")
@pytest.mark.parametrize(("mode", "taken"), [(0o440, True), (0o640, True), (0o460, False), (0o444, False)])
def test_what_root_delivers_may_be_its_group_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, *, taken: bool
) -> None:
    path = lay_key_file(tmp_path)
    path.chmod(mode)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if taken:
        assert Unlock(key_file=path).secret() == SECRET
    else:
        with pytest.raises(SecretFileError, match="mode is"):
            Unlock(key_file=path).secret()


@pytest.mark.parametrize(
    "data",
    [b"", KEY, base64.b64encode(KEY[:31]), base64.b64encode(KEY + b"\0"), base64.b64encode(KEY) + b"*", "密"],
)
def test_a_key_file_of_another_form_is_refused(tmp_path: Path, data: bytes | str) -> None:
    path = lay_key_file(tmp_path)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(SecretFileError, match="not 32 bytes in base64; make it by openssl rand -base64 32"):
        Unlock(key_file=path).secret()


def test_a_key_file_that_is_missing_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(SecretFileError, match=r"unlock\.key: No such file"):
        Unlock(key_file=tmp_path / "unlock.key").secret()
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_shows_places_only(tmp_path: Path) -> None:
    lay_key_file(tmp_path)
    unlock = configured(tmp_path, 'key_file = "unlock.key"')
    unlock.secret()
    assert base64.b64encode(KEY).decode() not in repr(unlock) + msgspec.json.encode(unlock, enc_hook=str).decode()
