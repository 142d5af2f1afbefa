"""The OpenAPI 3.1 document at /openapi.json: what APIFlask gathers, with errors and signatures as they are."""

from typing import Any

from apiflask import APIFlask

from compute.web import problems
from compute.web.access import is_public, public
from compute.web.errors import PROBLEM
from compute.web.paths import PATTERN, NameConverter

_SCHEME = "httpSignature"
_DESCRIPTION = f"HTTP message signature (RFC 9421) with Ed25519: {problems.ACCEPT_SIGNATURE}"
_REFUSAL = {"$ref": "#/components/responses/Problem"}


def install(app: APIFlask, public_url: str) -> None:
    """Serve the document, for all to read."""
    app.servers = [{"url": public_url}]  # APIFlask would take it from the first reader's Host field
    app.security_schemes = {_SCHEME: {"type": "http", "scheme": "signature", "description": _DESCRIPTION}}
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
        document["security"] = [{_SCHEME: []}]
        open_operations = _open_operations(app)
        names = _names(app)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                for status in [status for status in operation["responses"] if status >= "400"]:
                    operation["responses"][status] = _REFUSAL
                operation["responses"]["default"] = _REFUSAL
                if (path, method) in open_operations:
                    operation["security"] = []
                for part in operation.get("parameters", ()):
                    if part["in"] == "path" and (path, part["name"]) in names:
                        part["schema"] = {"type": "string", "pattern": f"^{PATTERN}$"}
        return document

    app.spec_processor(complete)


def _open_operations(app: APIFlask) -> set[tuple[str, str]]:
    """Path and method, as the document writes them, of what is served without a signature."""
    return {
        (template(rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if is_public(app.view_functions[rule.endpoint])
        for method in rule.methods or ()
    }


def _names(app: APIFlask) -> set[tuple[str, str]]:
    """Path and parameter of what takes names only."""
    return {
        (template(rule.rule), argument)
        for rule in app.url_map.iter_rules()
        for argument, converter in rule._converters.items()  # noqa: SLF001 -- werkzeug has no other way to ask
        if isinstance(converter, NameConverter)
    }


def template(rule: str) -> str:
    """Give a rule's path as the document writes it: `/jobs/<int:number>` as `/jobs/{number}`."""
    return "/".join(
        "{" + part[1:-1].rpartition(":")[2] + "}" if part.startswith("<") else part for part in rule.split("/")
    )
