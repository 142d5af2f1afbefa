"""All that a marketplace has of adapters, opened as its configuration says."""

from dataclasses import dataclass
from typing import Self

from marketplace.identity.assertion import ClaimNames, Issuer, read_keys
from marketplace.identity.gateway import Gateway
from marketplace.identity.oidc import OpenIdProvider
from marketplace.identity.outbox import Outbox
from marketplace.identity.ports import Contacts, Messages
from marketplace.identity.registry import RegistryFile
from marketplace.identity.settings import IdentitySettings, OpenIdSettings


@dataclass(frozen=True)
class IdentityDesk:
    """Who knows subjects, what carries messages, and who else identifies."""

    contacts: Contacts
    messages: Messages
    e_licence: Issuer | None = None
    oidc: OpenIdProvider | None = None

    @classmethod
    def of(cls, settings: IdentitySettings) -> Self:
        """Open the adapters.

        Raises `compute.settings.SettingsError` and `compute.web.secret.SecretFileError` for files that are not so.
        """
        messages: Messages
        if settings.gateway is not None:
            messages = Gateway(settings.gateway.url, settings.gateway.token)
        else:
            messages = Outbox(settings.outbox or settings.registry.parent)
        licence = settings.e_licence
        return cls(
            contacts=RegistryFile(settings.registry),
            messages=messages,
            e_licence=None
            if licence is None
            else Issuer(licence.issuer, licence.audience, licence.algorithm, read_keys(licence.keys)),
            oidc=None if settings.oidc is None else _provider(settings.oidc),
        )


def _provider(settings: OpenIdSettings) -> OpenIdProvider:
    names = ClaimNames(settings.subject_claim, settings.type_claim, settings.capacity_claim)
    issuer = Issuer(settings.issuer, settings.client, settings.algorithm, read_keys(settings.keys), names)
    return OpenIdProvider(issuer, settings.authorization, settings.token, settings.client_secret)
