"""What a notice says to its reader: a title from the vocabulary, a sentence from `config/notices.toml`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from string import Formatter

import msgspec

from catalog.text import Text
from catalog.vocabulary import Language, identifiers, label
from marketplace.flow.notice import Notice, Topic
from marketplace.flow.working_days import SHANGHAI

_TIMES = frozenset({"due", "since", "until"})
_LABELLED = frozenset({"move", "reason"})
"""What is told by its label, of the vocabulary of the same name."""
_PLAIN: Mapping[Language, str] = {"zh": "{title}:{about}", "en": "{title}: {about}"}


def title(topic: Topic, language: Language) -> str:
    """Give what the notice is about in a word or two."""
    return label("topic", topic.value, language)


def sentence(notice: Notice, language: Language) -> str:
    """Give what the notice says; of a topic without a text of its own the title and the name."""
    text = templates().get(notice.topic)
    pattern = _PLAIN[language] if text is None else (text.zh if language == "zh" else text.en)
    shown = {name: _shown(name, value, language) for name, value in notice.data.items()}
    known = {"title": title(notice.topic, language), **shown, "about": notice.about}
    # A name that this notice does not carry is left out: a text that is not quite whole is better than none.
    names = {name for _, name, _, _ in Formatter().parse(pattern) if name}
    return pattern.format_map({**dict.fromkeys(names, "–"), **known})


@cache
def templates() -> dict[Topic, Text]:
    """Give the texts by topic."""
    data = files("config").joinpath("notices.toml").read_bytes()
    return msgspec.toml.decode(data, type=dict[Topic, Text])


def _shown(name: str, value: str | int, language: Language) -> str:
    if name in _LABELLED and value in identifiers(name):
        return label(name, str(value), language)
    if name in _TIMES and isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    return str(value)
