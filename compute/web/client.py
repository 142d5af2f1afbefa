"""Calls to one peer: bounded in time and size; to a party's own routes signed, and the answers proven."""

import random
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.web.auth import SignatureAuth
from compute.web.errors import PROBLEM, PeerProblemError, PeerUnreachableError, ResponseError

MAX_RESPONSE = 64 * 2**20  # bytes
DEADLINE = 60.0  # seconds for a call with all its retries
_IDLE = 5.0  # seconds; shorter than compute.web.serve.KEEP_ALIVE
_FIRST_PAUSE = 0.05  # seconds; doubled from one retry to the next
_LONGEST_PAUSE = 2.0  # seconds

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})  # RFC 9110 §9.2.2
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
_NO_CONNECTION = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)

T = TypeVar("T")

Timeout = float | tuple[float, float]
"""Seconds for a call with all its retries; or these, and those of them in which a connection must be made."""


class OpenClient:
    """A connection pool to a server that answers everybody; a context manager, for any number of threads.

    `base_url` is where its paths begin, `peer` its name in errors, `verify` the TLS authority: a file in PEM or a
    context; `max_response` is in bytes.
    """

    def __init__(
        self,
        base_url: str,
        peer: str,
        *,
        verify: Path | ssl.SSLContext,
        timeout: Timeout = DEADLINE,
        max_response: int = MAX_RESPONSE,
        auth: httpx.Auth | None = None,
    ) -> None:
        self._peer = peer
        self._timeout, self._connecting = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        self._trusted = verify if isinstance(verify, Path) else "the authority"
        context = verify if isinstance(verify, ssl.SSLContext) else ssl.create_default_context(cafile=verify)
        self._client = httpx.Client(
            base_url=base_url,
            auth=auth,
            transport=_Bounded(context, max_response),
            headers={"Accept-Encoding": "identity"},  # what is proven are the bytes that travel
            trust_env=False,  # no proxy, no .netrc: the peer is who the configuration says
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        expected: type[T],
        query: Mapping[str, str | int] | None = None,
        json: object = None,
        content: bytes | None = None,
        content_type: str = "application/octet-stream",
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Give the body of the peer's answer: as it is where `expected` is bytes, else decoded from JSON.

        `json` is anything msgspec encodes; `content` goes out as it is, as `content_type`; `headers` are sent
        beside and not signed. What a broken connection interrupts is sent again, signed anew, if the method is
        idempotent or the request has an `Idempotency-Key`.

        Raises PeerProblemError for a refusal, ResponseError for an answer that is not proven to be the peer's
        or not of the expected type, PeerUnreachableError if none came in time.
        """
        if json is not None:
            content, content_type = msgspec.json.encode(json), "application/json"
        accept = "*/*" if expected is bytes else "application/json"
        response = self._exchange(method, path, accept, query, content, content_type, headers)
        if not response.is_success:
            raise self._refusal(response)
        return self._decoded(response, expected)

    def exchange(self, method: str, path: str, content: bytes, content_type: str) -> tuple[int, bytes]:
        """Give status and body of any answer; raises PeerUnreachableError if none came in time."""
        response = self._exchange(method, path, "*/*", None, content, content_type)
        return response.status_code, response.content

    def _exchange(
        self,
        method: str,
        path: str,
        accept: str,
        query: Mapping[str, str | int] | None,
        content: bytes | None,
        content_type: str,
        extra: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        if not path.startswith("/"):
            raise ValueError(f"{path!r} is no path; it starts with a slash, and the peer's address is set already")
        headers = {"Accept": accept, **(extra or {})}
        if content is not None:
            headers["Content-Type"] = content_type
        return self._send(self._client.build_request(method, path, params=query, content=content, headers=headers))

    def _send(self, request: httpx.Request) -> httpx.Response:
        began = time.monotonic()
        deadline, connected_by = began + self._timeout, began + self._connecting
        pause = _FIRST_PAUSE
        while True:
            now = time.monotonic()
            timeout = httpx.Timeout(max(deadline - now, 0.001), connect=max(connected_by - now, 0.001))
            request.extensions = {"deadline": deadline, "timeout": timeout.as_dict()}
            try:
                return self._client.send(request)
            except httpx.TransportError as error:
                again = isinstance(error, _NO_CONNECTION) and _is_idempotent(request)
                until = connected_by if isinstance(error, _NOTHING_SENT) else deadline
                if not again or _is_untrusted(error) or time.monotonic() + pause >= until:
                    raise self._unreachable(request, error) from error
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 -- spreads the callers, protects nothing
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _unreachable(self, request: httpx.Request, error: httpx.TransportError) -> PeerUnreachableError:
        remedy = "see that it runs and that this address is its own"
        if _is_untrusted(error):
            remedy = f"see that its certificate is for this address and of {self._trusted}"
        if not isinstance(error, _NOTHING_SENT):
            remedy += ", and look whether the request had effect before you repeat it"
        failure = f"{type(error).__name__}: {error}"
        return PeerUnreachableError(
            f"{request.method} {request.url}: no answer of {self._peer} ({failure}); {remedy}"
        )

    def _refusal(self, response: httpx.Response) -> PeerProblemError | ResponseError:
        if _media_type(response) != PROBLEM:
            return ResponseError(f"{self._peer} answered {response.status_code} without a problem document")
        try:
            problem = msgspec.json.decode(response.content, type=dict[str, object])
        except msgspec.DecodeError as error:
            return ResponseError(f"{self._peer} answered {response.status_code} with no problem: {error}")
        return PeerProblemError(self._peer, response.status_code, problem)

    def _decoded(self, response: httpx.Response, expected: type[T]) -> T:
        if expected is bytes:
            return msgspec.convert(response.content, expected)
        if _media_type(response) != "application/json":
            raise ResponseError(f"{self._peer} answered with {_media_type(response)}, not with application/json")
        try:
            return msgspec.json.decode(response.content, type=expected)
        except msgspec.DecodeError as error:
            raise ResponseError(f"{self._peer} answered with what is no {expected.__name__}: {error}") from error


class PeerClient(OpenClient):
    """A client of one peer that signs each request as a party and proves each answer; else as `OpenClient`.

    `pins` gives raw Ed25519 public keys by party.
    """

    def __init__(
        self,
        base_url: str,
        party: str,
        key: Ed25519PrivateKey,
        peer: str,
        pins: Mapping[str, bytes],
        *,
        verify: Path | ssl.SSLContext,
        timeout: Timeout = DEADLINE,
        max_response: int = MAX_RESPONSE,
    ) -> None:
        auth = SignatureAuth(party, key, peer, pins)
        super().__init__(base_url, peer, verify=verify, timeout=timeout, max_response=max_response, auth=auth)


class _Bounded(httpx.BaseTransport):
    """Ends a response that is too long, or that comes too slowly for the call's deadline.

    It stands below the reading of the body, which comes before the signature can be checked.
    """

    def __init__(self, context: ssl.SSLContext, max_response: int) -> None:
        self._inner = httpx.HTTPTransport(
            verify=context, trust_env=False, limits=httpx.Limits(keepalive_expiry=_IDLE)
        )
        self._max_response = max_response

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        stream = response.stream
        if not isinstance(stream, httpx.SyncByteStream):
            raise TypeError("the inner transport gives a synchronous stream")
        response.stream = _BoundedStream(stream, request, self._max_response)
        return response

    def close(self) -> None:
        self._inner.close()


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, request: httpx.Request, left: int) -> None:
        self._inner = inner
        self._request = request
        self._left = left

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise ResponseError(f"{self._request.url}: the response is longer than this client reads")
            if time.monotonic() > self._request.extensions["deadline"]:
                raise httpx.ReadTimeout("the response comes too slowly", request=self._request)
            yield chunk

    def close(self) -> None:
        self._inner.close()


def _is_idempotent(request: httpx.Request) -> bool:
    return request.method in _IDEMPOTENT or "Idempotency-Key" in request.headers


def _is_untrusted(error: BaseException | None) -> bool:
    """Whether a certificate was refused: one that is refused now is refused again."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _media_type(response: httpx.Response) -> str:
    content_type: str = response.headers.get("Content-Type", "")
    return content_type.partition(";")[0].strip().lower()
