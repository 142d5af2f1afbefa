"""What is offered: a version of a product is published once, by its provider, and never changes."""

import hashlib
from dataclasses import dataclass

from catalog.description import parse_product
from catalog.errors import CatalogError
from catalog.product import Product
from compute.records import PartyKind
from marketplace.errors import ForbiddenError, InvalidError
from marketplace.flow.actor import Actor
from marketplace.flow.states import PRODUCT, Move, ProductState, Role, advance


@dataclass(frozen=True)
class Listing:
    """A version of a product in the catalog, with the provider's own text of it."""

    product: Product
    description: str
    """TOML, as the provider wrote it."""
    state: ProductState

    @property
    def digest(self) -> str:
        """SHA-256 of the description, in hex."""
        return hashlib.sha256(self.description.encode()).hexdigest()

    @property
    def key(self) -> tuple[str, str, str]:
        """Provider, product and version: what a grant names. Two providers may use the same product's id."""
        return self.product.provider, self.product.id, self.product.version


def publish(description: bytes, actor: Actor) -> Listing:
    """Give the listing of a description (TOML); that the version is new the store decides.

    `catalog` holds what a description must be, core data among it, which is never listed. Raises `InvalidError`
    with the key at fault, `ForbiddenError` if the actor is not the provider that it names.
    """
    try:
        product = parse_product(description)
    except CatalogError as error:
        raise InvalidError(f"the description: {error}", "correct it and publish again") from error
    state = advance(PRODUCT, product.id, ProductState.DRAFT, Move.LIST, role_of(product.provider, actor))
    return Listing(product, description.decode(), state)


def role_of(provider: str, actor: Actor) -> Role | None:
    """Give the actor's role towards a provider's products; only a party of the kind provider publishes."""
    if actor.name != provider:
        return actor.office
    if actor.kind is not PartyKind.PROVIDER:
        raise ForbiddenError(f"{actor.name} is enrolled as {actor.kind}", "enrol the department as a provider")
    return Role.PROVIDER
