"""Monthly statements: read, confirmed, disputed, corrected, and taken away as files."""

from typing import Any

import flask
from apiflask import APIBlueprint

from compute.market.statements import (
    StatementCorrection,
    StatementDispute,
    StatementRead,
    StatementRecord,
    Statements,
)
from compute.web.body import Raw, answers, gives, takes
from compute.web.forms import form
from marketplace.api import render_market
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import MONTH, FileLanguage, StatementQuery, StatementVersion
from marketplace.errors import missing
from marketplace.statement_file import Form, write
from marketplace.store.paging import decode_cursor

routes = APIBlueprint("statements", __name__, url_prefix="/statements")
routes.before_request(expire_due)


@routes.get("")
@needs("statement:list")
@routes.input(StatementQuery, location="query", arg_name="query")
@gives(Statements)
def statements(query: dict[str, Any]) -> Statements:
    """One's own statements, the latest month first, page by page; the operator's are all."""
    after = None
    if query["cursor"] is not None:
        month, name = decode_cursor(query["cursor"], str, str)
        after = str(month), str(name)
    found = exchange().statements.page(actor(), query["month"], query["state"], after, query["limit"] + 1)
    return render_market.statements(found, query["limit"])


@routes.get("/<statement>")
@needs("statement:read")
@routes.input(StatementVersion, location="query", arg_name="query")
@gives(StatementRecord)
def statement(statement: str, query: dict[str, int | None]) -> StatementRecord:
    """A statement's last version, or the one asked for. For its two sides and the operator."""
    return render_market.statement(exchange().statements.load(actor(), statement, query["version"]))


@routes.post("/<statement>/confirm")
@needs("statement:confirm")
@takes(form(StatementRead))
@gives(StatementRecord)
def confirm(request: StatementRead, statement: str) -> StatementRecord:
    """Confirm the version that was read. For its two sides."""
    return render_market.statement(exchange().statements.confirm(actor(), statement, request.digest))


@routes.post("/<statement>/dispute")
@needs("statement:dispute")
@takes(form(StatementDispute))
@gives(StatementRecord)
def dispute(request: StatementDispute, statement: str) -> StatementRecord:
    """Say what is wrong with the version that was read, until its last day. For its two sides."""
    return render_market.statement(exchange().statements.dispute(actor(), statement, request))


@routes.post("/<statement>/correct")
@needs("statement:correct")
@takes(form(StatementCorrection))
@gives(StatementRecord, 201)
def correct(request: StatementCorrection, statement: str) -> StatementRecord:
    """Replace a disputed version by the next, counted anew from the log. For the operator."""
    return render_market.statement(exchange().statements.correct(actor(), statement, request))


@routes.get("/files/<month>/csv")
@needs("statement:export")
@routes.input(FileLanguage, location="query", arg_name="query")
@answers({200: Raw(Form.CSV.media_type)})
def csv_file(month: str, query: dict[str, str]) -> flask.Response:
    """All of one's statements of a month (YYYY-MM) line by line, as CSV with a byte-order mark."""
    return _file(month, Form.CSV, query["language"])


@routes.get("/files/<month>/xlsx")
@needs("statement:export")
@routes.input(FileLanguage, location="query", arg_name="query")
@answers({200: Raw(Form.EXCEL.media_type)})
def excel_file(month: str, query: dict[str, str]) -> flask.Response:
    """The same for Excel."""
    return _file(month, Form.EXCEL, query["language"])


def _file(month: str, form: Form, language: str) -> flask.Response:
    if MONTH.fullmatch(month) is None:
        raise missing("file", f"of the month {month}")
    found = exchange().statements.every(actor(), month)
    sides = {name for each in found for name in (each.statement.consumer, each.statement.provider)}
    titles = exchange().organisations.titles(sides)
    made = write(found, form, "zh" if language == "zh" else "en", titles)
    response = flask.Response(made, content_type=form.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="statements-{month}.{form.value}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
