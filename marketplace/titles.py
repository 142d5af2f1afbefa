"""What organisations are called, for readers who cannot be asked to know names."""

from collections.abc import Iterable

from sqlalchemy import Connection

from marketplace.store import organisations


def titles(connection: Connection, name: str) -> tuple[str, str]:
    """Give an organisation's title in Chinese and English, as it applied with; its name where it never did."""
    return titles_of(connection, (name,))[name]


def titles_of(connection: Connection, names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Give those of several, each once, in the order of the names."""
    wanted = tuple(dict.fromkeys(names))
    found = organisations.profiles(connection, wanted)
    return {
        name: (found[name].title_zh, found[name].title_en) if name in found else (name, name) for name in wanted
    }
