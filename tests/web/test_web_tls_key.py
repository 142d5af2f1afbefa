"""The key of a server's certificate: encrypted under what unlocks the other keys, or in clear with a warning."""

import logging
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from locks import KEY, SECRET, lay_key_file
from web.test_web_tls import handshake

from compute.settings import SettingsError
from compute.web.certificates import checked
from compute.web.encrypted_jwk import Secret
from compute.web.secret import SecretFileError
from compute.web.tls import make_ca, make_certificate
from compute.web.tls_key import KeyPair, load_chain, load_key, password_of, warn_of_plain

PASSPHRASE = Secret("PBES2-HS512+A256KW", "a long passphrase 口令".encode())
LOCKS = {"key file": SECRET, "passphrase": PASSPHRASE}
URL = "https://localhost:8443"
OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="the recipe is openssl's")


def made(folder: Path, lock: Secret | None) -> KeyPair:
    unlock = None if lock is None else lambda: lock
    return make_certificate(make_ca(folder, unlock), "node", ["localhost"], unlock)


def with_lock(pair: KeyPair, lock: Secret | None) -> KeyPair:
    return KeyPair(pair.certificate, pair.key, None if lock is None else lambda: lock)


@pytest.mark.parametrize("lock", LOCKS)
def test_an_encrypted_key_is_served_and_lies_nowhere_in_clear(tmp_path: Path, lock: str) -> None:
    pair = made(tmp_path, LOCKS[lock])
    assert checked(pair, URL, tmp_path / "ca.pem") == pair
    assert handshake(tmp_path / "ca.pem", pair, "localhost") == "TLSv1.3"
    for name in ("node", "ca"):
        key = load_key(KeyPair(tmp_path / f"{name}.pem", tmp_path / f"{name}.key", pair.unlock))
        clear = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        scalar = key.private_numbers().private_value.to_bytes(32, "big")
        assert scalar in clear  # the search would find it
        pem = (tmp_path / f"{name}.key").read_bytes()
        assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        with pytest.raises(TypeError, match="encrypted"):
            load_pem_private_key(pem, None)


@pytest.mark.parametrize(
    "lock", [Secret("A256KW", b"\1" * 32), Secret("PBES2-HS512+A256KW", b"another passphrase")]
)
def test_another_secret_does_not_open_it_and_is_not_told(tmp_path: Path, lock: Secret) -> None:
    pair = with_lock(made(tmp_path, SECRET), lock)
    with pytest.raises(
        SecretFileError, match=r"node\.key: does not open; name what it was encrypted under"
    ) as caught:
        checked(pair, URL, tmp_path / "ca.pem")
    for secret in (password_of(lock), password_of(SECRET)):
        assert secret.decode() not in str(caught.value)
        assert secret.decode() not in repr(pair)


def test_without_a_secret_nobody_is_asked_at_a_terminal(tmp_path: Path) -> None:
    pair = with_lock(made(tmp_path, SECRET), None)
    with pytest.raises(SecretFileError, match=r"node\.key: encrypted; say what opens it, by certificate_unlock"):
        load_chain(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), pair)


def test_a_certificate_of_another_key_is_told_as_such(tmp_path: Path) -> None:
    pair = made(tmp_path, SECRET)
    make_certificate(KeyPair(tmp_path / "ca.pem", tmp_path / "ca.key", pair.unlock), "other", ["x"], pair.unlock)
    with pytest.raises(SettingsError, match="name a certificate and its own key"):
        checked(KeyPair(tmp_path / "other.pem", pair.key, pair.unlock), URL, None)


def test_a_key_in_clear_is_served_with_a_warning_and_an_encrypted_one_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    plain = made(tmp_path, None)
    checked(with_lock(plain, SECRET), URL, tmp_path / "ca.pem")
    warn_of_plain(plain)
    (record,) = caplog.records
    assert "node.key: the key lies there in clear; encrypt it: openssl pkcs8" in record.getMessage()
    caplog.clear()
    warn_of_plain(made(tmp_path, SECRET))
    assert caplog.records == []


def test_the_old_form_of_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    pair = made(tmp_path, None)
    old = load_key(pair).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(password_of(SECRET))
    )
    assert b"Proc-Type: 4,ENCRYPTED" in old
    pair.key.write_bytes(old)
    with pytest.raises(SecretFileError, match="encrypted in the old form; write it anew: openssl pkcs8 -topk8"):
        load_chain(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), with_lock(pair, SECRET))


@OPENSSL
def test_openssl_encrypts_it_under_the_key_file_as_the_warning_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lay_key_file(tmp_path)
    pair = made(tmp_path, None)
    pair.key.rename(tmp_path / "plain.key")
    warn_of_plain(KeyPair(pair.certificate, tmp_path / "plain.key"))
    said = caplog.records[0].getMessage()
    command = said[said.index("openssl pkcs8") : said.index(", UNLOCK")]
    for name, value in (("UNLOCK", "unlock.key"), ("OLD", "plain.key"), ("NEW", "node.key")):
        command = command.replace(name, value)
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 -- our own words
    assert password_of(SECRET).decode() == (tmp_path / "unlock.key").read_text().strip() != KEY
    checked(with_lock(pair, SECRET), URL, tmp_path / "ca.pem")
    with pytest.raises(SecretFileError, match="does not open"):
        checked(with_lock(pair, PASSPHRASE), URL, tmp_path / "ca.pem")
