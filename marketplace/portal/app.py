"""The pages: a request for consent, its receipt, all of a subject's consents and disputes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from importlib.resources import files
from urllib.parse import urlencode

import flask
from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from catalog.vocabulary import Language, label
from compute.records import Capacity, ConsentDecision, ConsentStanding, DisputeMatter, SubjectType
from compute.web.access import public
from compute.web.errors import ProblemError
from marketplace.commands.identification import NotIdentifiedError, Session
from marketplace.errors import (
    ConflictError,
    InvalidError,
    MarketplaceError,
    NotFoundError,
    WrongStateError,
)
from marketplace.exchange import Exchange
from marketplace.flow.consent_text import digest
from marketplace.flow.identification import TooManyError
from marketplace.flow.subject import Acting
from marketplace.flow.texts import text
from marketplace.gate import Setting
from marketplace.portal import browser, forms
from marketplace.portal.browser import LANGUAGE, OPENID_VISIT, SESSION, FormError
from marketplace.subjects import SubjectSetting
from marketplace.throttle import source_of

_CHINA = timezone(timedelta(hours=8))
_STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (TooManyError, 429, "problem_many"),
    (NotIdentifiedError, 403, "problem_identity"),
    (forms.DocumentError, 422, "problem_document"),
    (InvalidError, 422, "problem_fields"),
    (NotFoundError, 404, "problem_missing"),
    (WrongStateError, 409, "problem_state"),
    (ConflictError, 409, "problem_state"),
)
"""What a page says of a refusal, the closer class first."""


_STATUS_TEXTS = {404: "problem_missing", 413: "problem_document"}
_FIELDS = {
    "attorney_file": "attorney_file_label",
    "attorney_reference": "attorney_reference_label",
    "attorney_until": "attorney_until_label",
    "code": "sms_label",
    "matter": "dispute_matter_label",
    "respondent": "dispute_respondent_label",
    "separately": "field_separately",
    "subject": "code_label",
    "telephone": "telephone_label",
    "words": "dispute_words_label",
}
"""Field of a form → the text that its page has for it."""


def pages(exchange: Exchange, setting: Setting) -> flask.Blueprint:
    """Give the pages over an exchange; without `[identity]` in its settings each answers that it is not there."""
    made = APIBlueprint("portal", __name__, template_folder="templates", enable_openapi=False)
    made.before_request(partial(_admit, setting))
    made.after_request(browser.finish)
    for error in (MarketplaceError, FormError, HTTPException, ProblemError):
        made.register_error_handler(error, _refused)
    made.record_once(lambda state: setattr(state.app.jinja_env, "undefined", StrictUndefined))
    views = _Views(exchange, setting)
    for rule, view, methods in views.routes:
        made.add_url_rule(rule, view.__name__, public(_plain(view)), methods=methods)
    return made


def _plain(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Give a function of its own, which can be marked: a bound method cannot."""

    def serving(**arguments: str) -> ResponseReturnValue:
        return view(**arguments)

    serving.__name__ = view.__name__
    return serving


def language() -> Language:
    """Give the reader's language: as asked for now, as chosen before, or Chinese."""
    asked = flask.request.args.get("lang") or flask.request.cookies.get(LANGUAGE)
    return "en" if asked == "en" else "zh"


def page(
    name: str, status: int = 200, *, here: str | None = None, refusal: str | None = None, **values: object
) -> flask.Response:
    """Give a page in the reader's language; `here` is its address, `refusal` the text of why it is shown again."""
    chosen = language()

    def say(key: str, section: str = "page", **filled: object) -> str:
        return text(section, key, chosen, **filled)

    def when(time: int) -> str:
        return datetime.fromtimestamp(time / 1000, UTC).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M")

    rendered = flask.render_template(
        f"{name}.html",
        say=say,
        when=when,
        of=lambda pair: pair[chosen == "en"],
        label=lambda vocabulary, identifier: label(vocabulary, str(identifier), chosen),
        language=chosen,
        form_token=browser.form_token(_subjects().sealing),
        is_identified=SESSION in flask.request.cookies,
        here=here or flask.request.path,
        refusal=refusal,
        named=_named,
        **values,
    )
    response = flask.Response(rendered, status, content_type="text/html; charset=utf-8")
    if "lang" in flask.request.args:
        browser.keep(response, LANGUAGE, chosen)
    return response


def _named(field: str) -> str:
    """Give the key of the text that names a field of a form to its reader."""
    return _FIELDS.get(field, "field_other")


def _subjects() -> SubjectSetting:
    found: SubjectSetting = flask.g.subjects
    return found


def _admit(setting: Setting) -> None:
    if setting.subjects is None:
        raise ProblemError(404, "no-pages", "There are no pages for subjects here.", "Ask the operator.")
    flask.g.subjects = setting.subjects
    flask.request.max_content_length = forms.MAX_FORM
    if flask.request.method == "POST":
        browser.require_own_form(setting.subjects.sealing, setting.subjects.url)


def _refused(error: Exception) -> ResponseReturnValue:
    if isinstance(error, ProblemError):
        return flask.Response(error.detail, error.status, content_type="text/plain; charset=utf-8")
    if isinstance(error, HTTPException):
        if error.response is not None or error.code is None:
            return error.get_response()
        name = _STATUS_TEXTS.get(error.code, "problem_other")
        back = _checked(flask.request.path)  # the form may be too long to be read
        return page("problem", error.code, here=back, problem=name, fields=[], back=back)
    if isinstance(error, FormError):
        return page("problem", 403, here=_back(), problem="problem_form", fields=[], back=_back())
    found = [(status, name) for kind, status, name in _STATUS if isinstance(error, kind)]
    status, name = found[0] if found else (403, "problem_other")
    fields = sorted(getattr(error, "fields", {}))
    return page("problem", status, here=_back(), problem=name, fields=fields, back=_back())


def _back() -> str:
    """Give the page from which what was refused can be begun again."""
    path = flask.request.path
    return _checked(path if path.startswith("/c/") else flask.request.form.get("goal", "/me"))


class _Views:
    """The views over an exchange."""

    def __init__(self, exchange: Exchange, setting: Setting) -> None:
        self._exchange, self._setting = exchange, setting
        self._own, self._desk = exchange.subject_consents, exchange.identification
        get, post = ["GET"], ["POST"]
        self.routes: tuple[tuple[str, Callable[..., ResponseReturnValue], list[str]], ...] = (
            ("/portal.css", self.style, get),
            ("/c/<token>", self.asked, get),  # a link that was cut off is told of by a page, too
            ("/c/<string(length=43):token>", self.decide, post),
            ("/identify/code", self.enter_code, get),
            ("/identify/code", self.send_code, post),
            ("/identify/verify", self.verify_code, post),
            ("/identify/licence", self.licence, post),
            ("/identify/licence/verify", self.verify_licence, post),
            ("/identify/provider", self.provider, get),
            ("/identify/back", self.back, get),
            ("/receipts/<code>", self.receipt, get),
            ("/me", self.me, get),
            ("/me/end", self.end, post),
            ("/me/dispute", self.dispute, post),
            ("/me/disputes/<number>", self.own_dispute, get),
            ("/me/disputes/<number>", self.move_dispute, post),
            ("/me/leave", self.leave, post),
        )

    def style(self) -> ResponseReturnValue:
        """The style sheet."""
        data = files("marketplace.portal").joinpath("portal.css").read_bytes()
        return flask.Response(data, content_type="text/css; charset=utf-8")

    # --- a request --------------------------------------------------------------------------------------------

    def asked(self, token: str) -> ResponseReturnValue:
        """A link: who asks, to anybody who has it; what for, to its subject."""
        acting = self._acting()
        if acting is not None and (code := self._own.decided(token, acting)):
            return flask.redirect(f"/receipts/{code}", 303)
        request, _ = self._own.asked_by(token)
        if acting is None or acting.tag != request.tag:
            return self._identify(f"/c/{token}", "problem_other_subject" if acting else None)
        request, clauses = self._own.shown(token, acting)
        return page(
            "decide",
            token=token,
            request=request,
            clauses=clauses,
            shown=digest(clauses).hex(),
            separately=request.subject_type is not SubjectType.ENTERPRISE,
            is_agent=acting.capacity is Capacity.AGENT,
        )

    def decide(self, token: str) -> ResponseReturnValue:
        """Grant or refuse."""
        acting, form = self._required(), flask.request.form
        try:
            decision, shown = ConsentDecision(form.get("decision", "")), bytes.fromhex(form.get("shown", ""))
        except ValueError as error:
            raise InvalidError(
                "no decision", "press a button", fields={"decision": "Not as it must be."}
            ) from error
        attorney = forms.attorney(self._setting.clock()) if acting.capacity is Capacity.AGENT else None
        separately = form.get("separately") == "yes"
        signed = self._own.decide(token, acting, decision, shown, separately=separately, attorney=attorney)
        return flask.redirect(f"/receipts/{signed.statement.code}", 303)

    def receipt(self, code: str) -> ResponseReturnValue:
        """A receipt, to anybody who has its code."""
        signed, standing, clauses = self._exchange.consent_requests.receipt(code.upper())
        return page("receipt", receipt=signed.statement, standing=standing, clauses=clauses, url=_subjects().url)

    # --- who it is --------------------------------------------------------------------------------------------

    def send_code(self) -> ResponseReturnValue:
        """Have a code sent; the page is the same whether one was."""
        goal = self._goal()
        try:
            claimed = forms.claimed()
        except InvalidError as error:
            return self._identify(goal, "problem_fields", error, 422)
        wanted = None
        if goal.startswith("/c/"):
            wanted = self._own.asked_by(goal.removeprefix("/c/"))[0].tag
        self._desk.send_code(browser.visit(), _source(), claimed.subject, claimed.telephone, wanted)
        response = _code_page(goal)
        # After the answer: to hand a message over takes a while, which would tell that one was sent.
        response.call_on_close(partial(self._exchange.messenger.deliver, limit=10))
        return response

    def verify_code(self) -> ResponseReturnValue:
        """Take the code."""
        goal = self._goal()
        try:
            session = self._desk.verify_code(browser.visit(), _source(), forms.sms_code())
        except InvalidError:
            return _code_page(goal, "problem_code", 422)
        except NotIdentifiedError:
            return _code_page(goal, "problem_code", 403)
        return self._begin(session, goal)

    def enter_code(self) -> ResponseReturnValue:
        """The page for a code again, in the other language say; it sends none."""
        return _code_page(_checked(flask.request.args.get("goal", "/me")))

    def licence(self) -> ResponseReturnValue:
        """The number for which an electronic licence is shown."""
        goal = self._goal()
        return page("licence", here=goal, goal=goal, nonce=self._desk.challenge(browser.visit(), _source(), goal))

    def verify_licence(self) -> ResponseReturnValue:
        """Take what the licence's holder signed."""
        form = flask.request.form
        nonce, assertion = form.get("nonce", ""), form.get("assertion", "").strip()
        return self._begin(*self._desk.verify_assertion(browser.visit(), _source(), nonce, assertion))

    def provider(self) -> ResponseReturnValue:
        """On to the identity provider. By a link: a form's redirection to another site is not allowed."""
        goal = _checked(flask.request.args.get("goal", "/me"))
        response = flask.redirect(self._desk.openid_address(browser.visit(), _source(), goal), 303)
        browser.keep(response, OPENID_VISIT, browser.visit(), samesite="Lax")
        return response

    def back(self) -> ResponseReturnValue:
        """Back from the identity provider, with a code and the state that was given along."""
        state, code = flask.request.args.get("state", ""), flask.request.args.get("code", "")
        visit = flask.request.cookies.get(OPENID_VISIT, "")
        return self._begin(*self._desk.verify_openid(visit, _source(), state, code))

    def leave(self) -> ResponseReturnValue:
        """Forget who it is."""
        if cookie := flask.request.cookies.get(SESSION):
            self._desk.end(cookie)
        response = flask.redirect("/me", 303)
        response.delete_cookie(SESSION, secure=True, httponly=True, samesite="Strict", path="/")
        return response

    # --- what is one's own ------------------------------------------------------------------------------------

    def me(self) -> ResponseReturnValue:
        """All consents and disputes."""
        acting = self._acting()
        if acting is None:
            return self._identify("/me")
        consents, disputes = self._own.all_of(acting)
        names = self._exchange.organisations.titles(each.respondent for each in disputes)
        return page("me", consents=consents, disputes=disputes, titles=names, endable=["granted", "registered"])

    def end(self) -> ResponseReturnValue:
        """Withdraw, or deny."""
        acting, contract = self._required(), flask.request.form.get("contract", "")
        denies = flask.request.form.get("ending") == "denied"
        dispute = self._own.end(acting, contract, ConsentStanding.DENIED if denies else ConsentStanding.WITHDRAWN)
        return flask.redirect("/me" if dispute is None else f"/me/disputes/{dispute.number}", 303)

    def dispute(self) -> ResponseReturnValue:
        """Object."""
        acting, form = self._required(), flask.request.form
        contract, matter = form.get("contract", ""), forms.matter()
        # The list of departments has one chosen; it is about wrong data, and of no account for anything else.
        respondent = (form.get("respondent") or None) if matter is DisputeMatter.DATA else None
        dispute = self._own.dispute(acting, contract, matter, respondent, forms.words())
        return flask.redirect(f"/me/disputes/{dispute.number}", 303)

    def own_dispute(self, number: str) -> ResponseReturnValue:
        """One dispute."""
        acting = self._acting()
        if acting is None:
            return self._identify("/me")
        dispute, said = self._exchange.disputes.own(acting, number)
        authors = (each.author for each in said if each.author is not None)
        names = self._exchange.organisations.titles((dispute.respondent, *authors))
        return page("dispute", dispute=dispute, said=said, titles=names)

    def move_dispute(self, number: str) -> ResponseReturnValue:
        """Say that an answer is enough, or not."""
        acting = self._required()
        if flask.request.form.get("move") == "close":
            self._exchange.disputes.close(acting, number)
        else:
            self._exchange.disputes.reopen(acting, number, forms.words())
        return flask.redirect(f"/me/disputes/{number}", 303)

    def _identify(
        self, goal: str, refusal: str | None = None, error: InvalidError | None = None, status: int = 200
    ) -> flask.Response:
        """The page that asks who it is: who asks for a consent is on it, what was wrong, and what was typed in."""
        consumer = self._own.asked_by(goal.removeprefix("/c/"))[1] if goal.startswith("/c/") else None
        return page(
            "identify",
            status,
            here=goal,
            refusal=refusal,
            goal=goal,
            consumer=consumer,
            methods=[method.value for method in self._desk.methods],
            fields=sorted(error.fields) if error else [],
            typed=forms.typed() if error else {"subject": "", "telephone": ""},
        )

    def _begin(self, session: Session, goal: str) -> ResponseReturnValue:
        response = flask.redirect(_checked(goal), 303)
        browser.keep(response, SESSION, session.cookie)
        return response

    def _acting(self) -> Acting | None:
        return self._desk.session(flask.request.cookies.get(SESSION))

    def _required(self) -> Acting:
        found = self._acting()
        if found is None:
            raise NotIdentifiedError("nobody is identified", "say who you are first")
        return found

    def _goal(self) -> str:
        return _checked(flask.request.form.get("goal", "/me"))


def _code_page(goal: str, refusal: str | None = None, status: int = 200) -> flask.Response:
    here = f"/identify/code?{urlencode({'goal': goal})}"
    return page("code", status, here=here, refusal=refusal, goal=goal)


def _checked(goal: str) -> str:
    """Give where the browser goes then, if it is a page of ours: a form must not lead anywhere else."""
    token = goal.removeprefix("/c/")
    is_link = goal.startswith("/c/") and len(token) == 43 and token.replace("-", "").replace("_", "").isalnum()  # noqa: PLR2004 -- 32 bytes in base64url
    return goal if is_link and token.isascii() else "/me"


def _source() -> str:
    """Give the network that the request comes from; headers of proxies are not believed."""
    return source_of(flask.request.remote_addr)
