"""The examiner's page: the list of cases, one case with everything, and the forms by which it is decided."""

from pathlib import Path
from typing import TypeVar

import flask
import msgspec
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from catalog.vocabulary import identifiers
from compute.canonical import Message
from compute.node.console.client import NodeClient
from compute.node.console.review_messages import CaseRefusal, CaseSummary, CaseWithdrawal
from compute.protocols.risk_score.case_states import UNDECIDED, ModelCaseState
from compute.web.errors import PeerProblemError, WebError
from veilmart.reviewer.console import guard
from veilmart.reviewer.console.charts import LABELS, ROW, WIDTH, charts_of
from veilmart.reviewer.console.session import Session
from veilmart.reviewer.sections import sections_of, summary_section

MAX_FORM = 16_384
"""Bytes of a form."""
BAD_GATEWAY = 502
_FOLDER = Path(__file__).parent
_SERVER_ERROR = 500

M = TypeVar("M", bound=Message)


def create_app(node: NodeClient, examiner: str, session: Session, host: str) -> flask.Flask:
    """Give the app for one examiner, in whose name `node` signs; `host` is its address, with the port."""
    app = flask.Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals.update(examiner=examiner, form_token=session.form_token)
    guard.install(app, session, host)
    app.register_blueprint(_pages(node, session), url_prefix=session.prefix)
    app.register_error_handler(HTTPException, _problem)
    app.register_error_handler(WebError, _refused)
    return app


def _pages(node: NodeClient, session: Session) -> flask.Blueprint:
    pages = flask.Blueprint("console", __name__)

    @pages.get("/begin/<token>")
    def begin(token: str) -> ResponseReturnValue:
        """Take the token that the terminal shows, once."""
        cookie = session.begin(token)
        if cookie is None:
            flask.abort(403, "网址已用过或已过期,请重新启动 The address was used or is too old; start again.")
        response = flask.redirect(flask.url_for("console.cases"), 303)
        path = session.prefix + "/"
        response.set_cookie(guard.COOKIE, cookie, path=path, httponly=True, samesite="Strict")
        return response

    @pages.get("/console.css")
    def style() -> ResponseReturnValue:
        return flask.send_from_directory(_FOLDER, "console.css", mimetype="text/css")

    @pages.get("/")
    def cases() -> str:
        found = node.cases()
        return flask.render_template("cases.html", cases=found, section=summary_section(found))

    @pages.get("/cases/<string(length=32):case>")
    def case(case: str) -> str:
        """All of one case; that an opened model is read is written down at the node."""
        view = node.case(case)
        return flask.render_template(
            "case.html",
            view=view,
            sections=sections_of(view),
            charts=charts_of(view),
            is_undecided=view.summary.state in UNDECIDED,
            is_approved=view.summary.state is ModelCaseState.APPROVED,
            codes=identifiers("refusal_code"),
            labels=LABELS,
            width=WIDTH,
            row=ROW,
        )

    @pages.post("/cases/<string(length=32):case>/approve")
    def approve(case: str) -> ResponseReturnValue:
        return _decided(node.approve_case(case))

    @pages.post("/cases/<string(length=32):case>/refuse")
    def refuse(case: str) -> ResponseReturnValue:
        refusal = _stated(CaseRefusal, "code", "reason")
        return _decided(node.refuse_case(case, refusal))

    @pages.post("/cases/<string(length=32):case>/withdraw")
    def withdraw(case: str) -> ResponseReturnValue:
        withdrawal = _stated(CaseWithdrawal, "reason")
        return _decided(node.withdraw_case(case, withdrawal))

    return pages


def _decided(summary: CaseSummary) -> ResponseReturnValue:
    return flask.redirect(flask.url_for("console.case", case=summary.case), 303)


def _stated(expected: type[M], *names: str) -> M:
    """Give what a form states; 422 with what is wrong otherwise."""
    members = {name: flask.request.form.get(name, "").strip() for name in names}
    try:
        return msgspec.convert({"type": expected.__struct_config__.tag, **members}, expected)
    except msgspec.ValidationError as error:
        flask.abort(422, f"表单有误 The form is incomplete: {error}")


def _problem(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.response is not None:
        return error.get_response()
    return _told(error.code, error.description or error.name, "")


def _refused(error: WebError) -> ResponseReturnValue:
    """What the node refused, or that it did not answer, told as it was said."""
    if not isinstance(error, PeerProblemError):
        return _told(BAD_GATEWAY, str(error), "")
    return _told(error.status if error.status < _SERVER_ERROR else BAD_GATEWAY, error.detail, error.remedy)


def _told(status: int, detail: str, remedy: str) -> ResponseReturnValue:
    if not flask.g.is_admitted:  # a stranger sees no page: each has the session's path
        return flask.Response(f"{detail}\n", status, content_type="text/plain; charset=utf-8")
    page = flask.render_template("problem.html", status=status, detail=detail, remedy=remedy)
    return page, status
