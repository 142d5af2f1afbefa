"""Who may reach a view: parties with a verified signature, unless the view says `public`."""

from collections.abc import Callable
from typing import TypeVar

import flask

from compute.web.signatures import Verifier

CALLER = "veilmart.caller"
"""The key in a request's environment under which the access log finds the party that sent it."""
_MARK = "is_public"

View = TypeVar("View", bound=Callable[..., object])


def public(view: View) -> View:
    """Open a view to everyone; `flask.g.party` is None in it. Stands under the route's decorator."""
    setattr(view, _MARK, True)
    return view


def is_public(view: Callable[..., object]) -> bool:
    """Give whether the view is open to everyone."""
    return getattr(view, _MARK, False)


Authenticate = Callable[[flask.Request], str | None]
"""Another proof than a signature: gives who sent the request, None without such a proof that stands."""


def install(app: flask.Flask, verifier: Verifier, authenticate: Authenticate | None = None) -> None:
    """Close every route but the public ones: what nobody thought of stays closed.

    A request with a signature is its signer's, whatever else it carries; `authenticate` is asked only without one.
    """

    @app.before_request
    def admit() -> None:
        flask.g.party = None
        endpoint = flask.request.endpoint
        if endpoint is None:
            return  # no route: Flask answers 404 or 405
        if "Transfer-Encoding" in flask.request.headers:
            flask.abort(411)  # of a body without a length, werkzeug would give the view the first part
        if not is_public(app.view_functions[endpoint]):
            other = None if authenticate is None or "Signature" in flask.request.headers else authenticate
            flask.g.party = (other and other(flask.request)) or verifier.verify(flask.request)
            flask.request.environ[CALLER] = flask.g.party
