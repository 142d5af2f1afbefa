"""How subjects are identified and told: the table `[identity]` of a marketplace's configuration."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from compute.settings import Section

Https = Annotated[str, Meta(pattern=r"\Ahttps://[^\s?#@]{1,300}\Z", description="an https:// address")]
Algorithm = Literal["EdDSA", "Ed25519", "ES256", "RS256", "PS256"]


class GatewaySettings(Section, frozen=True):
    """A gateway of short messages."""

    url: Https
    token: Path
    """A file with its bearer token, mode 0600."""


class AssertionSettings(Section, frozen=True):
    """Who signs assertions about electronic business licences."""

    issuer: str
    audience: str
    algorithm: Algorithm
    keys: Path
    """Its public keys: a JWK set."""


class OpenIdSettings(Section, frozen=True):
    """An OpenID provider."""

    issuer: Https
    client: str
    client_secret: Path
    """A file, mode 0600."""
    authorization: Https
    token: Https
    algorithm: Algorithm
    keys: Path
    """Its public keys: a JWK set."""
    subject_claim: str = "uscc"
    """The claim that has the subject's code."""
    type_claim: str = "subject_type"
    capacity_claim: str = "capacity"


class IdentitySettings(Section, frozen=True):
    """Where subjects and their telephone numbers are known, what carries messages, and who else identifies."""

    registry: Path
    """CSV: `marketplace.identity.registry`."""
    outbox: Path | None = None
    """A folder for messages, in place of a gateway."""
    gateway: GatewaySettings | None = None
    e_licence: AssertionSettings | None = None
    oidc: OpenIdSettings | None = None

    def __post_init__(self) -> None:
        """Raise ValueError unless there is one way for messages."""
        if (self.outbox is None) == (self.gateway is None):
            raise ValueError("name either outbox, a folder, or gateway")
