"""The queries: what may stand behind the question mark of a route."""

import re
from collections.abc import Mapping

from apiflask import Schema
from apiflask.fields import Integer, String
from apiflask.validators import Regexp

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


class Under(Schema):
    """The case under which a supervisor reads."""

    case = String(
        load_default=None,
        validate=Regexp(r"\A[0-9a-f]{64}\Z", error="Name the case by its digest, 64 hex digits."),
        metadata={"description": "digest of the case under which a supervisor reads; others leave it out"},
    )


class After(Under):
    """Where a page begins."""

    after = Count(load_default=None, metadata={"description": "index of the last entry of the page before"})


class Known(Under):
    """How many statements the asker has already, of each kind."""

    batches = Count(load_default=0, metadata={"description": "of consents, the first so many"})
    withdrawals = Count(load_default=0, metadata={"description": "the first so many"})
