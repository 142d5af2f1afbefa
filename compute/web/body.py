"""Bodies of requests and responses: read and written in one form, which `described` puts into /openapi.json."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Concatenate, Generic, ParamSpec, TypeVar

import flask

from compute import canonical
from compute.canonical import Message

JSON = "application/json"
NOT_TO_KEEP = "not_to_keep"
"""Attribute of a response whose message has a secret, so that nobody keeps it."""

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", bound=Message)
View = Callable[P, flask.Response]


@dataclass(frozen=True)
class Raw:
    """An answer that is no message: bytes of this media type."""

    media_type: str


@dataclass(frozen=True)
class Form(Generic[T]):
    """How a request's body is read: its media type, the parser, and the type that describes it."""

    media_type: str
    read: Callable[[bytes], T]
    described: object


def message(expected: type[M]) -> Form[M]:
    """Give the form of a canonical message."""
    return Form(JSON, functools.partial(canonical.decode, expected=expected), expected)


def takes(form: Form[T]) -> Callable[[Callable[Concatenate[T, P], flask.Response]], View[P]]:
    """Hand the view what its request's body holds, as the first argument; 415 for another media type.

    The parser's errors pass through, for the app's error handlers.
    """

    def decorate(view: Callable[Concatenate[T, P], flask.Response]) -> View[P]:
        @functools.wraps(view)
        def reading(*args: P.args, **kwargs: P.kwargs) -> flask.Response:
            if flask.request.mimetype != form.media_type:
                flask.abort(415, f"The body is {flask.request.mimetype or 'untyped'}, not {form.media_type}.")
            return view(form.read(flask.request.get_data()), *args, **kwargs)

        reading.__dict__["takes"] = form
        return reading

    return decorate


def gives(answer: type[M], status: int = 200) -> Callable[[Callable[P, M]], View[P]]:
    """Send the message that the view gives, with this status."""

    def decorate(view: Callable[P, M]) -> View[P]:
        @functools.wraps(view)
        def answering(*args: P.args, **kwargs: P.kwargs) -> flask.Response:
            return respond(view(*args, **kwargs), status)

        return answers({status: answer})(answering)

    return decorate


def answers(by_status: Mapping[int, object]) -> Callable[[View[P]], View[P]]:
    """Declare what a view that chooses its status answers: by status a type, a union, a tuple of types, or `Raw`.

    None stands for a problem document. Such a view makes a message's answer with `respond`.
    """

    def decorate(view: View[P]) -> View[P]:
        view.__dict__["answers"] = dict(by_status)
        return view

    return decorate


def header(view: Callable[..., object], name: str, description: str, refusals: Mapping[int, None]) -> None:
    """Declare a field that the view's requests must have, and the statuses for those that lack it or are wrong."""
    declared = {"in": "header", "name": name, "required": True, "description": description}
    view.__dict__["headers"] = [declared | {"schema": {"type": "string"}}]
    view.__dict__["answers"] = view.__dict__["answers"] | refusals


def respond(answer: Message, status: int = 200) -> flask.Response:
    """Give the response that carries the message, canonical; its `revision`, if it has one, is the ETag."""
    response = flask.Response(canonical.encode(answer), status, content_type=JSON)
    if (revision := getattr(answer, "revision", None)) is not None:
        response.set_etag(revision)
    setattr(response, NOT_TO_KEEP, bool(answer.hidden))
    return response
