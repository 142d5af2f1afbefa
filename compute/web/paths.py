"""What a request asks for: no path and no query has characters that nobody sees.

Parts of paths: ``<name:contract>`` in a route is a name as messages have it, ``<code:number>`` a receipt code.

A view passes it on within the path of a request of its own, where other characters would mean something.
"""

import flask
from werkzeug.routing import BaseConverter, IntegerConverter

from compute.canonical import UNSEEN
from compute.web.errors import ProblemError

PATTERN = "[a-z][a-z0-9_-]{0,63}"
"""As :data:`compute.canonical.Name`."""
CODE = "[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}"
"""As :data:`compute.records.ReceiptCode`."""


_UNSEEN_HERE = "The path or the query has a control or direction mark, which no name has."


class PatternConverter(BaseConverter):
    """Matches its pattern; for any other text there is no such route."""


class NameConverter(PatternConverter):
    """Matches a name."""

    regex = PATTERN


class CodeConverter(PatternConverter):
    """Matches the code of a receipt or a dispute."""

    regex = CODE


class WholeNumberConverter(IntegerConverter):
    """Matches a whole number that every database holds, in place of werkzeug's, which takes any."""

    regex = "[0-9]{1,15}"


CONVERTERS: dict[str, type[BaseConverter]] = {
    "name": NameConverter,
    "code": CodeConverter,
    "int": WholeNumberConverter,
}
"""By their own names in rules."""


def install(app: flask.Flask) -> None:
    """Have the app refuse by 400 a path or a query in which there is what nobody sees.

    Nothing here has such a name, and databases differ in what they make of it: PostgreSQL takes no NUL.
    """

    @app.before_request
    def require_seen() -> None:
        queried = (text for pair in flask.request.args.items(multi=True) for text in pair)
        if any(UNSEEN.search(text) for text in (flask.request.path, *queried)):
            raise ProblemError(400, "unseen", _UNSEEN_HERE, "Write the name as it was given to you.")
