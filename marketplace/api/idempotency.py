"""`Idempotency-Key` on any POST: a request that is sent again is answered as the first time, and done once.

As in the IETF's draft-ietf-httpapi-idempotency-key-header. A refusal changes nothing, so it is not kept: the same
key may be sent again once something else was corrected. An answer that holds a secret is not kept either.
"""

import hashlib
import re
from http import HTTPStatus

import flask

from compute.web.body import NOT_TO_KEEP
from compute.web.errors import ProblemError
from marketplace.api.context import exchange
from marketplace.flow.actor import Principal
from marketplace.once import WANTED, Answer, Once

HEADER = "Idempotency-Key"
MAX_KEPT = 64 * 1024
"""Bytes of an answer that are kept."""
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def install(app: flask.Flask) -> None:
    """Have the app's POSTs happen once for each key; after `access`, which knows who sends."""

    @app.before_request
    def recall() -> flask.Response | None:
        WANTED.set(None)
        flask.g.once = None
        key = flask.request.headers.get(HEADER)
        sender: Principal | None = flask.g.principal
        if flask.request.method != "POST" or key is None or sender is None:
            return None
        once = Once(_owner(sender), _checked(key), _fingerprint())
        found = exchange().recall(once)
        if found is None:
            flask.g.once = once
            WANTED.set(once)
            return None
        return _repeated(once, *found)

    @app.after_request
    def keep(response: flask.Response) -> flask.Response:
        once, was_claimed = flask.g.get("once"), WANTED.get() is None
        WANTED.set(None)
        if once and was_claimed and _may_be_kept(response):
            etag = response.headers.get("ETag")
            answer = Answer(response.status_code, response.content_type, etag, response.get_data())
            exchange().keep_answer(once, answer)
        return response


def _may_be_kept(response: flask.Response) -> bool:
    is_short = not response.is_streamed and (response.content_length or 0) <= MAX_KEPT
    return (
        response.status_code < HTTPStatus.MULTIPLE_CHOICES
        and is_short
        and not getattr(response, NOT_TO_KEEP, False)
    )


def _owner(sender: Principal) -> str:
    return f"{sender.organisation}/{sender.member or sender.key or ''}"


def _checked(key: str) -> str:
    if _KEY.fullmatch(key) is None:
        raise ProblemError(
            400, "idempotency-key", f"{HEADER} is {key[:80]!r}.", "Draw 1 to 128 visible ASCII characters."
        )
    return key


def _fingerprint() -> bytes:
    request = flask.request
    parts = (request.method, request.full_path, request.mimetype, request.headers.get("If-Match", ""))
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + request.get_data()).digest()


def _repeated(once: Once, fingerprint: bytes, answer: Answer | None) -> flask.Response:
    if fingerprint != once.fingerprint:
        raise ProblemError(
            422,
            "idempotency-key-reused",
            f"{HEADER} {once.key} named another request.",
            "Draw a new key for this one.",
        )
    if answer is None:
        raise ProblemError(
            409, "already-done", "The request was carried out; its answer is not kept.", "Read what became of it."
        )
    response = flask.Response(answer.body, answer.status, content_type=answer.content_type)
    if answer.etag is not None:
        response.headers["ETag"] = answer.etag
    return response
