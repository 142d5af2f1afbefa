"""Every error as a problem document (RFC 9457): what was wrong, why, and the next step."""

import logging
import traceback
import uuid
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus

import flask
import msgspec
from apiflask import APIFlask, HTTPError
from werkzeug.exceptions import HTTPException, NotFound

from compute.canonical import UNSEEN
from compute.web.errors import PROBLEM, ProblemError, SignatureRequestError
from compute.web.messages import REQUEST_COMPONENTS, TAG

TYPE_PREFIX = "urn:veilmart:problem:"

SCHEMA: dict[str, object] = {
    "type": "object",
    "description": "A problem document (RFC 9457): what was wrong, why, and the next step.",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": f"{TYPE_PREFIX} and the kind of problem"},
        "title": {"type": "string", "description": "The kind of problem, for people"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What was wrong, with which input"},
        "remedy": {"type": "string", "description": "The next step"},
        "instance": {"type": "string", "format": "uri", "description": "This incident, as the log names it"},
        "errors": {
            "type": "array",
            "description": "The fields that were refused",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("location", "field", "message")},
                "required": ["location", "field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "remedy"],
}

# RFC 9421 §5.1: the signature that a request here must have.
ACCEPT_SIGNATURE = f'{TAG}=({" ".join(REQUEST_COMPONENTS)});created;alg="ed25519";tag="{TAG}"'

SIGNATURE, BEARER = "Signature", "Bearer"
"""Ways in: RFC 9421, and RFC 6750."""

_REMEDIES = {
    400: "Send a well-formed request: /openapi.json describes each.",
    404: "Look the path up in /openapi.json.",
    411: "Send the body with a Content-Length, not in chunks.",
    413: "Send less in one request: split it.",
    415: "Send the media type that /openapi.json declares for this path.",
    422: "Correct the fields named in `errors`, then send the request again.",
}
_OTHER_REMEDY = "See /openapi.json for what is served here."

_log = logging.getLogger(__name__)


def install(app: APIFlask, party: str, ways: Sequence[str] = (SIGNATURE,)) -> None:
    """Make the app answer every error with a problem document; `party` is whose log an incident is in.

    `ways` are the schemes of authentication (RFC 9110 §11.1) by which a request may be proven here.
    """

    def refused(error: ProblemError) -> flask.Response:
        return render(error.status, error.slug, error.detail, error.remedy, error.extra)

    def unproven(error: SignatureRequestError) -> flask.Response:
        response = render(401, error.slug, str(error), error.remedy)
        response.headers["Accept-Signature"] = ACCEPT_SIGNATURE
        challenges = map(f'{{}} realm="{party}"'.format, ways)
        response.headers["WWW-Authenticate"] = ", ".join(challenges)  # RFC 9110 §15.5.2 asks for one
        return response

    def invalid(error: HTTPError) -> flask.Response:
        """APIFlask's own errors, most of them of a schema that did not fit."""
        errors = list(_named(error.detail)) if isinstance(error.detail, Mapping) else []
        if not errors:
            return _standard(error.status_code, error.message or "")
        names = ", ".join(f"{entry['location']} {entry['field']}".rstrip() for entry in errors)
        slug = "invalid-fields"
        return render(error.status_code, slug, f"Refused: {names}.", _REMEDIES[422], {"errors": errors})

    def standard(error: HTTPException) -> flask.Response:
        if error.code is None or error.response is not None:  # a redirect, or a response of the view's own
            return flask.make_response(error)
        if error.code >= 500:  # noqa: PLR2004 -- RFC 9110 §15.6
            return crashed(error)
        allowed = [value for name, value in error.get_headers() if name == "Allow"]
        detail = error.description or ""
        if detail == NotFound.description:  # which takes the reader for one with a browser
            detail = f"{party} serves nothing at {flask.request.path}."
        response = _standard(error.code, detail, f"Use {allowed[0]}." if allowed else None)
        response.headers.extend(("Allow", value) for value in allowed)
        return response

    def crashed(error: Exception) -> flask.Response:
        incident = uuid.uuid4().urn
        _log.error("%s in %s %s\n%s", incident, flask.request.method, flask.request.path, _places(error))
        detail = f"The request failed here; the log of {party} has the cause under {incident}."
        remedy = f"Name the incident to {party}. Look whether the request had effect before you repeat it."
        return render(500, "internal", detail, remedy, {"instance": incident})

    app.error_processor(invalid)
    app.register_error_handler(HTTPException, standard)
    app.register_error_handler(SignatureRequestError, unproven)
    app.register_error_handler(ProblemError, refused)
    app.register_error_handler(Exception, crashed)


def render(
    status: int, slug: str, detail: str, remedy: str, extra: Mapping[str, object] | None = None
) -> flask.Response:
    """Give the response that carries a problem document; `extra` cannot replace the standard members."""
    problem = {
        **(extra or {}),
        "type": TYPE_PREFIX + slug,
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "remedy": remedy,
    }
    return flask.Response(msgspec.json.encode(_seen(problem)), status, content_type=PROBLEM)


def _seen(told: object) -> object:
    """Give what is told with every character that nobody sees written as its number.

    Texts of whoever asks come back in problems, and who reads them on a terminal sees them as they are.
    """
    match told:
        case str():
            return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", told)
        case Mapping():
            return {_seen(name): _seen(each) for name, each in told.items()}
        case list() | tuple():
            return [_seen(each) for each in told]
        case _:
            return told


def _standard(status: int, detail: str, remedy: str | None = None) -> flask.Response:
    slug = HTTPStatus(status).phrase.lower().replace(" ", "-")
    return render(status, slug, detail, remedy or _REMEDIES.get(status, _OTHER_REMEDY))


def _named(detail: Mapping[str, object]) -> Iterator[dict[str, str]]:
    """Flatten marshmallow's `{location: {field: {index: [message]}}}`, fields as `rows.0.code`."""
    for location, fields in detail.items():
        for path, message in _leaves(fields, ()):
            yield {"location": location, "field": ".".join(path), "message": message}


def _leaves(node: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(node, Mapping):
        for key, child in node.items():
            yield from _leaves(child, (*path, str(key)))
    elif isinstance(node, list):
        for child in node:
            yield from _leaves(child, path)
    else:
        yield path, str(node)


def _places(error: BaseException | None) -> str:
    """Types of an error and its causes, and the lines of code they passed; no message, as one may hold data."""
    lines = []
    while error is not None:
        original = getattr(error, "original_exception", None)
        lines += [*traceback.format_tb(error.__traceback__), f"{type(error).__qualname__}\n"]
        error = original or error.__cause__ or error.__context__
    return "".join(lines)
