"""The form of a key's file: what opens it, what does not, and that other programs can read it."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from joserfc import jwe
from joserfc.jwk import OctKey
from locks import ROUNDS, SECRET, few_rounds

from compute.web.encrypted_jwk import ITERATIONS, EncryptedJwkError, Secret, decrypt, encrypt

CANARY = "Q0FOQVJZ-of-the-private-key"
JWK = {"kty": "oct", "k": CANARY}
PHRASE = Secret("PBES2-HS512+A256KW", "沿海银行 keeps 21 oranges".encode())
ENC, CTY = "A256GCM", "jwk+json"


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def forged(header: dict[str, Any], secret: Secret = SECRET, content: object = JWK) -> bytes:
    """A JWE that another program makes, of the very secret."""
    registry = jwe.JWERegistry(algorithms=[str(header["alg"]), str(header["enc"]), "DEF"])
    key = OctKey.import_key(secret.value)
    return jwe.encrypt_compact(header, json.dumps(content), key, registry=registry).encode()


def reason(data: bytes, secret: Secret = SECRET) -> str:
    with pytest.raises(EncryptedJwkError) as refused:
        decrypt(data, secret)
    chain, error = [], refused.value
    while error is not None:
        chain.append(f"{error!s} {error!r}")
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    assert CANARY not in " ".join(chain)
    return str(refused.value)


@pytest.mark.parametrize("secret", [SECRET, PHRASE], ids=["key file", "passphrase"])
def test_what_is_encrypted_opens_again_and_differs_each_time(secret: Secret) -> None:
    first, second = encrypt(JWK, secret), encrypt(JWK, secret)
    assert decrypt(first, secret) == decrypt(second, secret) == JWK
    assert len(set(first.split(b".") + second.split(b"."))) == (9 if secret is SECRET else 10)
    assert first.endswith(b"\n")


def test_a_new_file_has_the_count_of_current_practice() -> None:
    assert 210_000 <= ITERATIONS <= 300_000
    header = json.loads(unpadded(encrypt(JWK, PHRASE).decode().split(".")[0]))
    assert (header["alg"], header["enc"], header["cty"]) == ("PBES2-HS512+A256KW", ENC, CTY)
    assert (header["p2c"], len(unpadded(header["p2s"]))) == (ITERATIONS, 16)


def test_it_is_what_the_standards_say() -> None:
    """Opened by the primitives alone, as RFC 7516, section 5.2, and RFC 7518, section 4.8, have it."""
    with few_rounds():
        parts = encrypt(JWK, PHRASE).decode().strip().split(".")
    header = json.loads(unpadded(parts[0]))
    salt = header["alg"].encode() + b"\0" + unpadded(header["p2s"])
    derived = PBKDF2HMAC(hashes.SHA512(), 32, salt, header["p2c"]).derive(PHRASE.value)
    wrapped, nonce, ciphertext, tag = map(unpadded, parts[1:])
    key = aes_key_unwrap(derived, wrapped)
    assert json.loads(AESGCM(key).decrypt(nonce, ciphertext + tag, parts[0].encode())) == JWK


def test_another_secret_does_not_open_it() -> None:
    with few_rounds():
        locked, written = encrypt(JWK, SECRET), encrypt(JWK, PHRASE)
        other = Secret("PBES2-HS512+A256KW", PHRASE.value + b"!")
        assert "this passphrase does not open it" in reason(written, other)
        assert "not locked with a key file" in reason(written, SECRET)
        assert "not locked with a passphrase" in reason(locked, PHRASE)
    assert "this key file does not open it" in reason(locked, Secret("A256KW", bytes(32)))


def test_every_part_and_character_counts() -> None:
    data = encrypt(JWK, SECRET)
    for index in range(len(data) - 1):
        changed = bytearray(data)
        changed[index] = ord("A") if data[index] != ord("A") else ord("B")
        reason(bytes(changed))
    for end in range(0, len(data) - 1, 7):
        reason(data[:end])
    for spoilt in (data + b"\n", b" " + data, data + data, data.replace(b".", b"..", 1), b"A" * 20_000):
        assert "not encrypted, or damaged" in reason(spoilt)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "A256GCMKW", "enc": ENC, "cty": CTY},
        {"alg": "A256KW", "enc": "A256CBC-HS512", "cty": CTY},
        {"alg": "A256KW", "enc": ENC},
        {"alg": "A256KW", "enc": ENC, "cty": "JWT"},
        {"alg": "A256KW", "enc": ENC, "cty": CTY, "zip": "DEF"},
        {"alg": "A256KW", "enc": ENC, "cty": CTY, "kid": "1"},
    ],
    ids=lambda header: " ".join(header.values()),
)
def test_another_header_is_refused_though_the_secret_fits(header: dict[str, Any]) -> None:
    assert "its header" in reason(forged(header))


def test_a_key_used_directly_is_refused() -> None:
    reason(forged({"alg": "dir", "enc": ENC, "cty": CTY}))


def test_another_passphrase_algorithm_is_refused() -> None:
    weak = {"alg": "PBES2-HS256+A128KW", "enc": ENC, "cty": CTY, "p2c": ROUNDS}
    with few_rounds():
        assert "not locked with a passphrase" in reason(forged(weak, PHRASE), PHRASE)


@pytest.mark.parametrize("count", [1, ROUNDS, 209_999, 300_001, 2**31, -1, True, 250_000.0, "250000", None])
def test_a_count_out_of_bounds_is_refused_before_it_is_counted(count: object) -> None:
    parts = encrypt(JWK, SECRET).decode().split(".")
    header = {"alg": PHRASE.algorithm, "enc": ENC, "cty": CTY, "p2s": "c2FsdHNhbHQ", "p2c": count}
    parts[0] = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    assert "its count p2c" in reason(".".join(parts).encode(), PHRASE)


@pytest.mark.parametrize("salt", ["", "*", 7, None, [], {"a": 1}, "c2Fsd"], ids=str)
def test_a_salt_that_is_none_is_refused(salt: object) -> None:
    with few_rounds():
        parts = encrypt(JWK, PHRASE).decode().strip().split(".")
        header = {**json.loads(unpadded(parts[0])), "p2s": salt}
        parts[0] = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        assert "this passphrase does not open it" in reason(".".join(parts).encode(), PHRASE)


@pytest.mark.parametrize("content", ["text", 3, None, [JWK]])
def test_content_that_is_no_jwk_is_refused(content: object) -> None:
    reason(forged({"alg": "A256KW", "enc": ENC, "cty": CTY}, content=content))


@pytest.mark.parametrize(
    "data", [b"", b"....", b"a.b.c.d.e", b"W10.b.c.d.e", b"e30.b.c.d.e", b"{}", b'{"p": "1"}']
)
def test_what_is_none_is_refused(data: bytes) -> None:
    reason(data)


@pytest.mark.parametrize("text", ["", "fourteen chars", "四" * 14])
def test_a_short_passphrase_is_refused(text: str) -> None:
    with pytest.raises(EncryptedJwkError, match="take 15 characters"):
        encrypt(JWK, Secret("PBES2-HS512+A256KW", text.encode()))


def test_a_secret_is_not_shown() -> None:
    assert "oranges" not in repr(PHRASE)
    assert "*" not in repr(SECRET)
