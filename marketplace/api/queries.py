"""The queries: what may stand behind the question mark of a route."""

import re
from collections.abc import Mapping

from apiflask import Schema
from apiflask.fields import Integer, String
from apiflask.validators import Regexp

from compute.market import MAX_ENTRIES

_COUNT = re.compile(r"[0-9]{1,16}")


class Count(Integer):
    """A size or an index of the log, in digits; Python's int() would also read 1_0 and other scripts' digits."""

    def _deserialize(
        self, value: object, attr: str | None, data: Mapping[str, object] | None, **kwargs: object
    ) -> int:
        if not isinstance(value, str) or _COUNT.fullmatch(value) is None:
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Nonce(Schema):
    """The asker's fresh nonce."""

    nonce = String(
        required=True,
        validate=Regexp(r"\A[0-9a-f]{64}\Z", error="Draw 32 bytes at random and write them as 64 hex digits."),
        metadata={"description": "32 bytes drawn at random, in hex"},
    )


class Inclusion(Schema):
    """A leaf, and the size of the tree that it is shown to be in."""

    index = Count(required=True, metadata={"description": "of the entry, from 0"})
    size = Count(required=True, metadata={"description": "of the tree, in entries; a checkpoint's"})


class Range(Schema):
    """Entries that follow each other."""

    start = Count(required=True, metadata={"description": "index of the first entry"})
    stop = Count(required=True, metadata={"description": f"index after the last; {MAX_ENTRIES} come at most"})


class After(Schema):
    """Where a page begins."""

    after = Count(load_default=None, metadata={"description": "index of the last entry of the page before"})


class Known(Schema):
    """How many statements the asker has already, of each kind."""

    batches = Count(load_default=0, metadata={"description": "of consents, the first so many"})
    withdrawals = Count(load_default=0, metadata={"description": "the first so many"})


class Consistency(Schema):
    """Two sizes of the tree, in entries."""

    old = Count(required=True, metadata={"description": "the earlier checkpoint's size"})
    new = Count(required=True, metadata={"description": "the later checkpoint's size"})
