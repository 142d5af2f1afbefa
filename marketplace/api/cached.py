"""What changes only with the catalog is kept by caches, which ask whether it has changed (RFC 9111 §4.3)."""

import flask


def not_modified(revision: str) -> flask.Response | None:
    """Give the answer to who has this revision already: 304, without a body; None if there is more to say."""
    if not flask.request.if_none_match.contains_weak(revision):
        return None
    return cached(flask.Response(status=304), revision)


def cached(response: flask.Response, revision: str) -> flask.Response:
    """Have the response kept, and asked for again before it is reused."""
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(revision)
    return response
