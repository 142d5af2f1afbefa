"""Names that others refer to, and texts that people read in both languages."""

import re
import unicodedata
from typing import ClassVar

import msgspec

from catalog.errors import TextError

TEXT_CHARACTERS = 300
SUMMARY_CHARACTERS = 2000
VERSION_CHARACTERS = 64

_NAME = re.compile("[a-z][a-z0-9_-]{0,63}")
# Semantic Versioning 2.0.0, without the groups: https://semver.org
_NUMBER = "(?:0|[1-9][0-9]*)"
_PRERELEASE = f"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRERELEASE}(?:\.{_PRERELEASE})*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
# They reorder what a reader sees: Unicode Standard Annex 9, explicit formatting characters.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_name(name: str, role: str) -> None:
    """Return if the name can stand in a path, a table and a query alike; `role` is what it names.

    Raises `TextError`.
    """
    if _NAME.fullmatch(name) is None:
        raise TextError(f"{role} must match {_NAME.pattern}; rename it")


def check_version(version: str) -> None:
    """Return if the version is semantic; raise `TextError` if not."""
    if len(version) > VERSION_CHARACTERS or _VERSION.fullmatch(version) is None:
        raise TextError(
            f"a version must follow semver.org in at most {VERSION_CHARACTERS} characters, like 1.0.0; rewrite it"
        )


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One text in Chinese and English, each of 1 to `TEXT_CHARACTERS` characters on one line."""

    characters: ClassVar[int] = TEXT_CHARACTERS
    breaks: ClassVar[frozenset[str]] = frozenset()

    zh: str
    en: str

    def __post_init__(self) -> None:
        """Raise `TextError` for a text that is empty, too long, or not what it looks like."""
        for language, text in (("zh", self.zh), ("en", self.en)):
            if not text or text != text.strip():
                raise TextError(f"the text {language} is empty or has white space at an end; write it without")
            if len(text) > self.characters:
                raise TextError(f"the text {language} is longer than {self.characters} characters; shorten it")
            if any(_unseen(character) for character in text if character not in self.breaks):
                raise TextError(f"the text {language} holds a control or direction character; remove it")


class Summary(Text, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A text in both languages that may have paragraphs: 1 to `SUMMARY_CHARACTERS` characters each."""

    characters: ClassVar[int] = SUMMARY_CHARACTERS
    breaks: ClassVar[frozenset[str]] = frozenset("\n")


def _unseen(character: str) -> bool:
    return character in _DIRECTION or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
