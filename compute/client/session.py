"""A connection to the marketplace for who does not sign: a person who is logged in, a program with a key, anybody.

Its answers are not signed: TLS says who answers, by an authority that the caller names.
"""

import ssl
from collections.abc import Generator
from pathlib import Path

import httpx

from compute.web.client import DEADLINE, OpenClient, Timeout


class _Bearer(httpx.Auth):
    """Sends a bearer token (RFC 6750)."""

    def __init__(self, token: str) -> None:
        self._written = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token to the request."""
        request.headers["Authorization"] = self._written
        yield request


class BearerClient(OpenClient):
    """A client of the marketplace under a token: of a session, a machine's key, or an application; or none."""

    def __init__(
        self,
        base_url: str,
        peer: str,
        token: str | None,
        *,
        verify: Path | ssl.SSLContext,
        timeout: Timeout = DEADLINE,
    ) -> None:
        auth = None if token is None else _Bearer(token)
        super().__init__(base_url, peer, verify=verify, timeout=timeout, auth=auth)
