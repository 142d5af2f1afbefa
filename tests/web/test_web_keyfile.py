"""A party's own key: made once, for its owner alone, also by processes that start together."""

import base64
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from locks import KEY, few_rounds, lay_key_file, unlock
from web.conftest import ROOT

from compute.web import sealed
from compute.web.encrypted_jwk import Secret
from compute.web.keyfile import load, load_or_make, public_text, to_jwk
from compute.web.sealed import Jwk
from compute.web.secret import SecretFileError
from compute.web.unlock import passphrase

FILES, PROCESSES = 40, 4
TOGETHER = """
import sys
from pathlib import Path
from compute.web.keyfile import load_or_make, public_text
from compute.web.unlock import Unlock
print("ready", flush=True)
sys.stdin.readline()
folder = Path(sys.argv[1])
unlock = Unlock(key_file=folder / "unlock.key").secret
print(*[public_text(load_or_make(folder / f"{number}.jwe", unlock)) for number in range(int(sys.argv[2]))])
"""


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "identity.jwe"
    made = load_or_make(path, unlock)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.read_bytes()
    assert load_or_make(path, unlock).private_bytes_raw() == made.private_bytes_raw()
    assert path.read_bytes() == written


def jwk() -> Jwk:
    return to_jwk(Ed25519PrivateKey.from_private_bytes(KEY))


def _readable(path: Path) -> None:
    load_or_make(path, unlock)
    path.chmod(0o640)


def _garbage(path: Path) -> None:
    path.touch(0o600)
    path.write_text("no key")


def _unencrypted(path: Path) -> None:
    path.touch(0o600)
    key = Ed25519PrivateKey.from_private_bytes(KEY)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _other_kind(path: Path) -> None:
    sealed.put(path, {"kty": "oct", "k": "c2VjcmV0"}, unlock)


def _other_curve(path: Path) -> None:
    sealed.put(path, {**jwk(), "crv": "X25519"}, unlock)


def _other_public_key(path: Path) -> None:
    sealed.put(path, {**jwk(), "x": to_jwk(Ed25519PrivateKey.generate())["x"]}, unlock)


def _short(path: Path) -> None:
    sealed.put(path, {**jwk(), "d": "AAAA"}, unlock)


def _number(path: Path) -> None:
    sealed.put(path, {**jwk(), "d": 7}, unlock)


def _other_lock(path: Path) -> None:
    sealed.put(path, jwk(), lambda: Secret("A256KW", bytes(32)))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_readable, "mode is 0640"),
        (_garbage, "not encrypted, or damaged"),
        (_unencrypted, "not encrypted, .* by: veilmart key encrypt --key-file PATH .*identity.jwe"),
        (_other_lock, "this key file does not open it"),
        (_other_kind, "another kind"),
        (_other_curve, "another kind"),
        (_other_public_key, "no Ed25519 key"),
        (_short, "no Ed25519 key"),
        (_number, "no Ed25519 key"),
    ],
)
def test_a_key_file_that_is_none_is_refused_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "identity.jwe"
    spoil(path)
    written = path.read_bytes()
    with pytest.raises(SecretFileError, match=reason):
        load_or_make(path, unlock)
    assert path.read_bytes() == written


def test_a_key_is_made_by_a_passphrase_too(tmp_path: Path) -> None:
    path = tmp_path / "identity.jwe"
    with few_rounds():
        made = load_or_make(path, lambda: passphrase("twenty one oranges"))
        assert load(path, lambda: passphrase("twenty one oranges")).private_bytes_raw() == made.private_bytes_raw()
        with pytest.raises(SecretFileError, match="this passphrase does not open it"):
            load(path, lambda: passphrase("twenty two oranges"))
        with pytest.raises(SecretFileError, match="take 15 characters"):
            load_or_make(tmp_path / "new.jwe", lambda: passphrase("short"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_is_changed_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, new = tmp_path / "identity.jwe", Secret("A256KW", bytes(32))
    made = load_or_make(path, unlock)
    before = path.read_bytes()

    def crash(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", crash)
        with pytest.raises(SecretFileError, match="Input/output error; let this user write there"):
            sealed.replace(path, sealed.load(path, unlock), lambda: new)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    sealed.replace(path, sealed.load(path, unlock), lambda: new)
    assert load(path, lambda: new).private_bytes_raw() == made.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SecretFileError):
        load(path, unlock)


def test_a_key_is_not_made_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SecretFileError, match="make its folder"):
        load_or_make(tmp_path / "absent" / "identity.jwe", unlock)
    assert not (tmp_path / "absent").exists()


def test_a_key_that_is_only_loaded_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SecretFileError, match="No such file"):
        load(tmp_path / "identity.jwe", unlock)
    assert list(tmp_path.iterdir()) == []


def test_the_public_text_is_the_raw_key_in_base64(tmp_path: Path) -> None:
    key = load_or_make(tmp_path / "identity.jwe", unlock)
    assert base64.b64decode(public_text(key), validate=True) == key.public_key().public_bytes_raw()


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    lay_key_file(tmp_path)
    started = [
        subprocess.Popen(  # noqa: S603 -- our own code
            [sys.executable, "-c", TOGETHER, str(tmp_path), str(FILES)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    found = {process.communicate(timeout=30)[0] for process in started}
    assert all(process.returncode == 0 for process in started)
    (keys,) = found
    assert len(set(keys.split())) == FILES
    assert len(list(tmp_path.iterdir())) == FILES + 1  # and nothing half written beside
