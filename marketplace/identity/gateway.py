"""A gateway of short messages over HTTPS: `POST {"to": …, "text": …}` with a bearer token, 2xx for taken."""

from pathlib import Path

import httpx

from compute.web import secret
from marketplace.identity.ports import MessageError

TIMEOUT = 5.0
"""Seconds."""


class Gateway:
    """The gateway at `url`, an https:// address; the token lies in a file of mode 0600.

    Raises `compute.web.secret.SecretFileError` for a token that is not there.
    """

    def __init__(self, url: str, token: Path, client: httpx.Client | None = None) -> None:
        self._url, self._client = url, client or httpx.Client(timeout=TIMEOUT, follow_redirects=False)
        self._headers = {"Authorization": f"Bearer {secret.load(token, delivered=True).decode().strip()}"}

    def send(self, telephone: str, text: str) -> None:
        """Hand the message on; raise `MessageError` unless the gateway took it."""
        try:
            response = self._client.post(self._url, json={"to": telephone, "text": text}, headers=self._headers)
        except httpx.HTTPError as error:
            raise MessageError(f"the gateway did not answer: {type(error).__name__}") from error
        if not response.is_success:
            raise MessageError(f"the gateway answered {response.status_code}")
