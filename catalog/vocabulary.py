"""The labels of closed vocabularies, from `config/vocabulary.toml`.

The identifiers are those of the enums in code; a vocabulary is the name of the enum in snake case.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from catalog.errors import VocabularyError
from catalog.text import Text

Language = Literal["zh", "en"]


def label(vocabulary: str, identifier: str, language: Language) -> str:
    """Give what a reader of the language sees for an identifier.

    Raises `VocabularyError` for a vocabulary or identifier that does not exist.
    """
    labels = identifiers(vocabulary)
    if identifier not in labels:
        raise VocabularyError(f"vocabulary {vocabulary} has no such identifier; it has {', '.join(labels)}")
    return labels[identifier].zh if language == "zh" else labels[identifier].en


def identifiers(vocabulary: str) -> dict[str, Text]:
    """Give the identifiers of a vocabulary in their order, each with its label.

    Raises `VocabularyError` for a vocabulary that does not exist.
    """
    vocabularies = _load()
    if vocabulary not in vocabularies:
        raise VocabularyError(f"no such vocabulary; there are {', '.join(vocabularies)}")
    return vocabularies[vocabulary]


@cache
def _load() -> dict[str, dict[str, Text]]:
    data = files("config").joinpath("vocabulary.toml").read_bytes()
    return msgspec.toml.decode(data, type=dict[str, dict[str, Text]])
