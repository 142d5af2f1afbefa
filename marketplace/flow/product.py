"""A version of a product: described by its provider, reviewed by the operator, offered, never changed again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.description import parse_product
from catalog.errors import CatalogError
from catalog.gate import Gap, missing
from catalog.grade import Grade
from catalog.product import Product
from compute.records import PartyKind
from marketplace.errors import ForbiddenError, InvalidError, StaleError
from marketplace.errors import missing as not_there
from marketplace.flow.actor import Actor
from marketplace.flow.resource import Resource
from marketplace.flow.states import PRODUCT, Move, ProductState, Role, advance

Key = tuple[str, str, str]
"""Provider, product and version: what a grant names. Two providers may use the same product's id."""

PUBLIC = frozenset({ProductState.LISTED, ProductState.SUSPENDED, ProductState.DELISTED})
"""The states in which anybody may read a version: it was offered once, and contracts may be about it."""
WRITABLE = frozenset({ProductState.DRAFT, ProductState.RETURNED})


@dataclass(frozen=True)
class Listing:
    """A version of a product, with the provider's own text of it."""

    product: Product
    description: str
    """TOML, as the provider wrote it."""
    state: ProductState

    @property
    def digest(self) -> str:
        """SHA-256 of the description, in hex."""
        return hashlib.sha256(self.description.encode()).hexdigest()

    @property
    def key(self) -> Key:
        """Provider, product and version."""
        return self.product.provider, self.product.id, self.product.version

    @property
    def name(self) -> str:
        """Product and version, as its provider reads them."""
        return f"{self.product.id} {self.product.version}"


@dataclass(frozen=True)
class Facts:
    """What only the marketplace knows of what a description refers to."""

    resources: Mapping[str, Resource]
    """Those of the provider's that the lineage names, by number."""
    sources: Mapping[Key, Grade]
    """The grades in the catalog of what it was derived from, as far as that was ever listed."""
    is_assessed: bool
    now: int
    """UTC, milliseconds since 1970-01-01."""
    suspended: frozenset[Key] = frozenset()
    """Which of the sources are suspended."""


def draft(description: bytes, actor: Actor) -> Listing:
    """Give the draft of a description (TOML); that the version is new the store decides.

    `catalog` holds what a description must be, core data among it, which is never listed. Raises `InvalidError`
    with the key at fault, `ForbiddenError` if the actor is not the provider that it names.
    """
    product = parse(description)
    if role_of(product.provider, actor) is not Role.PROVIDER:
        raise ForbiddenError(f"the description names {product.provider} as provider", "describe your own products")
    return Listing(product, description.decode(), ProductState.DRAFT)


def parse(description: bytes) -> Product:
    """Give the product that a description (TOML) is of; raise `InvalidError` with the key at fault."""
    try:
        return parse_product(description)
    except CatalogError as error:
        raise InvalidError(f"the description: {error}", "correct it and send it again") from error


def edit(old: Listing, description: bytes, actor: Actor, revision: str) -> Listing:
    """Give the draft with another description; `revision` is the digest of the one that the actor has read.

    Raises `WrongStateError` once it is submitted, `StaleError` if somebody has changed it meanwhile,
    `InvalidError` for a description of another version.
    """
    new = draft(description, actor)
    check_writable(old, actor)
    if old.digest != revision:
        raise StaleError(
            f"{old.product.id} {old.product.version} was changed meanwhile", "read it again, then edit"
        )
    if new.key != old.key:
        raise InvalidError(
            f"the description is of {' '.join(new.key)}, not {' '.join(old.key)}",
            "describe another version as a draft of its own",
        )
    return replace(new, state=old.state)


def check_writable(listing: Listing, actor: Actor) -> None:
    """Return if the version can still be written; raise `WrongStateError` once it is submitted."""
    if listing.state not in WRITABLE:
        advance(PRODUCT, listing.product.id, listing.state, Move.SUBMIT, role_of(listing.product.provider, actor))


def submit(old: Listing, facts: Facts, actor: Actor) -> Listing:
    """Give the version as it goes to review; raise `InvalidError` naming every gap if it cannot be listed."""
    new = move(old, Move.SUBMIT, actor)
    require_none(gaps(old.product, facts), old)
    return new


def move(old: Listing, move: Move, actor: Actor) -> Listing:
    """Give the version after a move of the table; raises as `advance` does."""
    role = role_of(old.product.provider, actor)
    return replace(old, state=advance(PRODUCT, old.product.id, old.state, move, role))


def reinstate(old: Listing, actor: Actor, facts: Facts, *, was_delisted: bool) -> Listing:
    """Give the version as it goes on: offered, or no longer offered if its provider had ended the offer before.

    Raises as `advance` does, and `InvalidError` while something that it comes from is stopped.
    """
    new = move(old, Move.REINSTATE, actor)
    if was_delisted:  # its contracts go on, and the operator does not offer what its provider has withdrawn
        new = replace(new, state=ProductState.DELISTED)
    require_none([*lineage_gaps(new.product, facts), *stopped_gaps(new.product, facts)], new)
    return new


def stopped(old: Listing) -> Listing:
    """Give the version as the marketplace itself suspends it; raises as `advance` does."""
    return replace(old, state=advance(PRODUCT, old.product.id, old.state, Move.SUSPEND, Role.MARKET))


def gaps(product: Product, facts: Facts) -> list[Gap]:
    """Give all that stands between a description and its listing: those of `catalog.gate`, and what it refers to.

    1. Each resource of the lineage is one of the provider's own, and valid now.
    2. Each source was listed, with the grade that the description says, and is not suspended.
    3. Before important data comes a risk assessment.
    """
    return [
        *missing(product),
        *lineage_gaps(product, facts),
        *_source_gaps(product, facts),
        *stopped_gaps(product, facts),
    ]


def lineage_gaps(product: Product, facts: Facts) -> list[Gap]:
    """Give the resources that the product cannot come from: unknown, or not valid now."""
    found = []
    for code in product.lineage:  # 1
        if (resource := facts.resources.get(code)) is None:
            found.append(Gap(f"lineage.{code}", "lineage_unknown"))
        elif not resource.is_valid(facts.now):
            found.append(Gap(f"lineage.{code}", "lineage_invalid"))
    return found


def stopped_gaps(product: Product, facts: Facts) -> list[Gap]:
    """Give the sources that are suspended: what is derived from them rests as long."""
    sources = () if product.derivation is None else product.derivation.sources
    return [
        Gap(f"derivation.sources.{source.product}", "source_stopped")
        for source in sources
        if (source.provider, source.product, source.version) in facts.suspended
    ]


def _source_gaps(product: Product, facts: Facts) -> list[Gap]:
    found = []
    for source in () if product.derivation is None else product.derivation.sources:  # 2
        listed = facts.sources.get((source.provider, source.product, source.version))
        if listed is not source.grade:
            rule = "source_unknown" if listed is None else "source_grade"
            found.append(Gap(f"derivation.sources.{source.product}", rule))
    if product.needs_assessment and not facts.is_assessed:  # 3
        found.append(Gap("assessment", "assessment"))
    return found


def require_none(gaps: Sequence[Gap], listing: Listing) -> None:
    """Return if there is no gap; raise `InvalidError` naming the field of each, and why it matters."""
    if gaps:
        fields: dict[str, str] = {}
        for gap in gaps:
            told = f"{gap.why.zh} / {gap.why.en}"
            fields[gap.field] = f"{fields[gap.field]} {told}" if gap.field in fields else told
        raise InvalidError(
            f"{listing.name} cannot be listed: {', '.join(fields)}",
            "fill in what is named, then submit it again",
            fields=fields,
        )


def known(found: Listing | None, key: Key) -> Listing:
    """Give the version, which is there; raise `NotFoundError` if it is not."""
    if found is None:
        raise not_there("product", " ".join(key))
    return found


def role_of(provider: str, actor: Actor) -> Role | None:
    """Give the actor's role towards a provider's products; only a party of the kind provider publishes."""
    if actor.name != provider:
        return actor.office
    if actor.kind is not PartyKind.PROVIDER:
        raise ForbiddenError(f"{actor.name} is enrolled as {actor.kind}", "enrol the department as a provider")
    return Role.PROVIDER


def require_visible(listing: Listing, actor: Actor) -> None:
    """Return if the actor may know of the version; what was never listed only its provider and the offices do."""
    if listing.state not in PUBLIC and actor.name != listing.product.provider and actor.office is None:
        raise not_there("product", " ".join(listing.key))
