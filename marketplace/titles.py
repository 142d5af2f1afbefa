"""What organisations are called, where subjects read of them."""

from sqlalchemy import Connection

from marketplace.store import organisations


def titles(connection: Connection, name: str) -> tuple[str, str]:
    """Give an organisation's title in Chinese and English, as it applied with; its name where it never did."""
    found = organisations.load(connection, name)
    return (name, name) if found is None else (found.profile.title_zh, found.profile.title_en)
