"""Adds to /openapi.json what `body` knows of each route: the messages it takes and gives, and its refusals."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from apiflask import APIFlask

from compute.web.access import is_public
from marketplace.api.body import JSON
from marketplace.api.problems import STATUSES

_REF = "#/components/schemas/{name}"
_BODY = (400, 413, 415)
"""What only a request with a body is refused for."""


def install(app: APIFlask) -> None:
    """Complete the document before `compute.web.openapi`, which has the errors and signatures, does."""
    complete = app.spec_callback

    def describe(document: Any) -> Any:  # noqa: ANN401 -- APIFlask: a JSON document
        routes = list(_routes(app))
        types = [form.described for _, _, view in routes if (form := getattr(view, "takes", None))]
        types += [view.gives[1] for _, _, view in routes]
        schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
        of = dict(zip(types, schemas, strict=True))
        document.setdefault("components", {}).setdefault("schemas", {}).update(components)
        for path, method, view in routes:
            _describe(document["paths"][path][method], view, of)
        return complete(document) if complete else document

    app.spec_processor(describe)


def _routes(app: APIFlask) -> Iterator[tuple[str, str, Any]]:
    """Path and method as the document writes them, and the view, of every route of the marketplace's own."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if hasattr(view, "gives"):
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            yield re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule.rule), method.lower(), view


def _describe(operation: dict[str, Any], view: Any, of: dict[Any, Any]) -> None:  # noqa: ANN401 -- with attributes
    status, answer = view.gives
    form = getattr(view, "takes", None)
    refusals = {status for status, _ in STATUSES.values()} - set(_BODY)
    if form is not None:
        refusals |= set(_BODY)
        content = {form.media_type: {"schema": of[form.described]}}
        operation["requestBody"] = {"required": True, "content": content}
    if not is_public(view):
        refusals.add(401)
    operation["responses"] = {
        str(status): {"description": answer.__name__, "content": {JSON: {"schema": of[answer]}}},
        **{str(refusal): {} for refusal in sorted(refusals)},
    }
