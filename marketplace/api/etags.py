"""What several people edit is replaced by its revision only (RFC 9110 §13.1.1): nobody overwrites unseen."""

import functools
from collections.abc import Callable

import flask

from compute.web.body import header
from compute.web.errors import ProblemError

_DESCRIPTION = "The ETag that was read; what has another by now is not replaced (412)."


def if_match(view: Callable[..., flask.Response]) -> Callable[..., flask.Response]:
    """Hand the view as `revision` what the request names in If-Match; 428 without it, 400 without just one."""

    @functools.wraps(view)
    def matching(*args: object, **kwargs: object) -> flask.Response:
        return view(*args, revision=_expected(), **kwargs)

    header(matching, "If-Match", _DESCRIPTION, {400: None, 412: None, 428: None})
    return matching


def _expected() -> str:
    named = flask.request.headers.get("If-Match")
    if named is None:
        remedy = "Read it first, and send the ETag that you were given."
        raise ProblemError(428, "revision-required", "If-Match is missing.", remedy)
    tags = flask.request.if_match.as_set()
    if len(tags) != 1 or flask.request.if_match.star_tag:
        raise ProblemError(400, "one-revision", f"If-Match is {named[:80]!r}.", "Name the one ETag that you read.")
    (revision,) = tags
    return revision
