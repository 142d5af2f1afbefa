"""What a subject's browser keeps, and what a request of it must be, before any view sees it.

Two cookies, which scripts and other sites never have: a *visit*, a random value that every browser gets, and a
*session* once somebody was identified. Each check is numbered at its line:

1. What changes something carries the form's token, which follows from the visit and is of no other browser.
2. It has no foreign Origin, and a browser does not say that another site made it.
3. A visit is 43 characters of base64url, or a new one is begun.

The pages load nothing but this server's style sheet, run no script, are framed by nobody, and are not stored.
"""

import hmac
import re
import secrets

import flask
from werkzeug.wrappers import Response

from compute.at_rest import AtRest

VISIT, SESSION, LANGUAGE = "__Host-visit", "__Host-subject", "__Host-language"
"""The prefix has browsers insist on Secure, on this very host and the path / (RFC 6265bis, section 4.1.3)."""
OPENID_VISIT = "__Host-openid"
"""The visit again, for the one request that comes back from an identity provider: Strict would withhold it."""
FORM_TOKEN = "form_token"  # noqa: S105 -- the name of a field
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # with none at all a browser's forms would have the Origin "null"
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_VISIT = re.compile(r"[A-Za-z0-9_-]{43}")
_TOKEN_BYTES = 32


class FormError(Exception):
    """The form is not of a page that this browser has open."""


def visit() -> str:
    """Give this request's visit, a new one if the browser has none."""
    if "visit" not in flask.g:
        kept = flask.request.cookies.get(VISIT, "")
        flask.g.visit = kept if _VISIT.fullmatch(kept) else secrets.token_urlsafe(_TOKEN_BYTES)  # 3
    found: str = flask.g.visit
    return found


def form_token(sealing: AtRest) -> str:
    """Give what every form of this browser carries."""
    return sealing.fingerprint(visit().encode(), "portal", FORM_TOKEN).hex()


def require_own_form(sealing: AtRest, origin: str) -> None:
    """Return if the form is of a page that this browser has open here; raise `FormError` if not."""
    given = flask.request.form.get(FORM_TOKEN, "")
    if not hmac.compare_digest(given.encode(), form_token(sealing).encode()):  # 1
        raise FormError
    if flask.request.headers.get("Origin", origin) != origin:  # 2
        raise FormError
    if flask.request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:  # 2
        raise FormError


def keep(response: Response, name: str, value: str, *, samesite: str = "Strict") -> None:
    """Have the browser keep a value while it is open."""
    response.set_cookie(name, value, secure=True, httponly=True, samesite=samesite, path="/")


def finish(response: flask.Response) -> flask.Response:
    """Give the answer its headers, and the browser its visit."""
    response.headers.update(HEADERS)
    if flask.request.cookies.get(VISIT) != visit():
        keep(response, VISIT, visit())
    return response
