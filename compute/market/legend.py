"""What the identifiers in a contract's terms are called 图例: for readers, and no part of what they sign."""

from compute.canonical import Message, Name, Version
from compute.market.product_search import Bilingual


class NamedOrganisation(Message, frozen=True):
    """What a party, or the model's reviewer, is called; by its name where nobody said."""

    name: Name
    title: Bilingual


class NamedField(Message, frozen=True):
    """What a field means, as its provider describes it."""

    name: Name
    meaning: Bilingual


class NamedProduct(Message, frozen=True):
    """What a version of a product is called, with the fields that are granted of it."""

    provider: Name
    product: Name
    version: Version
    title: Bilingual
    fields: tuple[NamedField, ...]


class Legend(Message, frozen=True):
    """The title of each identifier in the terms, from what the marketplace holds now: nobody has signed it."""

    contract: Name
    contract_version: int
    note: Bilingual
    """That this is no part of the contract; whoever shows a legend shows it, too."""
    organisations: tuple[NamedOrganisation, ...]
    products: tuple[NamedProduct, ...]
