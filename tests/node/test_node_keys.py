"""The keys that only one role has: the bank's Paillier key and the reviewer's secret, in encrypted files."""

import json
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import phe
import pytest
from click.testing import CliRunner
from locks import KEY, SECRET, few_rounds, lay_key_file, unlock
from phe.command_line import cli as pheutil

from compute.node.bank import serve, work
from compute.node.bank.paillier_key import load_or_generate, to_jwk
from compute.node.reviewer import points
from compute.node.settings import BankSettings, load_settings
from compute.paillier.interchange import to_phe
from compute.paillier.private import PrivateKey
from compute.web import sealed
from compute.web.encrypted_jwk import Secret
from compute.web.secret import SecretFileError
from compute.web.unlock import passphrase
from veilmart.demo.data import EXAMPLES
from veilmart.demo.sites import BANK, PAILLIER_UNLOCK, UNLOCK, lay_out

BITS = 2048
TOGETHER = """
import sys
from pathlib import Path
from compute.node.bank.paillier_key import load_or_generate
from compute.web.unlock import Unlock
folder = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
key = load_or_generate(folder / "paillier.jwe", Unlock(key_file=folder / "unlock.key").secret, 2048)
print(key.public.fingerprint)
"""


@pytest.fixture
def path(tmp_path: Path, key: PrivateKey) -> Path:
    """A file with the tests' key."""
    sealed.put(tmp_path / "paillier.jwe", to_jwk(key), unlock)
    return tmp_path / "paillier.jwe"


def test_the_key_is_made_once_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "paillier.jwe"
    made = load_or_generate(path, unlock, BITS)
    written = path.read_bytes()
    assert load_or_generate(path, unlock, 4096).factors == made.factors
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (written, 0o600)
    assert made.public.bits == BITS
    assert list(tmp_path.iterdir()) == [path]


def test_a_passphrase_opens_it_too(tmp_path: Path, key: PrivateKey) -> None:
    path = tmp_path / "paillier.jwe"
    with few_rounds():
        sealed.put(path, to_jwk(key), lambda: passphrase("twenty one oranges"))
        assert load_or_generate(path, lambda: passphrase("twenty one oranges"), BITS).factors == key.factors
        with pytest.raises(SecretFileError, match="this passphrase does not open it"):
            load_or_generate(path, lambda: passphrase("twenty two oranges"), BITS)


def told(path: Path, key: PrivateKey, secret: Secret = SECRET) -> str:
    """What is said of a file that is refused; nothing of the key, and the file stays as it is."""
    written = path.read_bytes()
    with pytest.raises(SecretFileError) as refused:
        load_or_generate(path, lambda: secret, BITS)
    said, error = "", refused.value
    while error is not None:
        said, error = f"{said} {error!s}", error.__cause__ or error.__context__  # type: ignore[assignment]
    for factor in key.factors:
        assert f"{factor:x}"[:12] not in said
        assert str(factor)[:12] not in said
    assert str(to_jwk(key)["p"])[:12] not in said
    assert path.read_bytes() == written
    return str(refused.value)


def test_a_file_in_clear_is_refused_with_the_command_that_encrypts_it(tmp_path: Path, key: PrivateKey) -> None:
    p, q = key.factors
    path = tmp_path / "paillier.json"
    path.touch(0o600)
    for text in (json.dumps({"p": f"{p:x}", "q": f"{q:x}"}), json.dumps(to_jwk(key))):
        path.write_text(text)
        assert "not encrypted" in told(path, key)
        assert f"is encrypted by: veilmart key encrypt --key-file PATH {path}" in told(path, key)


def test_a_file_that_does_not_open_is_refused(path: Path, key: PrivateKey) -> None:
    assert "this key file does not open it" in told(path, key, Secret("A256KW", bytes(32)))
    data = path.read_bytes()
    path.write_bytes(data[:-9] + (b"B" if data[-9:-8] == b"A" else b"A") + data[-8:])
    assert "does not open it, or it is damaged" in told(path, key)
    path.write_bytes(data[: len(data) // 2])
    assert "damaged" in told(path, key)
    path.write_bytes(data)
    path.chmod(0o640)
    assert "mode is 0640" in told(path, key)


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"p": "Bw"},
        {"p": 7},
        {"q": "*"},
        {"q": None},
        {"pub": {}},
        {"d": "Bw"},
    ],
    ids=str,
)
def test_another_jwk_is_no_paillier_key(path: Path, key: PrivateKey, change: Mapping[str, Any]) -> None:
    sealed.replace(path, {**to_jwk(key), **change}, unlock)
    assert "holds no Paillier key" in told(path, key)


def test_equal_factors_are_no_key(path: Path, key: PrivateKey) -> None:
    sealed.replace(path, {**to_jwk(key), "q": to_jwk(key)["p"]}, unlock)
    assert "(ModulusError)" in told(path, key)


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    lay_key_file(tmp_path)
    started = [
        subprocess.Popen(  # noqa: S603 -- our own code
            [sys.executable, "-c", TOGETHER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    found = {process.communicate("\n", timeout=60)[0] for process in started}
    assert len(found) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"unlock.key", "paillier.jwe"}


def test_phe_s_own_program_reads_the_jwk(path: Path, key: PrivateKey, tmp_path: Path) -> None:
    """`pheutil` takes the public key out of it, encrypts with that, and decrypts with the JWK."""
    (tmp_path / "private.json").write_text(json.dumps(dict(sealed.load(path, unlock))))

    def run(*arguments: str) -> None:
        result = CliRunner().invoke(pheutil, arguments)
        assert result.exit_code == 0, result.output

    private, public, number, answer = (str(tmp_path / name) for name in ("private.json", "public", "c", "m"))
    run("extract", private, public)
    run("encrypt", public, "24.5", "--output", number)
    run("decrypt", private, number, "--output", answer)
    assert float(Path(answer).read_text()) == 24.5
    found = json.loads(Path(public).read_text())
    assert phe.util.base64_to_int(found["n"]) == to_phe(key.public).n


def test_the_bank_s_server_needs_nothing_that_opens_the_key(tmp_path: Path) -> None:
    """And a node that cannot open its own identity is not made."""
    site = lay_out(tmp_path, EXAMPLES, BITS).nodes[BANK]
    (site.folder / PAILLIER_UNLOCK).unlink()
    settings = load_settings(site.config, "bank")
    assert isinstance(settings, BankSettings)
    serve.check(settings)
    assert serve.create(settings).name
    with pytest.raises(SecretFileError, match=r"paillier-unlock\.key: No such file"):
        work.work(settings)
    assert not settings.paillier_key.exists()
    (site.folder / UNLOCK).unlink()
    with pytest.raises(SecretFileError, match=r"unlock\.key: No such file"):
        serve.create(settings)


# --- the reviewer's ----------------------------------------------------------------------------------------------


def test_the_reviewer_s_secret_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "points.jwe"
    made = points.load_or_make(path, unlock)
    assert len(made) == 32
    assert points.load_or_make(path, unlock) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made not in path.read_bytes()


@pytest.mark.parametrize(
    "jwk", [{"kty": "oct"}, {"kty": "oct", "k": "AAAA"}, {"kty": "oct", "k": 3}, {"kty": "OKP"}]
)
def test_another_jwk_is_no_reviewer_s_secret(tmp_path: Path, jwk: Mapping[str, Any]) -> None:
    sealed.put(tmp_path / "points.jwe", jwk, unlock)
    with pytest.raises(SecretFileError, match="no secret of 32 bytes"):
        points.load_or_make(tmp_path / "points.jwe", unlock)


def test_a_reviewer_s_secret_in_clear_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.secret"
    path.touch(0o600)
    path.write_bytes(KEY)
    with pytest.raises(SecretFileError, match="is encrypted by: veilmart key encrypt"):
        points.load_or_make(path, unlock)
