"""Sessions: a person logs in and out, and sees what the marketplace takes it for."""

import flask
from apiflask import APIBlueprint

from compute.market.sessions import Ended, Identity, Login, PasswordChange, Session
from compute.web.access import public
from compute.web.body import gives, takes
from compute.web.forms import form
from marketplace.api import render
from marketplace.api.access import bearer_token, needs
from marketplace.api.context import actor, exchange
from marketplace.throttle import source_of

routes = APIBlueprint("sessions", __name__, url_prefix="/sessions")


@routes.post("")
@public
@takes(form(Login))
@gives(Session, 201)
def login(asked: Login) -> Session:
    """Log in by password and one-time code, or a recovery code in its place. The answer has the token, once."""
    source = source_of(flask.request.remote_addr)
    return render.session(
        exchange().sessions.login(
            asked.organisation, asked.login, asked.password, asked.code, source, asked.device
        )
    )


@routes.get("/current")
@needs("session:read")
@gives(Identity)
def current() -> Identity:
    """Who asks, as the marketplace sees it, by whatever proof."""
    return render.identity(actor())


@routes.delete("/current")
@needs("session:end")
@gives(Ended)
def logout() -> Ended:
    """Log out: the token opens nothing any more."""
    return Ended(sessions=exchange().sessions.end(bearer_token()))


@routes.post("/password")
@needs("session:password")
@takes(form(PasswordChange))
@gives(Ended)
def password(asked: PasswordChange) -> Ended:
    """Change one's own password; tells how many other sessions have ended with that."""
    ended = exchange().sessions.change_password(actor(), bearer_token(), asked.old, asked.new, asked.code)
    return Ended(sessions=ended)
