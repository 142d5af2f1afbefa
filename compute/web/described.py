"""Adds to /openapi.json what `body` knows of each route: the messages it takes and gives, and its refusals."""

from collections.abc import Collection, Iterator
from typing import Any, get_args

import msgspec
from apiflask import APIFlask

from compute.web.access import is_public
from compute.web.body import JSON, Raw
from compute.web.openapi import template

_REF = "#/components/schemas/{name}"
_OF_BODIES = frozenset({400, 413, 415})
"""What only a request with a body is refused for."""
_TOO_LONG = {"414": Raw("text/html")}
"""What only a request with a query can be; gunicorn says so before it asks the app."""


def install(app: APIFlask, refusals: Collection[int]) -> None:
    """Complete the document before `compute.web.openapi`, which has the errors and signatures, does.

    `refusals` are the statuses, from 400, with which the app's own error handlers refuse.
    """
    complete = app.spec_callback

    def describe(document: Any) -> Any:  # noqa: ANN401 -- APIFlask: a JSON document
        routes = list(_routes(app))
        types = [form.described for _, _, view in routes if (form := getattr(view, "takes", None))]
        types += [each for _, _, view in routes for answer in _messages(view) for each in alternatives(answer)]
        schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
        of = dict(zip(types, schemas, strict=True))
        document.setdefault("components", {}).setdefault("schemas", {}).update(components)
        for path, method, view in routes:
            _describe(document["paths"][path][method], view, of, refusals)
        completed: Any = complete(document) if complete else document
        for path, method, view in routes:  # a refusal of another form than the others'
            operation = completed["paths"][path][method]
            raw = {str(status): answer for status, answer in view.answers.items() if isinstance(answer, Raw)}
            if any(part["in"] == "query" for part in operation.get("parameters", ())):
                raw |= _TOO_LONG
            operation["responses"].update({status: _response(answer, of) for status, answer in raw.items()})
        return completed

    app.spec_processor(describe)


def _routes(app: APIFlask) -> Iterator[tuple[str, str, Any]]:
    """Path and method as the document writes them, and the view, of every route that declares its answers."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if hasattr(view, "answers"):
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            yield template(rule.rule), method.lower(), view


def _describe(
    operation: dict[str, Any],
    view: Any,  # noqa: ANN401 -- with the attributes that `body` sets
    of: dict[Any, Any],
    refusals: Collection[int],
) -> None:
    form = getattr(view, "takes", None)
    if headers := getattr(view, "headers", ()):
        operation["parameters"] = [*operation.get("parameters", ()), *headers]
    refused = set(refusals) - _OF_BODIES
    if form is not None:
        refused |= _OF_BODIES
        content = {form.media_type: {"schema": of[form.described]}}
        operation["requestBody"] = {"required": True, "content": content}
    if not is_public(view):
        refused.add(401)
    refused |= {status for status, answer in view.answers.items() if answer is None}
    operation["responses"] = {
        str(status): _response(answer, of) for status, answer in view.answers.items() if answer is not None
    } | {str(status): {} for status in sorted(refused - {s for s, a in view.answers.items() if a is not None})}


def _messages(view: Any) -> list[Any]:  # noqa: ANN401 -- with the attributes that `body` sets
    """Give what the view answers in messages."""
    return [answer for answer in view.answers.values() if answer is not None and not isinstance(answer, Raw)]


def _response(answer: Any, of: dict[Any, Any]) -> dict[str, Any]:  # noqa: ANN401 -- a type, or several, or raw
    if isinstance(answer, Raw):
        described = {} if answer.media_type.endswith("json") else {"type": "string"}  # JSON is read as JSON
        return {"description": answer.media_type, "content": {answer.media_type: {"schema": described}}}
    return {"description": _name(answer), "content": {JSON: {"schema": _schema(answer, of)}}}


def alternatives(answer: Any) -> tuple[Any, ...]:  # noqa: ANN401 -- a type, or several
    """Give the types that an answer is one of."""
    return answer if isinstance(answer, tuple) else (answer,)


def _schema(answer: Any, of: dict[Any, Any]) -> Any:  # noqa: ANN401 -- JSON
    schemas = [of[each] for each in alternatives(answer)]
    return schemas[0] if len(schemas) == 1 else {"oneOf": schemas}


def _name(answer: Any) -> str:  # noqa: ANN401 -- a type, a union of types, or several types
    if isinstance(answer, tuple):
        return " or ".join(map(_name, answer))
    return getattr(answer, "__name__", None) or " or ".join(_name(each) for each in get_args(answer))
