"""The signature base written by hand: the library's very bytes, or none."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, InvalidSignature, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from hypothesis import given
from hypothesis import strategies as st

from compute.web import messages, signature_base
from compute.web.messages import Request, Response

KEY = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
PIN = KEY.public_key().public_bytes_raw()
NOW, NONCE = 1_795_340_822, "uBVUoreN1Cz7Dkvt0l3OOA"


def library_signs(message: Request | Response, body: bytes) -> None:
    keys = MappingKeyResolver(public_keys={}, private_keys={"bank": KEY})
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).sign(
        message,
        key_id="bank",
        created=datetime.fromtimestamp(NOW, UTC),
        nonce=NONCE,
        label=messages.TAG,
        tag=messages.TAG,
        covered_component_ids=messages._components(message),
        body=body,
    )


def asked(method: str, url: str, content_type: str | None, body: bytes) -> Request:
    request = Request(method, url, {} if content_type is None else {"Content-Type": content_type})
    assert messages._sign_plainly(request, "bank", KEY, body, NOW, NONCE)
    return request


@given(
    st.sampled_from(["GET", "POST", "OPTIONS"]),
    st.sampled_from(["https://127.0.0.1:8443", "https://bank.example", "https://a-b.example:1"]),
    st.from_regex(r"/(jobs/[0-9a-f]{32}|scores\.csv|a_b/c~d)?(\?nonce=[0-9a-f]{8}&after=1)?", fullmatch=True),
    st.sampled_from([None, "application/json", "text/csv; charset=utf-8"]),
    st.binary(max_size=50),
    st.sampled_from([200, 202, 422]),
)
def test_what_is_plain_is_signed_as_the_library_does(
    method: str, origin: str, path: str, content_type: str | None, body: bytes, status: int
) -> None:
    request = asked(method, origin + path, content_type, body)
    expected = Request(method, origin + path, {} if content_type is None else {"Content-Type": content_type})
    library_signs(expected, body)
    assert request.headers == expected.headers
    mine, theirs = (Response(status, {"Content-Type": "application/json"}, request) for _ in range(2))
    assert messages._sign_plainly(mine, "bank", KEY, b"answer", NOW, NONCE)
    library_signs(theirs, b"answer")
    assert mine.headers == theirs.headers
    for message in (request, mine):
        assert messages.read_claim(message) == messages.Claim("bank", NOW, NONCE)
        messages.verify(message, "bank", PIN)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("post", "https://bank.example/"),
        ("POST", "http://bank.example/"),
        ("POST", "https://Bank.example/"),
        ("POST", "https://bank.example"),
        ("POST", "https://bank.example:443/"),
        ("POST", "https://user@bank.example/"),
        ("POST", "https://[::1]/"),
        ("POST", "https://bank.example/a%2Fb"),
        ("POST", "https://bank.example/a/../b"),
        ("POST", "https://bank.example/."),
        ("POST", "https://bank.example/a\n"),
        ("POST", "https://bank.example/é"),
    ],
)
def test_what_is_not_plain_is_left_to_the_library(method: str, url: str) -> None:
    request = Request(method, url, {"Content-Type": "application/json"})
    assert not messages._sign_plainly(request, "bank", KEY, b"", NOW, NONCE)
    assert request.headers == {"Content-Type": "application/json"}


@pytest.mark.parametrize("value", ["", " application/json", "application/json ", "a\tb", "a\nb", "é"])
def test_a_field_that_is_not_plain_is_left_to_the_library(value: str) -> None:
    assert not messages._sign_plainly(
        Request("POST", "https://bank.example/", {"Content-Type": value}), "bank", KEY, b"", NOW, NONCE
    )


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("Signature-Input", f"created={NOW}", f"created={NOW + 1}"),
        ("Signature-Input", "uBV", "uBW"),
        ("Signature-Input", 'keyid="bank"', 'keyid="bonk"'),
        ("Content-Digest", "sha-256=:", "sha-256=:A"),
        ("Content-Type", "json", "jsom"),
        ("Signature", "veilmart=:", "veilmart=:A"),
    ],
)
def test_a_changed_message_does_not_verify(field: str, old: str, new: str) -> None:
    request = asked("POST", "https://bank.example/messages", "application/json", b"body")
    request.headers[field] = request.headers[field].replace(old, new)
    if field == "Signature":
        request.headers[field] = request.headers[field][:-4] + "==:"
    with pytest.raises(InvalidSignature):
        messages.verify(request, "bank", PIN)


def test_parameters_in_another_order_are_read_by_the_library() -> None:
    request = asked("POST", "https://bank.example/messages", "application/json", b"body")
    components = messages._components(request)
    covered, others = " ".join(components), 'tag="veilmart";alg="ed25519";keyid="bank"'
    request.headers["Signature-Input"] = f'veilmart=({covered});nonce="{NONCE}";{others};created={NOW}'
    assert signature_base.plain_claim(request.headers["Signature-Input"], components) is None
    assert messages.read_claim(request) == messages.Claim("bank", NOW, NONCE)
    with pytest.raises(InvalidSignature):  # the parameters are signed in their order
        messages.verify(request, "bank", PIN)


def test_a_digest_of_another_body_is_refused() -> None:
    request = asked("POST", "https://bank.example/messages", "application/json", b"body")
    messages.check_digest(request, b"body")
    with pytest.raises(InvalidSignature):
        messages.check_digest(request, b"Body")
    longer = base64.b64encode(hashlib.sha512(b"body").digest()).decode()
    messages.check_digest(Request("POST", "", {"Content-Digest": f"sha-512=:{longer}:"}), b"body")
