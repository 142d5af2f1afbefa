"""What a subject is shown before it decides: every clause in both languages, and the digest that a receipt names.

PIPL (个人信息保护法), article 17: who processes, for what, how, which kinds, how long, which rights there are; 23:
name and contact of a recipient, its purpose, method and kinds, and a separate consent; 24: explanation of a
decision, and its review by a human being.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from catalog.product import Product
from catalog.text import Text
from catalog.vocabulary import identifiers
from compute.records import SubjectType
from compute.terms import Grant, Terms
from marketplace.flow.consent_request import ConsentRequest
from marketplace.flow.texts import template

_CHINA = timezone(timedelta(hours=8))  # without summer time since 1992


class Clause(msgspec.Struct, frozen=True):
    """One question of the subject's, and what is answered: a line or several, each in both languages."""

    name: str
    question: tuple[str, str]
    """In Chinese and English, as all others here."""
    answers: tuple[tuple[str, str], ...]


Clauses = tuple[Clause, ...]


def clauses(
    request: ConsentRequest, terms: Terms, products: Mapping[str, Product], titles: Mapping[str, tuple[str, str]]
) -> Clauses:
    """Give the clauses of a request; `products` by provider, `titles` of the organisations by name."""
    purpose = _label(identifiers("purpose")[terms.purpose])
    end = datetime.fromtimestamp(request.expires / 1000, UTC).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M")
    made = [
        _clause("who", [titles[terms.consumer]]),
        _clause("contact", [(request.contact, request.contact)]),
        *what(terms, products, titles),
        _clause("why", [purpose]),
        _clause("how", [_said("clause_how")]),
        _clause("until", [_said("clause_until", end=end)]),
        _clause("times", [_said("clause_times", uses=f"{terms.max_uses:,}")]),
        _clause("rights", [_said("clause_withdraw"), _said("clause_refuse"), _said("clause_dispute")]),
    ]
    if request.subject_type is not SubjectType.ENTERPRISE:
        made.append(_clause("separate", [_said("clause_separate"), _said("clause_decision")]))
    return tuple(made)


def what(terms: Terms, products: Mapping[str, Product], titles: Mapping[str, tuple[str, str]]) -> Clauses:
    """Give a clause for each department: which data of it; `products` by provider, `titles` by name."""
    return tuple(_of_department(grant, products[grant.provider], titles[grant.provider]) for grant in terms.grants)


def encoded(found: Clauses) -> bytes:
    """Give the clauses as bytes, of which receipts name the digest."""
    return msgspec.json.encode(found)


def decoded(data: bytes) -> Clauses:
    """Give the clauses again."""
    return msgspec.json.decode(data, type=Clauses)


def digest(found: Clauses) -> bytes:
    """Give SHA-256 of the encoded clauses."""
    return hashlib.sha256(encoded(found)).digest()


def _of_department(grant: Grant, product: Product, department: tuple[str, str]) -> Clause:
    asked = template("consent", "question_what")
    question = (
        asked.filled("zh", department=department[0], product=product.title.zh),
        asked.filled("en", department=department[1], product=product.title.en),
    )
    meanings = {field.name: field.meaning for field in product.fields}
    return Clause("what", question, tuple(_label(meanings[name]) for name in grant.fields))


def _clause(name: str, answers: list[tuple[str, str]]) -> Clause:
    return Clause(name, _said(f"question_{name}"), tuple(answers))


def _said(name: str, **values: object) -> tuple[str, str]:
    found = template("consent", name)
    return found.filled("zh", **values), found.filled("en", **values)


def _label(found: Text) -> tuple[str, str]:
    return found.zh, found.en
