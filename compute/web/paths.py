"""Parts of paths: ``<name:contract>`` in a route is a name as messages have it, and nothing else.

A view passes it on within the path of a request of its own, where other characters would mean something.
"""

from werkzeug.routing import BaseConverter

PATTERN = "[a-z][a-z0-9_-]{0,63}"
"""As :data:`compute.canonical.Name`."""
NAME = "name"
"""The converter's own name in rules."""


class NameConverter(BaseConverter):
    """Matches a name; for any other text there is no such route."""

    regex = PATTERN
