"""The clauses of an agreement as readers see them: numbered, in both languages, each from members of the terms.

Every member of the terms stands in a clause; a test changes each and looks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog.vocabulary import Language, label
from compute.terms import DraftTerms

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHINA = timedelta(hours=8)


@dataclass(frozen=True)
class Paragraph:
    """One clause: the heading's name in the vocabulary, and its lines."""

    heading: str
    lines: tuple[str, ...]


def paragraphs(terms: DraftTerms, language: Language) -> list[Paragraph]:
    """Give the clauses in their order."""
    return list(_paragraphs(terms, language))


def _paragraphs(terms: DraftTerms, language: Language) -> Iterator[Paragraph]:
    def say(sentence: str, **values: object) -> str:
        return label("agreement_sentence", sentence, language).format_map(values)

    def name(vocabulary: str, identifier: str) -> str:
        return f"{label(vocabulary, identifier, language)} ({identifier})"

    comma = "、" if language == "zh" else ", "
    providers = comma.join(grant.provider for grant in terms.grants)
    identity = [say("identity", contract=terms.contract, version=terms.version, policy=terms.policy_version)]
    if terms.renews is not None:
        identity.append(say("renews", renews=terms.renews))
    yield Paragraph("identity", tuple(identity))
    yield Paragraph("parties", (say("parties", consumer=terms.consumer, providers=providers),))
    grants = (
        say(
            "grant",
            provider=grant.provider,
            product=grant.product,
            version=grant.product_version,
            fields=comma.join(grant.fields),
        )
        for grant in terms.grants
    )
    yield Paragraph("data", tuple(grants))
    types = comma.join(name("subject_type", each) for each in terms.subject_types) or say("types_unnamed")
    yield Paragraph("subjects", (say("subjects", types=types), *_consents(terms, language)))
    yield Paragraph("purpose", (say("purpose", purpose=name("purpose", terms.purpose)),))
    yield Paragraph("basis", (say("basis", basis=name("legal_basis", terms.legal_basis)),))
    yield Paragraph(
        "operation",
        (say("operation", operation=name("operation", terms.operation), reviewer=terms.model_reviewer),),
    )
    yield Paragraph("count", (say("count", count=terms.max_uses),))
    begins, ends = (_shown(time, language) for time in (terms.not_before, terms.not_after))
    yield Paragraph("term", (say("term", begins=begins, ends=ends),))
    yield Paragraph("limits", (say("limits"), say("no_onward")))
    yield Paragraph("end", (say("end"), say("destruction"), say("amendment")))


def _consents(terms: DraftTerms, language: Language) -> Iterator[str]:
    if terms.legal_basis == "consent":
        yield label("agreement_sentence", "each_consents", language)
        if {"sole_trader", "person"}.intersection(terms.subject_types):
            yield label("agreement_sentence", "separate_consent", language)


def _shown(time: int, language: Language) -> str:
    """Give a time to the millisecond: in China's time in Chinese, in UTC in English."""
    try:
        moment = _EPOCH + timedelta(milliseconds=time)
        if language == "en":
            return f"{moment:%Y-%m-%d %H:%M:%S}.{time % 1000:03} UTC"
        return f"{moment + _CHINA:%Y年%m月%d日%H时%M分%S}.{time % 1000:03}秒(北京时间)"
    except OverflowError:  # no calendar reaches there
        return f"{time} ms"
