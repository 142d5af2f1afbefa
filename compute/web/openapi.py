"""The OpenAPI 3.1 document at /openapi.json: what APIFlask gathers, with errors and signatures as they are."""

from typing import Any

from apiflask import APIFlask

from compute.web import problems
from compute.web.access import is_public, public
from compute.web.errors import PROBLEM
from compute.web.paths import PatternConverter

_SCHEME = "httpSignature"
_BEARER = "bearer"
_DESCRIPTION = f"HTTP message signature (RFC 9421) with Ed25519: {problems.ACCEPT_SIGNATURE}"
_BY_BEARER = "The token of a session (POST /sessions) or an API key (RFC 6750); such an answer is not signed"
_REFUSAL = {"$ref": "#/components/responses/Problem"}


def install(app: APIFlask, public_url: str, *, bearer: bool = False) -> None:
    """Serve the document, for all to read; with `bearer`, a token proves who asks as a signature does."""
    app.servers = [{"url": public_url}]  # APIFlask would take it from the first reader's Host field
    app.security_schemes = {_SCHEME: {"type": "http", "scheme": "signature", "description": _DESCRIPTION}}
    ways = [_SCHEME]
    if bearer:
        app.security_schemes[_BEARER] = {"type": "http", "scheme": "bearer", "description": _BY_BEARER}
        ways.append(_BEARER)
    app.config["HTTP_ERROR_SCHEMA"] = problems.SCHEMA
    app.config["VALIDATION_ERROR_SCHEMA"] = problems.SCHEMA
    app.view_functions["openapi.spec"] = public(app.view_functions["openapi.spec"])

    def complete(document: Any) -> Any:  # noqa: ANN401 -- APIFlask: a JSON or a YAML document; here JSON
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for name in ("HTTPError", "ValidationError"):  # APIFlask's names for the one schema
            schemas.pop(name, None)
        schemas["Problem"] = problems.SCHEMA
        components["responses"] = {
            "Problem": {
                "description": "The request was refused",
                "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
        }
        document["security"] = [{way: []} for way in ways]
        open_operations = _open_operations(app)
        patterns = _patterns(app)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                _declare_refusals(operation)
                if (path, method) in open_operations:
                    operation["security"] = []
                for part in operation.get("parameters", ()):
                    if part["in"] == "path" and (pattern := patterns.get((path, part["name"]))):
                        part["schema"] = {"type": "string", "pattern": f"^{pattern}$"}
        _write_patterns(document)
        return document

    app.spec_processor(complete)


def _declare_refusals(operation: Any) -> None:  # noqa: ANN401 -- JSON
    responses = operation["responses"]
    if any(part["in"] in {"path", "query"} for part in operation.get("parameters", ())):
        responses["400"] = _REFUSAL  # `compute.web.paths.install`
    for status in [status for status in responses if status >= "400"]:
        responses[status] = _REFUSAL
    responses["default"] = _REFUSAL


def _write_patterns(part: Any) -> None:  # noqa: ANN401 -- JSON
    """Write Python's anchors as those of ECMA-262, which JSON Schema's patterns are in (2020-12, 6.3.3)."""
    if isinstance(part, dict):
        if isinstance(pattern := part.get("pattern"), str):
            part["pattern"] = pattern.replace(r"\A", "^").replace(r"\Z", "$")
        for inner in part.values():
            _write_patterns(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            _write_patterns(inner)


def _open_operations(app: APIFlask) -> set[tuple[str, str]]:
    """Path and method, as the document writes them, of what is served without a signature."""
    return {
        (template(rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if is_public(app.view_functions[rule.endpoint])
        for method in rule.methods or ()
    }


def _patterns(app: APIFlask) -> dict[tuple[str, str], str]:
    """The pattern of each path's parameters that have one."""
    return {
        (template(rule.rule), argument): converter.regex
        for rule in app.url_map.iter_rules()
        for argument, converter in rule._converters.items()  # noqa: SLF001 -- werkzeug has no other way to ask
        if isinstance(converter, PatternConverter)
    }


def template(rule: str) -> str:
    """Give a rule's path as the document writes it: `/jobs/<int:number>` as `/jobs/{number}`."""
    return "/".join(
        "{" + part[1:-1].rpartition(":")[2] + "}" if part.startswith("<") else part for part in rule.split("/")
    )
