"""The client's half of `signatures`: it signs each request, and passes only answers that are proven."""

import time
from collections.abc import Generator, Mapping

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSignaturesException

from compute.web import messages
from compute.web.errors import ResponseError, SignatureFieldError


class SignatureAuth(httpx.Auth):
    """Signs each request as `party`, and passes only responses signed by `peer` as the answer to it.

    `pins` gives raw Ed25519 public keys by party. A response is checked in these steps, and ResponseError
    raised by the first that fails:

    a. One signature of the agreed form covers status, content-type and content-digest, and the request with its
       method, target, digest and signature.
    b. It names the peer that was called, whose key is pinned here.
    c. That key made it. The request's nonce is fresh, so the answer is: its time needs no check.
    d. The body, of no Content-Encoding (which is not signed), has the signed digest.
    """

    requires_request_body = True
    requires_response_body = True

    def __init__(self, party: str, key: Ed25519PrivateKey, peer: str, pins: Mapping[str, bytes]) -> None:
        self._party = party
        self._key = key
        self._peer = peer
        self._pins = pins

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request, send it, and check the response."""
        content_type = request.headers.get("Content-Type")
        asked = messages.Request(
            request.method, str(request.url), {} if content_type is None else {"Content-Type": content_type}
        )
        try:
            messages.sign(asked, self._party, self._key, request.content, time.time())
        except HTTPMessageSignaturesException as error:
            raise ValueError(f"{request.url} cannot be signed: {error}; percent-encode it") from error
        request.headers.update(asked.headers)
        response = yield request
        try:
            self._check(asked, response)
        except (SignatureFieldError, HTTPMessageSignaturesException, KeyError) as error:
            raise ResponseError(
                f"{request.method} {request.url}: the response with status {response.status_code} is not proven "
                f"to be the answer of {self._peer} to this request: {str(error) or type(error).__name__}. Do not "
                "use it; check which server stands at this address, that the address is its public_url letter by "
                "letter, and the key pinned for it"
            ) from error

    def _check(self, asked: messages.Request, response: httpx.Response) -> None:
        answer = messages.Response(response.status_code, messages.pick_fields(response.headers.get), asked)
        claim = messages.read_claim(answer)  # a
        if claim.party != self._peer:  # b
            raise SignatureFieldError(f"it is signed by {claim.party}")
        if self._peer not in self._pins:  # b
            raise SignatureFieldError(f"no key of {self._peer} is pinned here")
        messages.verify(answer, self._peer, self._pins[self._peer])  # c
        if "Content-Encoding" in response.headers:  # d
            raise SignatureFieldError("it has a Content-Encoding")
        messages.check_digest(answer, response.content)  # d
