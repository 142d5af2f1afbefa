"""The permit (用数许可证): the marketplace's signed licence to compute, as a provider checks it.

Format: a JWT (RFC 7519) signed with Ed25519 (RFC 9864, which retires the name EdDSA), one for each provider of a
contract, with the claims of :class:`Permit`. The contract goes with it: the terms, signed by the consumer and by
every provider. A marketplace that forges a permit therefore gets nothing without their keys.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from msgspec import Meta

from compute.canonical import Bytes32, Hex32, Message, Milliseconds, Name
from compute.signing import Pins, SignatureError, Signed, digest, verify
from compute.terms import Terms, Use, violations

ALGORITHM = "Ed25519"
MAX_TOKEN_BYTES = 4096
STATUS_AGE = 5000
"""How old a status answer may be, in milliseconds (PROTOCOLS.md §7)."""

Contract = Sequence[Signed[Terms]]
"""The same terms once for each party, each time signed by it, in the order of ``terms.parties``."""


class PermitError(Exception):
    """The permit does not allow the use: the number of the check, the reason, what to do next."""

    def __init__(self, check: int, reason: str, remedy: str) -> None:
        super().__init__(f"check {check}: {reason}; {remedy}")
        self.check, self.reason, self.remedy = check, reason, remedy


class Permit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The claims: who may compute with whose data, until when, by which contract; times in seconds."""

    iss: Name
    aud: Name
    sub: Name
    jti: Name
    iat: Annotated[int, Meta(ge=0, lt=2**44)]
    nbf: Annotated[int, Meta(ge=0, lt=2**44)]
    exp: Annotated[int, Meta(ge=0, lt=2**44)]
    contract: Hex32
    """SHA-256 of the canonical terms."""


class PermitStatus(Message, frozen=True):
    """The marketplace's word, signed, on whether a permit stands now; it covers the asker's fresh nonce."""

    permit: Name
    nonce: Bytes32
    active: bool
    terms: Hex32
    """SHA-256 of the terms in force: a permit under an earlier version of the contract stands no more."""
    at: Milliseconds


def issue(terms: Terms, provider: str, permit: str, issuer: str, key: Ed25519PrivateKey, now: int) -> str:
    """Give the token for one provider of the contract; ``now`` in milliseconds."""
    claims = Permit(
        iss=issuer,
        aud=provider,
        sub=terms.consumer,
        jti=permit,
        iat=now // 1000,
        nbf=terms.not_before // 1000,
        exp=terms.not_after // 1000,
        contract=digest(terms).hex(),
    )
    header = {"alg": ALGORITHM, "typ": "JWT", "kid": issuer}
    return jwt.encode(header, msgspec.to_builtins(claims), OKPKey.import_key(key), algorithms=[ALGORITHM])


def check_permit(
    token: str,
    contract: Contract,
    status: Signed[PermitStatus],
    *,
    nonce: bytes,
    issuer: str,
    pins: Pins,
    use: Use,
) -> Permit:
    """Give the permit, or raise :class:`PermitError` with the number of the check that failed.

    ``status`` is the marketplace's answer to our fresh ``nonce``. Checks 8 (model approval), 9 (consent of every
    subject), 10 (counters, ledgers, budgets) and 11 (the bank's enrolled key) are the provider node's.

    1. The token is signed by the marketplace's pinned key and has exactly the claims of a permit.
    2. It is meant for this provider and for the consumer who presents it.
    3. Its term has begun and not ended.
    4. It is not revoked: the status is signed, covers our nonce, and is at most 5 seconds old. And it is of the
       version of the contract that is in force.
    5. The contract is the one that it names, signed by the pinned keys of the consumer and of every provider; and
       it is the contract's one permit for this provider, so that uses cannot be counted anew under another.
    6. The operation and the purpose are the contract's.
    7. Product, version and fields lie within this provider's grant, and the uses within the number left.
    """
    permit = read_permit(token, issuer, pins)  # 1
    if (permit.aud, permit.sub) != (use.provider, use.consumer):  # 2
        raise PermitError(
            2, f"the permit is for {permit.sub} at {permit.aud}", "present the permit for this provider"
        )
    if not permit.nbf * 1000 <= use.time < permit.exp * 1000:  # 3
        raise PermitError(
            3, "the permit's term has not begun or has ended", "wait until it begins, or renew the contract"
        )
    _check_status(permit, status, nonce, issuer, pins, use.time)  # 4
    terms = check_contract(contract, permit.contract, pins)  # 5
    if permit.jti != permit_name(terms.contract, use.provider):  # 5
        raise PermitError(5, "the contract has another permit for this provider", "present the permit it has")
    broken = violations(terms, use)
    for check, clauses in ((6, {"operation", "purpose"}), (7, {violation.clause for violation in broken})):
        reasons = [violation.reason for violation in broken if violation.clause in clauses]
        if reasons:
            raise PermitError(check, "; ".join(reasons), "keep within the contract or apply for another")
    return permit


def read_permit(token: str, issuer: str, pins: Pins) -> Permit:
    """Give the claims of a token that ``issuer`` signed; raise :class:`PermitError` by check 1 if it did not."""
    if len(token) > MAX_TOKEN_BYTES:
        raise PermitError(1, "the token is too long", "present the permit as it was issued")
    try:
        key = OKPKey.import_key(Ed25519PublicKey.from_public_bytes(pins[issuer].key))
        claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        permit = msgspec.convert(claims, Permit)
    except (JoseError, msgspec.ValidationError, KeyError, ValueError) as error:
        raise PermitError(1, f"no permit of {issuer}: {type(error).__name__}", "fetch the permit anew") from error
    if permit.iss != issuer:
        raise PermitError(1, f"issued by {permit.iss}, not by {issuer}", "fetch the permit anew")
    return permit


def _check_status(
    permit: Permit, status: Signed[PermitStatus], nonce: bytes, issuer: str, pins: Pins, now: int
) -> None:
    remedy = "wait until the marketplace answers, or ask it why"
    try:
        answer = verify(status, issuer, "operator", pins)
    except SignatureError as error:
        raise PermitError(4, f"the status of the permit: {error}", remedy) from error
    if (answer.permit, answer.nonce) != (permit.jti, nonce):
        raise PermitError(4, "the status answers another question", remedy)
    if not now - STATUS_AGE <= answer.at <= now + STATUS_AGE:
        raise PermitError(4, "the status is not of the last 5 seconds", "set the clocks right and retry")
    if not answer.active:
        raise PermitError(4, "the permit is suspended, revoked or ended", remedy)
    if answer.terms != permit.contract:
        raise PermitError(4, "the contract has another version", "present the permit of the version in force")


def permit_name(contract: str, provider: str) -> str:
    """Give the id of a provider's permit: it follows from both, so there is never a second one."""
    return "permit-" + hashlib.sha256(f"permit\n{contract}\n{provider}".encode()).hexdigest()[:32]


def check_contract(contract: Contract, terms_digest: str, pins: Pins) -> Terms:
    """Give the terms if all of their parties signed them by their pinned keys, or refuse by check 5.

    ``terms_digest`` is SHA-256 of the canonical terms, in hexadecimal.
    """
    remedy = "have every party sign the contract and present it whole"
    if not contract or any(digest(signed.statement).hex() != terms_digest for signed in contract):
        raise PermitError(5, "the contract is not the one that is named", remedy)
    terms = contract[0].statement
    if tuple(signed.signer for signed in contract) != terms.parties:
        raise PermitError(5, "the contract is not signed by each of its parties once", remedy)
    for signed in contract:
        try:
            verify(signed, signed.signer, "consumer" if signed.signer == terms.consumer else "provider", pins)
        except SignatureError as error:
            raise PermitError(5, f"the contract: {error}", remedy) from error
    return terms
