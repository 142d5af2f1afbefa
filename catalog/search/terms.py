"""From a text to the terms by which it is found, and from what somebody types to the terms that must be there.

Chinese has no spaces between words, so a run of Chinese, Japanese or Korean characters is indexed by its single
characters and its bigrams, which needs no dictionary and finds words of two characters, the commonest length
(Nie, Gao, Zhang, Zhou: "On the use of words and n-grams for Chinese information retrieval", IRAL 2000). Other
scripts are indexed by words and by every beginning of a word, so that the word being typed is one lookup too.
Traditional and simplified characters are different characters here: no table of them is without ambiguity.

    一个企业 → 一 个 企 业 一个 个企 企业     Credit → =credit ^c ^cr ^cre ^cred ^credi ^credit

A term holds letters and digits behind at most one mark, so nothing that is typed can be an operator of a query.
"""

import re
import unicodedata
from itertools import pairwise

from catalog.errors import SearchError

QUERY_CHARACTERS = 200
WORD_CHARACTERS = 32
"""A longer word is cut, in texts and queries alike."""

# Kana, bopomofo, Han with its extensions and compatibility ideographs, Hangul: The Unicode Standard, chapter 18.
_IDEOGRAPHIC = (
    "々〇\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_RUNS = re.compile(f"([{_IDEOGRAPHIC}]+)|([^\\W_{_IDEOGRAPHIC}]+)")


def normalise(text: str) -> str:
    """Give the text as it is compared: full-width as half-width, no case, nothing that cannot be seen.

    NFKC, case folding, NFKC, without default-ignorable format characters (category Cf), which direction marks and
    zero-width characters are: The Unicode Standard, section 3.13, D146.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(character for character in folded if unicodedata.category(character) != "Cf")


def index_terms(text: str) -> frozenset[str]:
    """Give the terms by which a text is found."""
    terms: set[str] = set()
    for run in _RUNS.finditer(normalise(text)):
        characters, word = run.groups()
        if characters is not None:
            terms.update(characters)
            terms.update(first + second for first, second in pairwise(characters))
        else:
            cut = word[:WORD_CHARACTERS]
            terms.add(f"={cut}")
            terms.update(f"^{cut[:end]}" for end in range(1, len(cut) + 1))
    return frozenset(terms)


def query_terms(query: str) -> tuple[str, ...]:
    """Give the terms that a text must have all of, each once, in the order typed; none for white space.

    What the query ends with, if it is a word, may be the beginning of a word. Raises `SearchError` for a query
    longer than `QUERY_CHARACTERS`, or with nothing in it that a text is found by.
    """
    if len(query) > QUERY_CHARACTERS:
        raise SearchError(f"{len(query)} characters are more than {QUERY_CHARACTERS}; ask for fewer words")
    normal = normalise(query)
    terms: dict[str, None] = {}
    for run in _RUNS.finditer(normal):
        characters, word = run.groups()
        if characters is None:
            mark = "^" if run.end() == len(normal) else "="
            terms[mark + word[:WORD_CHARACTERS]] = None
        elif len(characters) == 1:
            terms[characters] = None
        else:
            terms.update((first + second, None) for first, second in pairwise(characters))
    if not terms and normal.strip():
        raise SearchError("there is no letter, character or digit in it; ask for a word")
    return tuple(terms)
