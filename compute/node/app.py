"""A node over HTTPS: messages of enrolled parties at one route, the console of its own staff at all others.

But for one: its witness answers everybody.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import flask
from apiflask import APIBlueprint, APIFlask

from audit.database import open_engine
from compute.canonical import FormatError, InvalidMessageError
from compute.node.cosigning import routes as witness_routes
from compute.node.intake import Intake
from compute.node.jobs import errors as jobs
from compute.node.settings import NodeSettings
from compute.node.site import Site
from compute.node.transport import MESSAGES, UnknownPartyError
from compute.protocols.base import (
    BUSY,
    CANCELLED,
    FAULT,
    UNAVAILABLE,
    AnswerError,
    Pending,
    Refused,
    RefusedByPeerError,
)
from compute.protocols.risk_score.case_states import FourEyesError, UnknownCaseError, WrongCaseStateError
from compute.protocols.risk_score.scorecard import ScorecardError
from compute.signing import SignatureError
from compute.web import app as web
from compute.web import described
from compute.web.body import JSON, Form, answers, respond, takes
from compute.web.errors import PeerProblemError, PeerUnreachableError, ProblemError
from compute.web.nonces import NonceStore
from compute.web.problems import render
from compute.web.signatures import Verifier

REFUSED: Mapping[int, int] = {0: 400, 1: 403, BUSY: 429, CANCELLED: 409, UNAVAILABLE: 503, FAULT: 500}
"""Number of a check → HTTP status of its refusal; every other is 422."""
OTHER = 422

ERRORS: Mapping[type[Exception], tuple[int, str, str]] = {
    FormatError: (
        400,
        "not-canonical",
        "Send the bytes that compute.canonical.encode gives: veilmart call does.",
    ),
    InvalidMessageError: (400, "invalid-message", "Correct the field; /openapi.json describes the body."),
    PeerUnreachableError: (503, "unavailable", "Send the request again: what was done is not done twice."),
    ScorecardError: (422, "bad-scorecard", "Correct the scorecard."),
    UnknownPartyError: (404, "unknown-party", "Name a party that is enrolled and runs a node."),
    AnswerError: (502, "bad-answer", "Ask again; if it stays so, call the other party."),
    SignatureError: (502, "not-trusted", "See that the key pinned for the signer is its own."),
    UnknownCaseError: (404, "not-found", "List the cases."),
    WrongCaseStateError: (409, "wrong-state", "Look at the case first."),
    FourEyesError: (403, "four-eyes", "Let another examiner do it."),
    jobs.UnknownJobError: (404, "not-found", "Check the id."),
    jobs.WrongStateError: (409, "wrong-state", "Look at the job's state first."),
}
"""HTTP status, kind and remedy of the errors that a console's view may meet."""


def create_app(
    site: Site[Any],
    consoles: tuple[APIBlueprint, ...],
    intake: Intake | None,
    opened: ExitStack,
) -> APIFlask:
    """Give the app of one worker process, which keeps open what is `opened` for as long as it lives.

    Routes of `consoles` are for the staff named in the settings only; without an intake no message is taken.
    """
    settings: NodeSettings = site.settings
    directory = site.directory

    def pin(name: str) -> bytes | None:
        """Give the key of a member of the staff, or of an enrolled party."""
        if name in settings.staff:
            return settings.staff[name]
        return directory[name].key if name in directory else None

    verifier = Verifier(settings.public_url, pin, NonceStore(open_engine(settings.nonces)))
    app = web.create_app(
        f"Veilmart node {settings.name}", settings.name, site.key, verifier, max_content_length=settings.max_body
    )
    app.extensions["veilmart.opened"] = opened
    app.register_blueprint(witness_routes(site.follower.witness))
    for console in consoles:
        app.register_blueprint(console)
    if intake is not None:
        app.register_blueprint(_messages(intake))

    @app.before_request  # after the one of compute.web.access, which proves who asks
    def separate() -> None:
        """Staff command and enrolled parties send messages; neither may do the other's."""
        party, blueprint = flask.g.party, flask.request.blueprint
        if party is not None and (party in settings.staff) == (blueprint == "messages"):
            reason = f"{party} may not use this route."
            raise ProblemError(403, "forbidden", reason, "Let a member of this node's staff do it.")

    _install_errors(app)
    statuses = {status for status, _, _ in ERRORS.values()} | {*REFUSED.values(), OTHER}
    described.install(app, statuses)
    return app


def _messages(intake: Intake) -> APIBlueprint:
    routes = APIBlueprint("messages", __name__)

    @routes.post(MESSAGES)
    @takes(Form(JSON, bytes, intake.messages))
    @answers({200: intake.replies, 202: Pending})
    def message(data: bytes) -> flask.Response:
        """Take a message of the protocols, in canonical form. 202: collect the answer by its ticket."""
        reply = intake.handle(flask.g.party, data)
        match reply:
            case Refused():
                return refusal(reply)
            case Pending():
                return respond(reply, 202)
            case _:
                return respond(reply)

    return routes


def refusal(refused: Refused) -> flask.Response:
    """Give the problem document of a role's refusal; `check` is the number in the role's documentation."""
    extra: dict[str, object] = {"check": refused.check, "party": refused.party}
    if refused.subjects:
        extra["subjects"] = refused.subjects
    status = REFUSED.get(refused.check, OTHER)
    return render(status, f"check-{refused.check}", refused.reason, refused.remedy, extra)


def _install_errors(app: APIFlask) -> None:
    def known(error: Exception) -> flask.Response:
        status, slug, remedy = ERRORS[type(error)]
        detail, _, own = str(error).partition("; ")  # our errors say what is wrong; what to do
        return render(status, slug, f"{detail}.", f"{own[:1].upper()}{own[1:]}." if own else remedy)

    def passed_on(error: PeerProblemError) -> flask.Response:
        """What another party refused, told as it was said."""
        status = error.status if error.status < 500 else 502  # noqa: PLR2004 -- RFC 9110 §15.6.3
        return render(status, error.slug, f"{error.peer}: {error.detail}", error.remedy)

    def refused(error: RefusedByPeerError) -> flask.Response:
        """What another party's role refused, told as it was said."""
        return refusal(error.refused)

    for error in ERRORS:
        app.register_error_handler(error, known)
    app.register_error_handler(RefusedByPeerError, refused)
    app.register_error_handler(PeerProblemError, passed_on)
