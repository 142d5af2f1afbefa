"""The readable contract in Chinese and in English, in Markdown: a heading and numbered lines for each clause.

What stands in it are names, words of closed vocabularies, numbers and dates; none of it can be markup.
"""

from catalog.vocabulary import Language, label
from compute.agreement.clauses import paragraphs
from compute.terms import DraftTerms


def text(terms: DraftTerms, language: Language) -> str:
    """Give the agreement as a person reads it: Markdown (CommonMark), UTF-8."""
    title = label("agreement_heading", "title", language)
    parts = [f"# {title}\n"]
    for number, paragraph in enumerate(paragraphs(terms, language), 1):
        heading = label("agreement_heading", paragraph.heading, language)
        lines = "".join(f"{number}.{place} {line}\n\n" for place, line in enumerate(paragraph.lines, 1))
        parts.append(f"\n## {number} {heading}\n\n{lines.rstrip()}\n")
    return "".join(parts)
