"""What was signed under each version of a contract, as it was worded then: policy, two texts, terms."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from compute.agreement.odrl import policy
from compute.agreement.text import text
from compute.canonical import decode, encode
from compute.terms import Terms
from marketplace.store.flow_tables import contract_versions


@dataclass(frozen=True)
class Agreement:
    """The documents of one version of a contract."""

    terms: Terms
    policy: bytes
    zh: bytes
    en: bytes


def add(connection: Connection, terms: Terms) -> None:
    """Store the documents that follow from terms which are drafted."""
    row = {
        "contract": terms.contract,
        "version": terms.version,
        "terms": encode(terms),
        "policy": policy(terms),
        "zh": text(terms, "zh").encode(),
        "en": text(terms, "en").encode(),
    }
    connection.execute(insert(contract_versions), row)


def load(connection: Connection, contract: str, version: int) -> Agreement | None:
    """Give the documents of a version; None for one from before documents were made."""
    columns = contract_versions.c
    found = select(columns.terms, columns.policy, columns.zh, columns.en).where(
        columns.contract == contract, columns.version == version
    )
    row = connection.execute(found).one_or_none()
    return None if row is None else Agreement(decode(row.terms, Terms), row.policy, row.zh, row.en)


def versions(connection: Connection, contract: str) -> list[Terms]:
    """Give the terms of every version that was in force or drafted, the first one first."""
    columns = contract_versions.c
    found = select(columns.terms).where(columns.contract == contract).order_by(columns.version)
    return [decode(terms, Terms) for terms in connection.scalars(found)]
