"""What proves who somebody is: tokens, passwords, one-time codes. What is kept of them opens nothing by itself.

Tokens have 256 random bits, so their SHA-256 is kept and no salt is needed. Passwords are hashed by argon2id
with the second recommended parameters of RFC 9106, section 4: 3 passes over 64 MiB, 4 lanes. One-time codes are
those of RFC 6238 with SHA-1, 6 digits, 30 s, which every authenticator has; their secret is sealed at rest.
"""

import base64
import hashlib
import hmac
import secrets
from threading import BoundedSemaphore

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from marketplace.flow.password import MOST, normalised

TOKEN_BYTES = 32
STEP = 30_000
"""Milliseconds of one code (RFC 6238, section 4.1)."""
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
"""How many, and the random bytes of each: 80 bits, as no more than a few can be tried."""
_AT_ONCE = 4
"""Passwords that a process hashes at a time: each takes 64 MiB."""


def new_token(prefix: str = "") -> str:
    """Give a fresh token: the prefix and 43 characters of base64url."""
    return prefix + secrets.token_urlsafe(TOKEN_BYTES)


def new_halves(prefix: str = "") -> tuple[str, str]:
    """Give a fresh token in two halves, for two people: who has one has 128 bits to guess."""
    return prefix + secrets.token_urlsafe(TOKEN_BYTES // 2), secrets.token_urlsafe(TOKEN_BYTES // 2)


def digest(token: str) -> str:
    """Give what is kept of a token or a recovery code: its SHA-256, in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_id(prefix: str) -> str:
    """Give a fresh name that says nothing: the prefix and 16 hex digits."""
    return f"{prefix}-{secrets.token_hex(8)}"


class Passwords:
    """Hashes and checks passwords; a check takes as long for an account that does not exist."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._free = BoundedSemaphore(_AT_ONCE)
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        """Give what is kept of a password: argon2id with its parameters and a fresh salt."""
        with self._free:
            return self._hasher.hash(normalised(password))

    def match(self, kept: str | None, password: str) -> bool:
        """Whether this is the password; without a hash, after the same work, it is not."""
        if self._nobody is None:
            self._nobody = self.hash(secrets.token_urlsafe())
        with self._free:
            try:
                tried = normalised(password[: MOST + 1])
                self._hasher.verify(kept or self._nobody, tried.encode("utf-8", "surrogatepass"))
            except VerifyMismatchError:
                return False
        return kept is not None


def new_totp() -> str:
    """Give a fresh secret of one-time codes, 160 bits in base32 (RFC 4226, section 4, R6)."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, organisation: str, login: str) -> str:
    """Give the `otpauth://` URI that an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=f"{login}@{organisation}", issuer_name="Veilmart")


def step_of(secret: str, code: str, now: int) -> int | None:
    """Give the time step whose code this is, among the present one and its neighbours; None if it is of none."""
    present, found = now // STEP, None
    for step in (present - 1, present, present + 1):
        if hmac.compare_digest(pyotp.HOTP(secret).at(step).encode(), code.encode("utf-8", "surrogatepass")):
            found = step
    return found


def new_recovery_codes() -> tuple[str, ...]:
    """Give fresh recovery codes: 16 characters of base32 in groups of four."""
    drawn = (base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES))
    return tuple("-".join(each[place : place + 4] for place in range(0, 16, 4)) for each in drawn)
