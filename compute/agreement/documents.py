"""An agreement's three documents and their one digest, which stands in the terms and so in every signature.

All follow from the terms without that digest, so whoever holds terms can make them again and compare: a text that
says something else than the terms cannot be signed unseen.
"""

import hashlib
from functools import lru_cache

import msgspec

from compute.agreement.odrl import policy
from compute.agreement.text import text
from compute.canonical import Hex32, Message
from compute.signing import digest
from compute.terms import DraftTerms, Terms

_KEPT = 256


class Documents(Message, frozen=True):
    """SHA-256 of each document."""

    policy: Hex32
    """ODRL, canonical JSON."""
    zh: Hex32
    """The text in Chinese, UTF-8."""
    en: Hex32


@lru_cache(_KEPT)
def documents(terms: DraftTerms) -> Documents:
    """Give the digests of what follows from the terms; a digest that stands in them changes nothing."""
    return _documents(policy(terms), text(terms, "zh").encode(), text(terms, "en").encode())


def agreement_digest(terms: DraftTerms) -> str:
    """Give the one digest of the three documents, in hex: SHA-256 of canonical `Documents`."""
    return digest(documents(terms)).hex()


def digest_of(policy: bytes, zh: bytes, en: bytes) -> str:
    """Give the same of documents as somebody hands them out, whatever they say."""
    return digest(_documents(policy, zh, en)).hex()


def bind(terms: DraftTerms) -> Terms:
    """Give the terms with the digest of their agreement; raise ValueError for terms that break a rule of form."""
    members = {name: getattr(terms, name) for name in terms.__struct_fields__}
    return Terms(**members | {"agreement": agreement_digest(terms)})


def is_bound(terms: DraftTerms) -> bool:
    """Whether the digest in the terms is that of their agreement; terms of version 1 have none."""
    return terms.policy_version == 1 or terms.agreement == agreement_digest(terms)


def amended(terms: DraftTerms, **changes: object) -> Terms:
    """Give changed terms with the digest of their changed agreement; raises as `bind` does."""
    members = {name: getattr(terms, name) for name in terms.__struct_fields__}
    draft: DraftTerms = msgspec.convert(members | changes, DraftTerms, from_attributes=True)
    return bind(draft)


def _documents(*texts: bytes) -> Documents:
    return Documents(**dict(zip(("policy", "zh", "en"), map(_sha256, texts), strict=True)))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
