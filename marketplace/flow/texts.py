"""What subjects read, in Chinese and English, from `config/portal.toml`: pages, short messages, clauses."""

from functools import cache
from importlib.resources import files

import msgspec

from catalog.vocabulary import Language


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text with places for values, as `str.format` has them."""

    zh: str
    en: str

    def filled(self, language: Language, **values: object) -> str:
        """Give the text; raise KeyError if a value that it has a place for is missing."""
        return (self.zh if language == "zh" else self.en).format(**values)


def template(section: str, name: str) -> Template:
    """Give a text; raise KeyError for one that does not exist."""
    return _load()[section][name]


def text(section: str, name: str, language: Language, **values: object) -> str:
    """Give a text in one language with its values."""
    return template(section, name).filled(language, **values)


@cache
def _load() -> dict[str, dict[str, Template]]:
    data = files("config").joinpath("portal.toml").read_bytes()
    return msgspec.toml.decode(data, type=dict[str, dict[str, Template]])
