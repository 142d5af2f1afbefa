"""A permit, and everything that a cheating bank or a forging marketplace could do to it."""

import base64
import dataclasses
import json
from typing import Any

import msgspec
import pytest
from contracts import ALLOWED, TERMS
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.permit import PermitError, PermitStatus, check_permit, issue, permit_name
from compute.signing import Pin, Role, Signed, digest, sign
from compute.terms import Terms, Use

NOW = 1500
DAY = 24 * 3600 * 1000
NONCE = b"\7" * 32
NAMES = ("market", "bank", "tax", "labour", "reviewer")
KEYS = {name: Ed25519PrivateKey.from_private_bytes(bytes([i + 1]) * 32) for i, name in enumerate(NAMES)}
ROLES: dict[str, Role] = {"market": "operator", "bank": "consumer", "reviewer": "model_reviewer"}
PINS = {name: Pin(ROLES.get(name, "provider"), key.public_key().public_bytes_raw()) for name, key in KEYS.items()}
LONG = msgspec.structs.replace(TERMS, not_before=0, not_after=DAY)
PERMIT = permit_name(LONG.contract, "tax")
USE = Use(**{**ALLOWED, "time": NOW})  # type: ignore[arg-type]


def contract(terms: Terms = LONG, **signers: str) -> list[Signed[Terms]]:
    return [sign(terms, party, KEYS[signers.get(party, party)]) for party in terms.parties]


def status(signer: str = "market", **changes: Any) -> Signed[PermitStatus]:
    stated = PermitStatus(permit=PERMIT, nonce=NONCE, active=True, terms=digest(LONG).hex(), at=NOW)
    return sign(msgspec.structs.replace(stated, **changes), "market", KEYS[signer])


def token(terms: Terms = LONG, provider: str = "tax", issuer: str = "market", signer: str = "market") -> str:
    return issue(terms, provider, permit_name(terms.contract, provider), issuer, KEYS[signer], NOW)


def check(**changes: Any) -> None:
    arguments = {
        "token": token(),
        "contract": contract(),
        "status": status(),
        "nonce": NONCE,
        "issuer": "market",
        "pins": PINS,
        "use": USE,
    }
    check_permit(**{**arguments, **changes})


def test_an_honest_permit_passes() -> None:
    check()


def with_claims(**changes: Any) -> str:
    """A token whose claims were changed after it was signed."""
    head, body, signature = token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    body = base64.urlsafe_b64encode(json.dumps({**claims, **changes}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def unsigned() -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{token().split('.')[1]}."


OTHER = msgspec.structs.replace(LONG, max_uses=LONG.max_uses + 1)
CASES: list[tuple[dict[str, Any], int, str]] = [
    ({"token": token(signer="bank")}, 1, "no permit of market"),
    ({"token": with_claims(aud="labour")}, 1, "no permit of market"),
    ({"token": unsigned()}, 1, "no permit of market"),
    ({"token": "x" * 5000}, 1, "too long"),
    ({"token": "not.a.token"}, 1, "no permit of market"),
    ({"token": token(issuer="bank", signer="market")}, 1, "issued by bank"),
    ({"issuer": "unknown"}, 1, "no permit of unknown"),
    ({"token": token(provider="labour")}, 2, "for bank at labour"),
    ({"use": dataclasses.replace(USE, consumer="reviewer")}, 2, "for bank at tax"),
    ({"use": dataclasses.replace(USE, time=DAY)}, 3, "has not begun or has ended"),
    ({"status": status(active=False)}, 4, "revoked"),
    ({"status": status(signer="bank")}, 4, "does not verify"),
    ({"status": status(nonce=bytes(32))}, 4, "another question"),
    ({"status": status(permit="permit-2")}, 4, "another question"),
    ({"status": status(at=NOW + 5001)}, 4, "last 5 seconds"),
    ({"use": dataclasses.replace(USE, time=NOW + 5001)}, 4, "last 5 seconds"),
    ({"contract": []}, 5, "not the one that is named"),
    ({"contract": contract(OTHER)}, 5, "not the one that"),
    ({"contract": contract()[:2]}, 5, "signed by each of its parties"),
    ({"contract": contract()[::-1]}, 5, "signed by each of its parties"),
    ({"contract": contract(bank="market")}, 5, "signature of bank does not verify"),
    ({"contract": contract(labour="market")}, 5, "signature of labour does not verify"),
    ({"use": dataclasses.replace(USE, operation="statistics")}, 6, "not risk_score"),
    ({"use": dataclasses.replace(USE, purpose="prescreening")}, 6, "not credit_approval"),
    ({"use": dataclasses.replace(USE, fields=frozenset({"owner"}))}, 7, "owner of register not granted"),
    ({"use": dataclasses.replace(USE, product_version="9.0.0")}, 7, "not the granted"),
    ({"use": dataclasses.replace(USE, uses=61)}, 7, "61 uses asked, 60 of 100 left"),
]


@pytest.mark.parametrize(("change", "number", "reason"), CASES, ids=range(len(CASES)))
def test_a_forged_or_misused_permit_is_refused(change: dict[str, Any], number: int, reason: str) -> None:
    with pytest.raises(PermitError) as refused:
        check(**change)
    assert (refused.value.check, reason in refused.value.reason) == (number, True), refused.value
    assert refused.value.remedy


def test_every_numbered_check_has_a_case() -> None:
    lines = (check_permit.__doc__ or "").split("\n    ")
    numbered = {int(line.split(".")[0]) for line in lines if line[:1].isdigit()}
    assert numbered == {1, 2, 3, 4, 5, 6, 7} == {number for _, number, _ in CASES}


def test_a_second_permit_of_one_contract_does_not_count_anew() -> None:
    """A marketplace that is the bank's friend would issue one for each use."""
    another = issue(LONG, "tax", "permit-" + "0" * 32, "market", KEYS["market"], NOW)
    with pytest.raises(PermitError, match="check 5: the contract has another permit for this provider"):
        check(token=another, status=status(permit="permit-" + "0" * 32))
