"""Bodies of requests and responses: read and written in one form, described in /openapi.json by their types."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, Generic, ParamSpec, TypeVar

import flask

from audit import entry
from audit.entry import Entry
from compute import canonical
from compute.canonical import Message

JSON = "application/json"
TOML = "application/toml"

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", bound=Message)
View = TypeVar("View", bound=Callable[..., object])


@dataclass(frozen=True)
class Form(Generic[T]):
    """How a request's body is read: its media type, the parser, and the type that describes it."""

    media_type: str
    read: Callable[[bytes], T]
    described: object


DESCRIPTION: Form[bytes] = Form(TOML, bytes, str)
"""A product's description, which `catalog` parses."""
EVENT: Form[Entry] = Form(JSON, entry.parse, Entry)


def message(expected: type[M]) -> Form[M]:
    """Give the form of a canonical message."""
    return Form(JSON, functools.partial(canonical.decode, expected=expected), expected)


def takes(form: Form[T]) -> Callable[[Callable[Concatenate[T, P], flask.Response]], Callable[P, flask.Response]]:
    """Hand the view what its request's body holds, as the first argument; 415 for another media type.

    The parser's errors pass through: `problems` has them.
    """

    def decorate(view: Callable[Concatenate[T, P], flask.Response]) -> Callable[P, flask.Response]:
        @functools.wraps(view)
        def reading(*args: P.args, **kwargs: P.kwargs) -> flask.Response:
            if flask.request.mimetype != form.media_type:
                flask.abort(415, f"The body is {flask.request.mimetype or 'untyped'}, not {form.media_type}.")
            return view(form.read(flask.request.get_data()), *args, **kwargs)

        reading.__dict__["takes"] = form
        return reading

    return decorate


def gives(answer: type[M], status: int = 200) -> Callable[[Callable[P, M]], Callable[P, flask.Response]]:
    """Send the message that the view gives, in canonical form, with this status."""

    def decorate(view: Callable[P, M]) -> Callable[P, flask.Response]:
        @functools.wraps(view)
        def answering(*args: P.args, **kwargs: P.kwargs) -> flask.Response:
            return flask.Response(canonical.encode(view(*args, **kwargs)), status, content_type=JSON)

        answering.__dict__["gives"] = (status, answer)
        return answering

    return decorate
