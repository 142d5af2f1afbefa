"""The one tree of errors of this package.

A message says what was wrong, where (file, line, column) and what to do next. It never holds a value of the
data: not in its text, and not in the chain behind it. DuckDB and the codecs put the row into their errors, so
those are caught, left behind, and a new error is raised outside of the `except` block.
"""

SHOWN_CHARACTERS = 40  # of a name out of a header, in a message


class ConnectorError(Exception):
    """A source could not be read as declared."""


class DeclarationError(ConnectorError):
    """The columns asked for make no table."""


class ClosedError(ConnectorError):
    """The table was closed, or its database failed."""


class UnknownColumnError(ConnectorError):
    """A column was selected that the table does not have."""


class UsccError(ConnectorError):
    """A text is no unified social credit code."""


class SourceError(ConnectorError):
    """A source was refused.

    `source` is the file's name, `line` counts from 1 (the header), `column` is a declared name; the last two
    are None where the refusal has no such place.
    """

    def __init__(self, source: str, reason: str, *, line: int | None = None, column: str | None = None) -> None:
        self.source, self.line, self.column = shown(source), line, column
        place = [self.source]
        if line is not None:
            place.append(f"line {line}")
        if column is not None:
            place.append(f"column {column}")
        super().__init__(f"{', '.join(place)}: {reason}")


class UnreadableError(SourceError):
    """The file cannot be opened, or DuckDB could not take it in."""


class ChangedError(SourceError):
    """The file changed while it was read."""


class HeaderError(SourceError):
    """The first line does not name the declared columns."""


class UnknownHeaderError(HeaderError):
    """The header names a column that is not declared."""


class MissingHeaderError(HeaderError):
    """The header lacks a declared column."""


class RepeatedHeaderError(HeaderError):
    """The header names a column twice."""


class SwappedHeaderError(HeaderError):
    """The header has the declared columns in another order."""


class EncodingError(SourceError):
    """A line is not UTF-8."""


class StructureError(SourceError):
    """A line is not a record of RFC 4180 that stands on this one line."""


class CellError(SourceError):
    """A cell breaks the rule of its column's type."""


class RepeatedKeyError(SourceError):
    """Two lines describe the same subject."""


def shown(name: str) -> str:
    """Give a name as a message may show it: printable and at most `SHOWN_CHARACTERS` long."""
    printable = "".join(character if character.isprintable() else "?" for character in name)
    return printable if len(printable) <= SHOWN_CHARACTERS else printable[: SHOWN_CHARACTERS - 1] + "…"
