"""The one table from errors to problem documents (RFC 9457); the kind of problem is the error's code."""

import logging
from http import HTTPStatus

import flask
from apiflask import APIFlask

from audit import errors as audit_errors
from compute.canonical import FormatError, InvalidMessageError
from compute.web.problems import BEARER, render
from marketplace import errors

STATUSES: dict[type[Exception], tuple[int, str]] = {
    errors.NotFoundError: (404, "not-found"),
    errors.ForbiddenError: (403, "forbidden"),
    errors.PermissionDeniedError: (403, "permission-denied"),
    errors.NodeRequiredError: (403, "node-required"),
    errors.NotProvenError: (401, "not-proven"),
    errors.TooManyError: (429, "too-many"),
    errors.InvalidError: (422, "invalid"),
    errors.BadSignatureError: (422, "bad-signature"),
    errors.ConflictError: (409, "conflict"),
    errors.StaleError: (412, "stale"),
    errors.WrongStateError: (409, "wrong-state"),
    errors.OutOfOrderError: (409, "out-of-order"),
    errors.RevisionError: (503, "other-revision"),
    FormatError: (400, "not-canonical"),
    InvalidMessageError: (400, "invalid-message"),
    audit_errors.FormatError: (400, "not-canonical"),
    audit_errors.SignatureError: (422, "not-signed"),
    audit_errors.ProofError: (422, "no-such-proof"),
    audit_errors.DamageError: (500, "log-damaged"),
}
"""HTTP status and kind. `audit.errors.LogError` at large is not here: it is an incident of the server, a 500."""

_REMEDIES = {
    "invalid-message": "Correct the field; /openapi.json describes the body.",
    "not-canonical": "Send the bytes that compute.canonical.encode gives; to the log, audit.tile.bundle_encode.",
    "other-revision": "Wait until the marketplace is started again; nothing was changed.",
    "log-damaged": "Keep your latest checkpoint, and tell the operator and the supervisor.",
    "not-signed": "Send the checkpoint as /log/candidate gives it, with your witness's own line and no other.",
    "no-such-proof": "Ask for sizes and indices within the latest checkpoint.",
}


_log = logging.getLogger(__name__)


def install(app: APIFlask) -> None:
    """Answer every error of the table with its problem document."""
    for error in STATUSES:
        app.register_error_handler(error, _refused)


def _refused(error: Exception) -> flask.Response:
    status, slug = STATUSES[type(error)]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s", error)
    if not isinstance(error, errors.MarketplaceError):
        return render(status, slug, str(error), _REMEDIES[slug])
    response = render(status, slug, error.problem, error.remedy, _extra(error))
    if isinstance(error, errors.TooManyError):
        response.headers["Retry-After"] = str(error.seconds)  # RFC 9110 §10.2.3
    if isinstance(error, errors.NotProvenError):
        response.headers["WWW-Authenticate"] = BEARER  # RFC 9110 §15.5.2 asks for one
    return response


def _extra(error: errors.MarketplaceError) -> dict[str, object]:
    match error:
        case errors.WrongStateError():
            return {"allowed": error.allowed}
        case errors.PermissionDeniedError():
            return {"permission": error.permission}
        case errors.InvalidError(fields=fields) if fields:
            named = [{"location": "json", "field": name, "message": told} for name, told in fields.items()]
            return {"errors": named}
        case _:
            return {}
