"""An OpenID provider (OpenID Connect Core 1.0, section 3.1): authorization code with PKCE and nonce.

browser → provider      authorization request: state, nonce, S256 of a verifier
provider → browser      back here with a code, and the state
marketplace → provider  the code with the verifier, by the client's own secret → an id token
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx

from compute.records import IdentityMethod
from compute.web import secret
from marketplace.flow.subject import Identity
from marketplace.identity.assertion import Issuer
from marketplace.identity.ports import IdentityError

TIMEOUT = 5.0
"""Seconds."""
MAX_ANSWER = 65_536
"""Bytes."""
_BITS = 32  # bytes of each random value


@dataclass(frozen=True)
class Asking:
    """One request to the provider: what it gives back, and what only the marketplace knows of it."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Asking":
        """Draw one."""
        return cls(*(secrets.token_urlsafe(_BITS) for _ in range(3)))

    @property
    def challenge(self) -> str:
        """S256 of the verifier: RFC 7636, section 4.2."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class OpenIdProvider:
    """The provider whose `issuer` signs id tokens for this client.

    Raises `compute.web.secret.SecretFileError` for a client secret that is not there.
    """

    def __init__(
        self,
        issuer: Issuer,
        authorization: str,
        token: str,
        client_secret: Path,
        client: httpx.Client | None = None,
    ) -> None:
        self._issuer, self._authorization, self._token = issuer, authorization, token
        self._secret = secret.load(client_secret, delivered=True).decode().strip()
        self._client = client or httpx.Client(timeout=TIMEOUT, follow_redirects=False)

    def address(self, asking: Asking, redirect: str) -> str:
        """Give where the browser is sent."""
        query = {
            "response_type": "code",
            "client_id": self._issuer.audience,
            "redirect_uri": redirect,
            "scope": "openid",
            "state": asking.state,
            "nonce": asking.nonce,
            "code_challenge": asking.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._authorization}?{urlencode(query)}"

    def identify(self, code: str, asking: Asking, redirect: str, now: int) -> Identity:
        """Give who the provider says it is, for a code; raise `IdentityError`."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "client_id": self._issuer.audience,
            "code_verifier": asking.verifier,
        }
        try:
            response = self._client.post(self._token, data=form, auth=(self._issuer.audience, self._secret))
            if not response.is_success or len(response.content) > MAX_ANSWER:
                raise IdentityError(f"the identity provider answered {response.status_code}")
            token = response.json()["id_token"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise IdentityError(f"the identity provider gave no token: {type(error).__name__}") from error
        return self._issuer.identify(str(token), asking.nonce, IdentityMethod.OIDC, now)
