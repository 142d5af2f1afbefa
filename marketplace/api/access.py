"""Who asks, and whether the route is open to them: what it needs is in the one matrix, `config/permissions.toml`.

Before each view, in this order:

1. Who sent the request is proven: by an RFC 9421 signature (`compute.web.access`), a party's or the operator's,
   or without one by a bearer token, of which each way in knows its own. Who proves nothing reaches public routes.
2. One of the principal's permissions is the route's `resource:action`, in whatever scope. Else the refusal is in
   the log, with the permission as the command, before it is told: 403, naming the permission.

Whose a thing is, the rules decide afterwards (`flow.actor.role_in`): what is secret stays a 404. A request that
nobody is proven to have sent is not in the log: it is nobody's, and anybody could fill the log with it.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

import flask

from compute.web.access import is_public
from marketplace.errors import NotProvenError, PermissionDeniedError
from marketplace.flow.actor import Principal
from marketplace.flow.permission import AccessRole, Matrix, MatrixError, allows
from marketplace.gate import Gate, Setting

_NEEDS = "needs"
_PERMISSION = re.compile(r"[a-z_]+:[a-z_]+")
_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)  # RFC 6750, section 2.1

Way = Callable[[str], Principal | None]
"""A way in: gives whose a bearer token is, None if the token is none of its own."""
View = TypeVar("View", bound=Callable[..., object])


class Doorkeeper:
    """Finds the principal of a request and compares what it may do with what the route needs."""

    def __init__(self, matrix: Matrix, setting: Setting, gate: Gate, ways: Iterable[Way]) -> None:
        self._matrix, self._setting, self._gate, self._ways = matrix, setting, gate, tuple(ways)

    def authenticate(self, request: flask.Request) -> str | None:
        """Give the organisation behind a bearer token, None without one that stands; for `compute.web.access`."""
        token = _token(request)
        if token is None:
            return None
        found = next((each for way in self._ways if (each := way(token)) is not None), None)
        if found is None:
            return None
        flask.g.principal = found  # 1
        return found.organisation

    def install(self, app: flask.Flask, own: set[str]) -> None:
        """Stand before every view of the app; of the endpoints in `own` each must say what it needs, or be public.

        Raises RuntimeError for one that does neither, and where matrix and routes do not fit.
        """
        require_declared(app, own)
        needs_of = {name: needed(view) for name, view in app.view_functions.items()}
        try:
            self._matrix.check({each for each in needs_of.values() if each is not None})
        except MatrixError as error:
            raise RuntimeError(f"config/permissions.toml: {error}") from error

        @app.before_request
        def admit() -> None:
            party = flask.g.party
            if party is None:
                flask.g.principal = None  # the route is public, or there is none
                return
            if flask.g.get("principal") is None:  # 1
                flask.g.principal = self._signer(party)
            permission = needs_of[flask.request.endpoint or ""]
            if permission is not None and not allows(flask.g.principal.permissions, permission):  # 2
                with self._gate.refusing(permission, flask.g.principal):
                    raise PermissionDeniedError(permission)

    def _signer(self, party: str) -> Principal:
        role = AccessRole.OPERATOR_KEY if party == self._setting.operator else AccessRole.NODE
        return Principal(party, permissions=self._matrix.permissions([role]))


def needs(permission: str) -> Callable[[View], View]:
    """Declare that a view needs `resource:action`, in whatever scope. Stands under the route's decorator."""
    if _PERMISSION.fullmatch(permission) is None:
        raise ValueError(f"{permission!r} is no resource:action")

    def mark(view: View) -> View:
        setattr(view, _NEEDS, permission)
        return view

    return mark


def needed(view: Callable[..., object]) -> str | None:
    """Give what the view needs, if it says."""
    return getattr(view, _NEEDS, None)


def bearer_token() -> str:
    """Give the bearer token of this request; raise `NotProvenError` without one."""
    token = _token(flask.request)
    if token is None:
        raise NotProvenError("no token was sent", "send the one you were given as Authorization: Bearer")
    return token


def _token(request: flask.Request) -> str | None:
    written = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    return None if written is None else written[1]


def require_declared(app: flask.Flask, own: set[str]) -> None:
    """Raise RuntimeError for a route that is neither public nor says what it needs, of the endpoints in `own`."""
    silent = sorted(
        name
        for name, view in app.view_functions.items()
        if name in own and needed(view) is None and not is_public(view)
    )
    if silent:
        raise RuntimeError(
            f"these routes say neither what they need nor that they are public: {', '.join(silent)}"
        )
