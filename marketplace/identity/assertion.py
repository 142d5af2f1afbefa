"""Signed assertions about who acts for a subject: of electronic business licences 电子营业执照, and id tokens.

A JWS (RFC 7515) by a key that the operator has pinned. The checks are numbered at their lines:

1. one of the pinned keys signed it, by the algorithm that is configured, and no other;
2. the expected issuer made it, for this marketplace (RFC 7519, section 4.1), and of several it is for, this one
   asked (`azp`; OpenID Connect Core 1.0, section 3.1.3.7);
3. it is of now: issued, not over, and no older than ten minutes;
4. it carries the nonce of this very occasion, so that no other one's serves;
5. it names a subject by a code in the right form, and in what capacity somebody acts for it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from compute.records import Capacity, IdentityMethod, SubjectType
from compute.settings import SettingsError
from compute.subject_code import SubjectCodeError, check
from marketplace.flow.subject import Identity
from marketplace.identity.ports import IdentityError

ALGORITHMS = ("EdDSA", "Ed25519", "ES256", "RS256", "PS256")
MAX_CHARACTERS = 8192
MAX_AGE, LEEWAY = 600, 30
"""Seconds."""


@dataclass(frozen=True)
class ClaimNames:
    """Under which claims an issuer writes what is wanted."""

    subject: str = "uscc"
    subject_type: str = "subject_type"
    capacity: str = "capacity"


@dataclass(frozen=True)
class Issuer:
    """Who asserts, to whom, by which keys."""

    name: str
    audience: str
    algorithm: str
    keys: KeySet
    claims: ClaimNames = ClaimNames()

    def identify(self, assertion: str, nonce: str, method: IdentityMethod, now: int) -> Identity:
        """Give who is asserted to act; raise `IdentityError`, which tells no more than which check failed.

        `now` is UTC, in milliseconds.
        """
        if len(assertion) > MAX_CHARACTERS:
            raise IdentityError("the assertion is too long")
        try:
            token = jwt.decode(assertion, self.keys, algorithms=[self.algorithm])  # 1
            seconds = now // 1000
            JWTClaimsRegistry(  # 2, 3, 4
                now=seconds,
                leeway=LEEWAY,
                iss={"essential": True, "value": self.name},
                aud={"essential": True, "value": self.audience},
                nonce={"essential": True, "value": nonce},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(token.claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise IdentityError(f"the assertion is not genuine: {type(error).__name__}") from error
        several = isinstance(token.claims["aud"], list) and len(token.claims["aud"]) > 1
        if token.claims.get("azp", None if several else self.audience) != self.audience:  # 2
            raise IdentityError("the assertion was asked for by another")
        if not isinstance(token.claims["iat"], int) or token.claims["iat"] < seconds - MAX_AGE - LEEWAY:  # 3
            raise IdentityError("the assertion is too old")
        return _identity(token.claims, self.claims, method)  # 5


def _identity(claims: Mapping[str, Any], names: ClaimNames, method: IdentityMethod) -> Identity:
    try:
        subject, of = claims[names.subject], SubjectType(claims.get(names.subject_type, SubjectType.ENTERPRISE))
        default = Capacity.LEGAL_REPRESENTATIVE if of is SubjectType.ENTERPRISE else Capacity.ONESELF
        capacity = Capacity(claims.get(names.capacity, default))
        if not isinstance(subject, str):
            raise IdentityError("the assertion names no subject")
        check(subject, of)
    except (KeyError, ValueError, SubjectCodeError) as error:
        raise IdentityError("the assertion names no subject in the right form") from error
    return Identity(subject, capacity, method)


def read_keys(path: Path) -> KeySet:
    """Give the public keys in a JWK set (RFC 7517); raise SettingsError for a file that is none."""
    try:
        members = json.loads(path.read_text("utf-8"))
        if any("d" in key or "k" in key for key in members["keys"]):
            raise SettingsError(f"{path}: it holds a private key; leave only public ones there")
        return KeySet.import_key_set(members)
    except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
        raise SettingsError(f"{path}: no set of public keys: {type(error).__name__}; see RFC 7517") from error
