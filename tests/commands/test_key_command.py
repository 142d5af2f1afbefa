"""``veilmart key``: keys made, shown, encrypted and re-encrypted, and nothing of them told."""

import base64
import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import Result
from commands.conftest import run
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from locks import KEY, few_rounds, lay_key_file, unlock

from audit.note import KeyKind, VerifierKey
from compute.node.bank.paillier_key import load_or_generate, to_jwk
from compute.node.reviewer import points
from compute.paillier.private import PrivateKey
from compute.web import keyfile
from veilmart import unlocking

ORANGES, LEMONS = "twenty one oranges", "twenty one lemons ü"


def succeeded(*arguments: str, answer: str | None = None) -> str:
    result = run("key", *arguments, answer=answer)
    assert result.exit_code == 0, result.output
    return result.stdout


def failed(*arguments: str, answer: str | None = None) -> str:
    result: Result = run("key", *arguments, answer=answer)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    return result.stderr


@pytest.fixture
def lock(tmp_path: Path) -> list[str]:
    return ["--key-file", str(lay_key_file(tmp_path))]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlocking, "TERMINAL", Path(os.devnull))


def private(path: Path, data: bytes) -> str:
    path.touch(0o600)
    path.write_bytes(data)
    return str(path)


def pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_key_is_made_shown_and_not_made_again(tmp_path: Path, lock: list[str]) -> None:
    path = tmp_path / "clerk.jwe"
    public = succeeded("make", str(path), *lock)
    assert len(base64.b64decode(public, validate=False)) == 32
    assert succeeded("show", str(path), *lock) == public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.read_bytes()
    assert "is there already; name a new file" in failed("make", str(path), *lock)
    assert path.read_bytes() == written
    assert "make its folder" in failed("make", str(tmp_path / "absent" / "a.jwe"), *lock)


@pytest.mark.usefixtures("terminal")
def test_a_passphrase_is_asked_for_and_never_echoed(tmp_path: Path) -> None:
    path = str(tmp_path / "clerk.jwe")
    with few_rounds():
        made = run("key", "make", path, answer=f"{ORANGES}\n{ORANGES}\n")
        assert made.exit_code == 0, made.output
        assert "New passphrase" in made.stderr
        assert "oranges" not in made.output
        assert succeeded("show", path, answer=f"{ORANGES}\n") == made.stdout
        assert "this passphrase does not open it" in failed("show", path, answer=f"{LEMONS}\n")
        short = failed("make", str(tmp_path / "short.jwe"), answer="oranges\noranges\n")
        assert "take 15 characters or more" in short
    assert [path.name for path in tmp_path.iterdir()] == ["clerk.jwe"]


def test_without_a_terminal_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlocking, "TERMINAL", tmp_path / "absent")
    assert "there is no terminal to ask" in failed("make", str(tmp_path / "clerk.jwe"), answer=f"{ORANGES}\n" * 2)


def test_a_lock_is_changed_and_the_key_is_not(
    tmp_path: Path, lock: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clerk.jwe"
    public = succeeded("make", str(path), *lock)
    monkeypatch.setenv("NEW_LOCK", ORANGES)
    with few_rounds():
        assert "changed" in succeeded("change", str(path), *lock, "--new-passphrase-env", "NEW_LOCK")
        assert "not locked with a key file" in failed("show", str(path), *lock)
        assert succeeded("show", str(path), "--passphrase-env", "NEW_LOCK") == public
        monkeypatch.setenv("NEW_LOCK", LEMONS)
        assert "does not open it" in failed("change", str(path), "--passphrase-env", "NEW_LOCK", *lock_new(lock))
        monkeypatch.setenv("NEW_LOCK", ORANGES)
        succeeded("change", str(path), "--passphrase-env", "NEW_LOCK", *lock_new(lock))
    assert succeeded("show", str(path), *lock) == public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def lock_new(lock: list[str]) -> list[str]:
    return ["--new-key-file", lock[1]]


def test_one_lock_is_named(tmp_path: Path, lock: list[str]) -> None:
    assert "name one of" in failed("make", str(tmp_path / "a.jwe"), *lock, "--passphrase-env", "NEW_LOCK")
    assert "NO_SUCH_LOCK is not set" in failed("make", str(tmp_path / "a.jwe"), "--passphrase-env", "NO_SUCH_LOCK")


# --- what earlier versions left ----------------------------------------------------------------------------------


def test_an_identity_in_clear_is_encrypted_in_place(tmp_path: Path, lock: list[str]) -> None:
    key = Ed25519PrivateKey.from_private_bytes(KEY)
    path = tmp_path / "identity.pem"
    private(path, pem(key))
    assert succeeded("encrypt", str(path), *lock) == f"{path}: encrypted 已加密\n"
    assert b"PRIVATE" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyfile.load(path, unlock).private_bytes_raw() == KEY
    assert succeeded("show", str(path), *lock).strip() == keyfile.public_text(key)
    written = path.read_bytes()
    assert "holds no unencrypted key" in failed("encrypt", str(path), *lock)  # once is enough
    assert path.read_bytes() == written


def test_a_link_stays_a_link(tmp_path: Path, lock: list[str]) -> None:
    (tmp_path / "disk").mkdir()
    private(tmp_path / "disk" / "identity.pem", pem(Ed25519PrivateKey.generate()))
    link = tmp_path / "identity.pem"
    link.symlink_to("disk/identity.pem")
    succeeded("encrypt", str(link), *lock)
    assert link.is_symlink()
    assert b"PRIVATE" not in (tmp_path / "disk" / "identity.pem").read_bytes()


def test_a_paillier_key_in_clear_is_encrypted_in_place(tmp_path: Path, lock: list[str], key: PrivateKey) -> None:
    p, q = key.factors
    path = tmp_path / "paillier.json"
    private(path, json.dumps({"p": f"{p:x}", "q": f"{q:x}"}).encode())
    succeeded("encrypt", str(path), *lock)
    assert load_or_generate(path, unlock, 2048).factors == key.factors
    assert json.loads(succeeded("show", str(path), *lock)) == to_jwk(key)["pub"]


def test_a_reviewer_s_secret_in_clear_is_encrypted_in_place(tmp_path: Path, lock: list[str]) -> None:
    path = tmp_path / "points.secret"
    private(path, KEY)
    succeeded("encrypt", str(path), *lock)
    assert points.load_or_make(path, unlock) == KEY
    assert "no public part" in succeeded("show", str(path), *lock)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff" * 31, b"{}", b"[]", b'{"p": "zz", "q": "7"}', b'{"p": "7", "q": "7"}', b"-----BEGIN X-----\n"],
)
def test_what_is_no_key_is_left_as_it_is(tmp_path: Path, lock: list[str], data: bytes) -> None:
    path = tmp_path / "file"
    assert "holds no unencrypted key" in failed("encrypt", private(path, data), *lock)
    assert path.read_bytes() == data


def test_a_key_that_others_can_read_is_not_encrypted_as_if_it_were_secret(tmp_path: Path, lock: list[str]) -> None:
    path = tmp_path / "identity.pem"
    private(path, pem(Ed25519PrivateKey.generate()))
    path.chmod(0o644)
    assert "mode is 0644" in failed("encrypt", str(path), *lock)


@pytest.mark.usefixtures("terminal")
def test_a_wrong_lock_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    private(path, pem(Ed25519PrivateKey.generate()))
    before = path.read_bytes()
    assert "take 15 characters" in failed("encrypt", str(path), answer="short\nshort\n")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_keys_that_follow_from_an_identity_are_shown_for_a_policy(tmp_path: Path, lock: list[str]) -> None:
    path = tmp_path / "identity.jwe"
    succeeded("make", str(path), *lock)
    witness = VerifierKey.parse(succeeded("show", str(path), "--witness", "tax-office", *lock).strip())
    assert (witness.name, witness.kind) == ("tax-office/witness", KeyKind.COSIGNATURE)
    log = VerifierKey.parse(succeeded("show", str(path), "--log", "market.example/log", *lock).strip())
    assert (log.name, log.kind) == ("market.example/log", KeyKind.ED25519)
    assert log.public_key != witness.public_key
    both = ("--log", "market.example/log", "--witness", "tax-office")
    assert "give one of" in failed("show", str(path), *both, *lock)
    assert "a key's name" in failed("show", str(path), "--log", "a b", *lock)
