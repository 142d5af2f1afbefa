"""The one tree of errors of this package.

They are ValueErrors: the parser of descriptions catches those and adds the path of the key at fault.
"""


class CatalogError(ValueError):
    """Something breaks a rule of the catalog."""


class TextError(CatalogError):
    """A name, version or bilingual text cannot be shown or referred to."""


class FieldError(CatalogError):
    """A field's parts do not fit each other."""


class ProductError(CatalogError):
    """A product's parts do not fit each other."""


class DescriptionError(CatalogError):
    """A file does not hold the description of a product."""


class VocabularyError(CatalogError):
    """A vocabulary, identifier or language was asked for that does not exist."""


class SearchError(CatalogError):
    """A query, or what the index of products keeps, is not in the form that it has."""
