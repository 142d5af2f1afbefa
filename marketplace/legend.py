"""The legend 图例 of a contract: what its identifiers are called, from what the marketplace holds now.

The readable contract names parties, products and fields by identifier, for it has to follow from the signed terms
alone. A legend stands beside it, under a digest of nobody's.
"""

from sqlalchemy import Connection

from catalog.text import Text
from compute.market.legend import Legend, NamedField, NamedOrganisation, NamedProduct
from compute.market.product_search import Bilingual
from compute.terms import Grant, Terms
from marketplace.store import products
from marketplace.titles import titles_of

NOTE = Bilingual(
    zh="图例不属于合同正文,未经签署;名称和含义取自数据产品超市当前的登记信息。",
    en="The legend is not part of the contract, and nobody signed it: it has the titles held here now.",
)


def legend(connection: Connection, terms: Terms) -> Legend:
    """Give what each identifier in the terms is called; the identifier itself where nobody has said."""
    titles = titles_of(connection, (*terms.parties, terms.model_reviewer))
    return Legend(
        contract=terms.contract,
        contract_version=terms.version,
        note=NOTE,
        organisations=tuple(
            NamedOrganisation(name=name, title=Bilingual(zh=zh, en=en)) for name, (zh, en) in titles.items()
        ),
        products=tuple(_product(connection, grant) for grant in terms.grants),
    )


def _product(connection: Connection, grant: Grant) -> NamedProduct:
    listing = products.load(connection, grant.key)
    described = None if listing is None else listing.product
    meanings = {} if described is None else {field.name: field.meaning for field in described.fields}
    return NamedProduct(
        provider=grant.provider,
        product=grant.product,
        version=grant.product_version,
        title=_both(None if described is None else described.title, grant.product),
        fields=tuple(NamedField(name=name, meaning=_both(meanings.get(name), name)) for name in grant.fields),
    )


def _both(text: Text | None, identifier: str) -> Bilingual:
    return Bilingual(zh=identifier, en=identifier) if text is None else Bilingual(zh=text.zh, en=text.en)
