"""Who sent this request, and is this the answer to mine: signatures on both, checked in numbered steps.

    client                                                      server
      │ request: method, URL, content-type, digest, time, nonce   │
      │ ── signed by the client ────────────────────────────────▶ │ checks 1-6, then the view
      │                                                           │
      │    response: status, content-type, digest,                │
      │    and the request's own signature                        │
      │ ◀──────────────────────────────── signed by the server ── │
      checks a-d

Both sides have each other's public key pinned beforehand. TLS hides the exchange and comes first; the
signatures say which party speaks, also behind a proxy that ends TLS. Not protected: other header fields, which
therefore must not change the meaning of a message, and that an exchange takes place at all.
"""

import time
from collections.abc import Callable

import flask
import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSignaturesException, InvalidSignature

from compute.web import messages
from compute.web.errors import (
    MissingSignatureError,
    ReplayedSignatureError,
    SignatureFieldError,
    StaleSignatureError,
    UnknownKeyError,
    WrongDigestError,
    WrongSignatureError,
)
from compute.web.nonces import WINDOW, NonceStore

Clock = Callable[[], float]
"""Gives seconds since 1970-01-01, UTC."""


class Verifier:
    """Proves the sender of requests to one server.

    `public_url` is the origin by which peers call this server, `https://host[:port]`: it comes from
    configuration and never from the Host field, which the sender chooses. `pins` gives a party's raw Ed25519
    public key, or None.
    """

    def __init__(
        self,
        public_url: str,
        pins: Callable[[str], bytes | None],
        nonces: NonceStore,
        clock: Clock = time.time,
    ) -> None:
        self.public_url = _origin(public_url)
        self._pins = pins
        self._nonces = nonces
        self._clock = clock

    def verify(self, request: flask.Request) -> str:
        """Give the name of the party that sent the request.

        1. One signature of the agreed form covers method, target URI, content-type, content-digest.
        2. A key of the party that it names is pinned here.
        3. That key made the signature, over the URL under which this server is known.
        4. It was made within 60 s of the time here, either way.
        5. The body has the signed digest. Only now is it read: a stranger cannot make this server read one.
        6. The nonce was not used before, by this or another worker, also before a restart.

        Raises the SignatureRequestError of the first check that fails, and werkzeug's RequestEntityTooLarge
        for a body above MAX_CONTENT_LENGTH, before it is read.
        """
        message = view_request(request, self.public_url)
        try:
            claim = messages.read_claim(message)  # 1
        except SignatureFieldError as error:
            raise MissingSignatureError(f"The request is not signed as it must be: {error}.") from error
        pin = self._pins(claim.party)
        if pin is None:  # 2
            raise UnknownKeyError(f"No key of {claim.party} is pinned here.")
        try:
            messages.verify(message, claim.party, pin)  # 3
        except HTTPMessageSignaturesException as error:
            raise WrongSignatureError(
                f"The signature is not one of {claim.party}'s pinned key over {message.method} {message.url} "
                "and the fields of this request."
            ) from error
        now = self._check_time(claim)  # 4
        try:
            messages.check_digest(message, request.get_data())  # 5
        except InvalidSignature as error:
            raise WrongDigestError(f"The body does not match its signed digest: {error}.") from error
        if not self._nonces.use(claim.party, claim.nonce, now):  # 6
            raise ReplayedSignatureError(f"A request of {claim.party} with this nonce was accepted before.")
        # Again: reading the body or waiting for the database may have taken so long that the store has
        # forgotten the first use. Fresh by the clock of now, it cannot have.
        self._check_time(claim)  # 4
        return claim.party

    def _check_time(self, claim: messages.Claim) -> float:
        now = self._clock()
        if abs(now - claim.created) > WINDOW:
            raise StaleSignatureError(
                f"The signature was made at {claim.created}, and it is {now:.0f} here (seconds since 1970, UTC); "
                f"they may be {WINDOW} s apart."
            )
        return now


def view_request(request: flask.Request, public_url: str) -> messages.Request:
    """Give what is signed of a request that reached Flask.

    The path and query are those of the request line as gunicorn hands them on. One that does not start with
    "/" (RFC 9112 §3.2.2, for proxies) makes a URL that nobody signs.
    """
    target: str = request.environ["RAW_URI"]
    headers = messages.pick_fields(request.headers.get)
    return messages.Request(request.environ["REQUEST_METHOD"], public_url + target, headers)


def sign_response(
    response: flask.Response,
    request: flask.Request,
    party: str,
    key: Ed25519PrivateKey,
    public_url: str,
) -> bool:
    """Sign the response as the party's answer to this very request; give whether it is signed.

    A request without a Signature field, or with one that cannot stand in a signature base, gets its response
    unsigned: there is nothing to bind it to, and its sender does not check.
    """
    asked = view_request(request, public_url)
    if "Signature" not in asked.headers:
        return False
    # What travels is signed: nothing, in these responses (RFC 9110 §6.4.1).
    empty = asked.method == "HEAD" or response.status_code in {204, 304}
    response.direct_passthrough = False  # a file's bytes too
    body = b"" if empty else response.get_data()
    answer = messages.Response(
        response.status_code,
        {"Content-Type": response.headers["Content-Type"]} if "Content-Type" in response.headers else {},
        asked,
    )
    try:
        messages.sign(answer, party, key, body, time.time())
    except HTTPMessageSignaturesException:
        return False
    response.headers.update(answer.headers)
    return True


def _origin(url: str) -> str:
    """The origin in the form in which clients write it: lower case, without the scheme's own port."""
    parsed = httpx.URL(url.lower())  # httpx drops :443 only then
    if parsed.scheme not in {"https", "http"} or not parsed.host or parsed.raw_path != b"/" or parsed.userinfo:
        raise ValueError(f"{url!r} is no origin; a public URL is https://host or https://host:port")
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}"
