"""What grade follows from a product's fields and sources, with the reasons (GB/T 43697-2024).

Annex H divides general data into four levels by the harm to persons and organisations; clause 4 takes the higher
where several apply; annex I grades derived data again, beginning from its sources. The least level of sensitive
personal information is that of TC260-PG-20212A, the practice guide on grading that came before the standard.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.derivation import Derivation
from catalog.field import Field
from catalog.grade import Grade, highest

SENSITIVE_LEAST = Grade.GENERAL_4
"""Sensitive personal information: 敏感个人信息不低于4级."""


@dataclass(frozen=True)
class Reason:
    """A grade that something asks for: a field by its own grade, as sensitive, or a source."""

    grade: Grade
    rule: str
    """An identifier of the vocabulary `grading_rule`."""
    about: str
    """The field's name, or the source's provider, product and version."""


@dataclass(frozen=True)
class Suggestion:
    """The grade to give, and everything that asks for that grade."""

    grade: Grade
    reasons: tuple[Reason, ...]


def field_grade(field: Field) -> Grade:
    """Give the least grade of a field: its own, and general level 4 if it is sensitive."""
    return highest((field.grade, SENSITIVE_LEAST)) if field.sensitive else field.grade


def suggest(fields: Iterable[Field], derivation: Derivation | None = None) -> Suggestion:
    """Take the higher (就高从严): suggest the highest of what fields and sources ask for, and say which these are.

    For derived data the sources are where grading begins, not a bound (annex I): who gives another grade says why.
    Raises ValueError if there is no field: nothing has no grade.
    """
    reasons = []
    for field in fields:
        reasons.append(Reason(field.grade, "field", field.name))
        if field.sensitive:
            reasons.append(Reason(SENSITIVE_LEAST, "sensitive", field.name))
    sources = () if derivation is None else derivation.sources
    reasons.extend(
        Reason(each.grade, "source", f"{each.provider} {each.product} {each.version}") for each in sources
    )
    grade = highest(reason.grade for reason in reasons)
    return Suggestion(grade, tuple(reason for reason in reasons if reason.grade is grade))
