"""Webhooks: one signed POST to an organisation's own address, which is not believed to be what it says.

    marketplace ── POST, JSON, signed by the marketplace's key (RFC 9421, as its answers to nodes) ──▶ receiver
                ◀── any 2xx: it has it; anything else: again later ──

1. The host's name is looked up here, once, and every address that it stands for has to be public (`flow.webhook`).
2. The call goes to just the address that was checked, so that no second lookup gives another one (DNS rebinding);
   the certificate is still checked for the name.
3. No redirect is followed, no proxy of the environment is used, and nothing of the answer is read but its status.
4. It is given up after `TIMEOUT`, and the body is at most `MAX_BODY` bytes.
5. All of it ends within `LIMIT`, however slowly a receiver drips: it would hold up the notices of all others.

The receiver verifies the signature by the marketplace's public key, and drops what it has had: `id` in the body.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock, Timer
from typing import Any, Self

import httpx
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.web import messages
from marketplace.errors import InvalidError
from marketplace.flow.notice import Notice
from marketplace.flow.webhook import Address, check_url, is_public
from marketplace.mail import DeliveryError

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
"""Seconds for each read and write, and to be reached."""
LIMIT = 10.0
"""Seconds for the whole call."""
MAX_BODY = 64 * 1024
"""Bytes."""
_GONE = 410

Resolve = Callable[[str, int], list[Address]]


def resolve(host: str, port: int) -> list[Address]:
    """Give the addresses of a host; raise OSError if it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def body(delivery: str, notice: Notice) -> bytes:
    """Give what is sent: canonical JSON, the same at every attempt."""
    return rfc8785.dumps(
        {
            "type": "notice",
            "id": delivery,
            "organisation": notice.organisation,
            "topic": notice.topic.value,
            "about": notice.about,
            "at": notice.at,
            "data": notice.shown,
        }
    )


class _Watch:
    """Shuts the connections of a call that lasts too long, so that whoever reads from them stops."""

    def __init__(self, limit: float) -> None:
        self._sockets: list[socket.socket] = []
        self._timer, self._lock, self._is_over = Timer(limit, self._shut), Lock(), False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of a new connection; httpcore tells of it by its extension `trace`."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            with self._lock:
                self._sockets = [info["return_value"].get_extra_info("socket")]
            if self._is_over:
                self._shut()

    def _shut(self) -> None:
        with self._lock:
            self._is_over, held = True, self._sockets
        for each in held:
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(each, socket.SHUT_RDWR)  # the connection's, below its encryption


class Caller:
    """Calls webhooks in the marketplace's name. With `allow_private` also addresses in its own network.

    `authority` has the certificate authorities of receivers, PEM; without it those of this machine.
    """

    def __init__(
        self,
        market: str,
        key: Ed25519PrivateKey,
        *,
        allow_private: bool,
        authority: Path | None = None,
        resolve: Resolve = resolve,
        limit: float = LIMIT,
    ) -> None:
        self._limit = limit
        self._market, self._key, self._allow_private, self._resolve = market, key, allow_private, resolve
        verify = ssl.create_default_context(cafile=None if authority is None else str(authority))
        self._client = httpx.Client(
            timeout=TIMEOUT,
            verify=verify,
            follow_redirects=False,  # 3
            trust_env=False,  # 3
            limits=httpx.Limits(max_keepalive_connections=0),  # 2: each name's certificate is looked at
        )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def call(self, url: str, content: bytes) -> None:
        """Deliver the content; raise `DeliveryError` unless the receiver says that it has it."""
        if len(content) > MAX_BODY:  # 4
            raise DeliveryError(f"the notice has {len(content)} bytes", is_final=True)
        try:
            check_url(url, allow_private=self._allow_private)
        except InvalidError as error:
            raise DeliveryError(error.problem, is_final=True) from error
        signed = messages.Request("POST", url, {"Content-Type": "application/json"})
        messages.sign(signed, self._market, self._key, content, time.time())
        target = httpx.URL(url)
        address = self._address(target.host, target.port or 443)
        headers = {**signed.headers, "Host": target.netloc.decode("ascii")}
        with _Watch(self._limit) as watch:  # 5
            request = self._client.build_request(
                "POST",
                target.copy_with(host=str(address)),  # 2
                content=content,
                headers=headers,
                extensions={"sni_hostname": target.host, "trace": watch.note},  # 2: the certificate's name, too
            )
            try:
                answer = self._client.send(request, stream=True)
                answer.close()  # 3
            except httpx.HTTPError as error:
                raise DeliveryError(f"no answer: {type(error).__name__}") from error
        if not answer.is_success:
            raise DeliveryError(f"the answer was {answer.status_code}", is_final=answer.status_code == _GONE)

    def _address(self, host: str, port: int) -> Address:
        try:
            found = self._resolve(host, port)
        except OSError as error:
            raise DeliveryError("its name is not known") from error
        if not found:
            raise DeliveryError("its name is not known")
        if not self._allow_private and not all(map(is_public, found)):  # 1
            raise DeliveryError("its name stands for an address that is not public")
        return found[0]
