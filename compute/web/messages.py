"""The one form of a message signature between parties: RFC 9421 with Ed25519, Content-Digest of RFC 9530.

Before anything is verified, `read_claim` refuses everything that is not exactly the agreed form, so that there is
one way to sign and no option for an attacker to choose: one signature; these components and no others; these five
parameters and no others. The signature base of a message whose every part is plain is written by `signature_base`,
any other by the library.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import cryptography.exceptions
import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519

from compute.web import signature_base
from compute.web.errors import SignatureFieldError

TAG = "veilmart"
REQUEST_COMPONENTS = ('"@method"', '"@target-uri"', '"content-type"', '"content-digest"')
# The whole question, not only its signature: a request that was never verified may carry another one's.
RESPONSE_COMPONENTS = (
    '"@status"',
    '"content-type"',
    '"content-digest"',
    '"@method";req',
    '"@target-uri";req',
    '"content-digest";req',
    '"signature";req',
)
PARAMETERS = frozenset({"created", "nonce", "keyid", "alg", "tag"})
FIELDS = ("Content-Type", "Content-Digest", "Signature-Input", "Signature")

_PARTY = re.compile(r"[a-z][a-z0-9_-]{0,63}")  # as compute.canonical.Name
_NONCE = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")  # 128 bits in base64url, no padding, last bits zero


@dataclass(frozen=True)
class Request:
    """What is signed of a request: `url` absolute, as its sender wrote it; of `headers` those in FIELDS."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Response:
    """What is signed of a response, with the request that it answers."""

    status_code: int
    headers: dict[str, str]
    request: Request


@dataclass(frozen=True)
class Claim:
    """What a signature says of itself; nothing of it is proven before `verify`."""

    party: str
    created: int  # seconds since 1970-01-01, UTC
    nonce: str


def pick_fields(get: Callable[[str], str | None]) -> dict[str, str]:
    """Give those fields of a message that take part in its signature; `get` looks one up in any case."""
    return {name: value for name in FIELDS if (value := get(name)) is not None}


def sign(message: Request | Response, party: str, key: Ed25519PrivateKey, body: bytes, now: float) -> None:
    """Add Content-Digest, Signature-Input and Signature to the message's headers.

    `now` is in seconds since 1970-01-01, UTC. Raises HTTPMessageSignaturesException for a URL or a field that
    cannot stand in a signature base (RFC 9421 §2.5).
    """
    nonce = secrets.token_urlsafe(16)
    if message.headers.keys() <= {"Content-Type"} and _sign_plainly(message, party, key, body, int(now), nonce):
        return
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={party: key}),
    )
    signer.sign(
        message,
        key_id=party,
        created=datetime.fromtimestamp(now, UTC),
        nonce=nonce,
        label=TAG,
        tag=TAG,
        covered_component_ids=_components(message),
        body=body,
    )


def _sign_plainly(
    message: Request | Response, party: str, key: Ed25519PrivateKey, body: bytes, created: int, nonce: str
) -> bool:
    """Sign as the library would, and say so; False, and nothing done, for a message that is not plain."""
    headers, components = dict(message.headers, **{"Content-Digest": _digest(body)}), _components(message)
    written = signature_base.parameters(components, created, party, nonce)
    base = _plain_base(message, headers, written)
    if base is None:
        return False
    signature = base64.b64encode(key.sign(base)).decode()
    message.headers.update(headers, **{"Signature-Input": f"{TAG}={written}", "Signature": f"{TAG}=:{signature}:"})
    return True


def check_digest(message: Request | Response, body: bytes) -> None:
    """Return if the body has the digest of the message's Content-Digest; raise InvalidSignature if not."""
    if message.headers["Content-Digest"] != _digest(body):  # it may still be one in another form
        ContentDigest.verify(message.headers["Content-Digest"], body)


def _digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _plain_base(message: Request | Response, headers: Mapping[str, str], written: str) -> bytes | None:
    components = _components(message)
    if isinstance(message, Request):
        asked = Request(message.method, message.url, dict(headers))
        return signature_base.plain_base(components, written, asked, None, headers)
    return signature_base.plain_base(components, written, message.request, message.status_code, headers)


def read_claim(message: Request | Response) -> Claim:
    """Give what the message's only signature claims.

    Raises SignatureFieldError unless there is exactly one signature, over exactly the components of this kind
    of message (content-type among them if the message has the field), with exactly the agreed parameters.
    """
    if signature_base.plain_signature(message.headers.get("Signature", "")) is not None:
        plain = signature_base.plain_claim(message.headers.get("Signature-Input", ""), _components(message))
        if plain is not None:
            party, created, nonce, _ = plain
            return Claim(party, created, nonce)
    _only_member(message.headers, "Signature")
    components, parameters = _only_member(message.headers, "Signature-Input")
    if not isinstance(components, list):
        raise SignatureFieldError("Signature-Input is no list of components")
    covered = [http_sf.ser(component) for component in components]
    if sorted(covered) != sorted(_components(message)):
        raise SignatureFieldError(
            f"the signature covers ({' '.join(covered)}), but it must cover ({' '.join(_components(message))})"
        )
    if set(parameters) != PARAMETERS:
        raise SignatureFieldError(
            f"the signature has the parameters {sorted(parameters)}, but must have {sorted(PARAMETERS)}"
        )
    if (parameters["alg"], parameters["tag"]) != (ED25519.algorithm_id, TAG):
        raise SignatureFieldError(f"the signature must have alg {ED25519.algorithm_id} and tag {TAG}")
    return Claim(
        party=_matching(parameters, "keyid", _PARTY),
        created=_seconds(parameters["created"]),
        nonce=_matching(parameters, "nonce", _NONCE),
    )


def verify(message: Request | Response, party: str, pin: bytes) -> None:
    """Return if the party's raw public key `pin` made the signature.

    For messages that `read_claim` has passed. Raises HTTPMessageSignaturesException if not.
    """
    key = Ed25519PublicKey.from_public_bytes(pin)
    signature = signature_base.plain_signature(message.headers["Signature"])
    plain = signature_base.plain_claim(message.headers["Signature-Input"], _components(message))
    if signature is not None and plain is not None:
        base = _plain_base(message, message.headers, plain[-1])
        if base is not None:
            try:
                key.verify(signature, base)
            except cryptography.exceptions.InvalidSignature as error:
                raise InvalidSignature("the signature does not verify") from error
            return
    verifier = _Verifier(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={party: key}, private_keys={}),
    )
    verifier.verify(message, max_age=None, expect_tag=TAG, require_components=_components(message))


class _Verifier(HTTPMessageVerifier):
    # The library judges time before the signature and by the system's clock; our callers do so after it and
    # by theirs.
    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        pass


def _components(message: Request | Response) -> tuple[str, ...]:
    # A field that is absent cannot be covered (RFC 9421 §2.5). This loses nothing: whoever adds or removes it
    # on the way changes what the signature must cover.
    components = REQUEST_COMPONENTS if isinstance(message, Request) else RESPONSE_COMPONENTS
    return tuple(c for c in components if c != '"content-type"' or "Content-Type" in message.headers)


def _only_member(headers: Mapping[str, str], name: str) -> tuple[Any, dict[str, Any]]:
    """Value and parameters of the only member of a Dictionary field (RFC 9651 §3.2)."""
    if name not in headers:
        raise SignatureFieldError(f"there is no {name} field")
    try:
        members: Any = http_sf.parse(headers[name].encode("ascii"), tltype="dictionary", on_duplicate_key=_refuse)
    except ValueError as error:  # StructuredFieldError and UnicodeEncodeError
        raise SignatureFieldError(f"the {name} field is malformed: {error}") from error
    if len(members) != 1:
        raise SignatureFieldError(f"the {name} field has {len(members)} members, but must have one")
    ((value, parameters),) = members.values()
    return value, parameters


def _refuse(key: str, context: str) -> NoReturn:
    raise SignatureFieldError(f"{key!r} stands twice in a {context}")


def _matching(parameters: Mapping[str, object], name: str, form: re.Pattern[str]) -> str:
    value = parameters[name]
    if not isinstance(value, str) or not form.fullmatch(value):
        raise SignatureFieldError(f"the signature's {name} has not the form {form.pattern}")
    return value


def _seconds(created: object) -> int:
    if type(created) is not int:  # a bool is an int too
        raise SignatureFieldError("the signature's created is no integer")
    return created
