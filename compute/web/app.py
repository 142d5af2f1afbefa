"""The app of any party: closed by default, answers signed, errors as problem documents, documented."""

import flask
from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compute.web import access, docs, openapi, paths, problems
from compute.web.signatures import Verifier, sign_response

MAX_CONTENT_LENGTH = 64 * 2**20  # bytes; as compute.canonical.MAX_MESSAGE_BYTES

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_HTTPS_ONLY = "max-age=31536000"  # seconds: a year


def create_app(
    title: str,
    party: str,
    key: Ed25519PrivateKey,
    verifier: Verifier,
    *,
    version: str = "0.1.0",
    max_content_length: int = MAX_CONTENT_LENGTH,
    authenticate: access.Authenticate | None = None,
) -> APIFlask:
    """Give an app with /health, /openapi.json and /docs, to which the party adds its routes.

    Every route is for parties with a verified signature, whose name is then in `flask.g.party`; the decorator
    `compute.web.access.public` opens one. Answers to signed requests are signed with `key`. Views refuse by
    raising ProblemError. A body of more than `max_content_length` bytes is refused unread. `authenticate` is a way
    in for those who do not sign: by a bearer token (RFC 6750). Their answers are not signed either: there is no
    signature to bind one to, and TLS says who answers.
    """
    app = APIFlask(
        __name__,
        title=title,
        version=version,
        docs_path=None,  # its page loads a content delivery network
        static_folder=None,  # type: ignore[arg-type]  # Flask's own parameter takes None
    )
    app.config["MAX_CONTENT_LENGTH"] = max_content_length
    app.url_map.converters.update(paths.CONVERTERS)

    @app.after_request  # the first to be registered runs last: it signs what goes out
    def finish(response: flask.Response) -> flask.Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if verifier.public_url.startswith("https:"):
            response.headers["Strict-Transport-Security"] = _HTTPS_ONLY
        sign_response(response, flask.request, party, key, verifier.public_url)
        return response

    paths.install(app)
    access.install(app, verifier, authenticate)
    ways = [problems.SIGNATURE] if authenticate is None else [problems.SIGNATURE, problems.BEARER]
    problems.install(app, party, ways)
    openapi.install(app, verifier.public_url, bearer=authenticate is not None)
    docs.install(app)

    @app.get("/health")
    @access.public
    def health() -> dict[str, str]:
        """Whether this process serves, and for whom."""
        return {"status": "ok", "party": party}

    return app
