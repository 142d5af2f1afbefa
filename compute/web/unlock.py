"""Where the secret is that unlocks the files of private keys. A configuration names the place, not the secret.

A process has no terminal, and its jobs run in processes of their own, which unlock the files again. So the secret
stays where each of them finds it: in a file that something else delivers, or in the environment.
"""

import base64
import binascii
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from compute.settings import Section
from compute.web import secret
from compute.web.encrypted_jwk import Secret
from compute.web.secret import SecretFileError

KEY_BYTES = 32
"""Of a key file: one line of base64, as `openssl rand -base64 32` writes it."""
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Names the folder in which systemd puts a unit's credentials (systemd.exec(5), LoadCredential=)."""

EnvironmentName = Annotated[str, Meta(pattern=r"^[A-Z_][A-Z0-9_]*$")]
CredentialName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]

Unlocking = Callable[[], Secret]
"""Gives the secret when it is needed; raises `SecretFileError`."""


class Unlock(Section, frozen=True):
    """One of three places."""

    key_file: Path | None = None
    """32 random bytes in base64, mode 0600: a mounted secret, a file in memory that a TPM or HSM unsealed."""
    credential: CredentialName | None = None
    """The same, as a credential of the systemd unit."""
    passphrase_env: EnvironmentName | None = None
    """The environment variable that holds a passphrase."""

    def __post_init__(self) -> None:
        """Raise ValueError unless one place is named."""
        if (self.key_file, self.credential, self.passphrase_env).count(None) != 2:  # noqa: PLR2004 -- of three
            raise ValueError("name one of key_file, credential, passphrase_env")

    def secret(self) -> Secret:
        """Give the secret; raise `SecretFileError` if it is not there."""
        if self.passphrase_env is not None:
            if value := os.environ.get(self.passphrase_env):
                return passphrase(value)
            raise SecretFileError(f"{self.passphrase_env} is not set; put the passphrase of the keys there")
        return key_file(self.key_file or self._delivered())

    def _delivered(self) -> Path:
        if folder := os.environ.get(CREDENTIALS):
            return Path(folder) / str(self.credential)
        raise SecretFileError(f"{CREDENTIALS} is not set; give the unit LoadCredential={self.credential}:PATH")


def passphrase(text: str) -> Secret:
    """Give the secret that is a passphrase; raise `SecretFileError` for one that is not UTF-8."""
    try:
        return Secret("PBES2-HS512+A256KW", text.encode())
    except UnicodeEncodeError:
        reason = "the passphrase is not UTF-8; write it so"  # the error's own text holds it
    raise SecretFileError(reason)


def key_file(path: Path) -> Secret:
    """Give the secret in a key file; raise `SecretFileError`."""
    try:
        value = base64.b64decode(secret.load(path, delivered=True).strip(), validate=True)
    except binascii.Error:
        value = b""
    if len(value) != KEY_BYTES:
        raise SecretFileError(f"{path}: not {KEY_BYTES} bytes in base64; make it by openssl rand -base64 32")
    return Secret("A256KW", value)
