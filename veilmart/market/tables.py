"""How tables are made for a terminal: nothing is cut off, and what others wrote is shown as what it is."""

from rich.table import Table
from rich.text import Text

from compute.canonical import UNSEEN


def table(*headings: str, title: str | None = None) -> Table:
    """Give a table that breaks what is too long: Chinese has no spaces, and a name cut off cannot be copied."""
    made = Table(title=title, title_justify="left")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def named(*headings: str) -> Table:
    """Give the same with a first column that is never broken: by it a row is named."""
    made = table(*headings)
    made.columns[0].no_wrap = True
    return made


def add(made: Table, *cells: str) -> None:
    """Add a row of what others wrote."""
    made.add_row(*map(plain, cells))


def plain(text: str) -> Text:
    """Give what others wrote as no markup, and with nothing that moves the cursor to another place."""
    return Text(UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text))
