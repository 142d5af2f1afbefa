"""Names that others refer to, and texts that people read in both languages."""

import re
import unicodedata

import msgspec

from catalog.errors import TextError

TEXT_CHARACTERS = 300

_NAME = re.compile("[a-z][a-z0-9_-]{0,63}")
# They reorder what a reader sees: Unicode Standard Annex 9, explicit formatting characters.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_name(name: str, role: str) -> None:
    """Return if the name can stand in a path, a table and a query alike; `role` is what it names.

    Raises `TextError`.
    """
    if _NAME.fullmatch(name) is None:
        raise TextError(f"{role} must match {_NAME.pattern}; rename it")


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One text in Chinese and English, each of 1 to `TEXT_CHARACTERS` characters on one line."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        """Raise `TextError` for a text that is empty, too long, or not what it looks like."""
        for language, text in (("zh", self.zh), ("en", self.en)):
            if not text or text != text.strip():
                raise TextError(f"the text {language} is empty or has white space at an end; write it without")
            if len(text) > TEXT_CHARACTERS:
                raise TextError(f"the text {language} is longer than {TEXT_CHARACTERS} characters; shorten it")
            if any(map(_unseen, text)):
                raise TextError(f"the text {language} holds a control or direction character; remove it")


def _unseen(character: str) -> bool:
    return character in _DIRECTION or unicodedata.category(character) in {"Cc", "Zl", "Zp"}
