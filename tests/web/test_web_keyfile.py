"""A party's own key: made once, for its owner alone, also by processes that start together."""

import base64
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from web.conftest import ROOT

from compute.web.keyfile import SecretFileError, load, load_or_make, public_text

FILES, PROCESSES = 40, 4
TOGETHER = """
import sys
from pathlib import Path
from compute.web.keyfile import load_or_make, public_text
print("ready", flush=True)
sys.stdin.readline()
print(*[public_text(load_or_make(Path(sys.argv[1]) / f"{number}.pem")) for number in range(int(sys.argv[2]))])
"""


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    made = load_or_make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.read_bytes()
    assert load_or_make(path).private_bytes_raw() == made.private_bytes_raw()
    assert path.read_bytes() == written


def _readable(path: Path) -> None:
    load_or_make(path)
    path.chmod(0o640)


def _garbage(path: Path) -> None:
    path.touch(0o600)
    path.write_text("no key")


def _other_kind(path: Path) -> None:
    path.touch(0o600)
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(_readable, "mode is 0640"), (_garbage, "no private key in PEM"), (_other_kind, "another kind")],
)
def test_a_key_file_that_is_none_is_refused_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "identity.pem"
    spoil(path)
    written = path.read_bytes()
    with pytest.raises(SecretFileError, match=reason):
        load_or_make(path)
    assert path.read_bytes() == written


def test_a_key_is_not_made_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SecretFileError, match="make its folder"):
        load_or_make(tmp_path / "absent" / "identity.pem")
    assert not (tmp_path / "absent").exists()


def test_a_key_that_is_only_loaded_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SecretFileError, match="No such file"):
        load(tmp_path / "identity.pem")
    assert list(tmp_path.iterdir()) == []


def test_the_public_text_is_the_raw_key_in_base64(tmp_path: Path) -> None:
    key = load_or_make(tmp_path / "identity.pem")
    assert base64.b64decode(public_text(key), validate=True) == key.public_key().public_bytes_raw()


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
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
    assert len(list(tmp_path.iterdir())) == FILES  # and nothing half written beside
