"""Every route, asked with texts that pass for others or for code: refused or found missing, and never given back.

Routes are not listed here but taken from the app, so that a new one is asked too.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from market import BANK, KINDS, SUPERVISOR, TAX
from marketplace_api.hostile import MARKS, MARKUP, QUOTES, filled, queries_of, texts_of
from marketplace_api.principals import URL, context_of, made_app
from msgspec import inspect
from werkzeug.routing import IntegerConverter

from compute.web.body import JSON, Form
from marketplace import credentials, matrix
from marketplace.api.access import needed
from marketplace.flow.member import Member, MemberState, roles_of
from marketplace.flow.permission import AccessRole, allows
from marketplace.store import members, sessions
from marketplace.store.paging import encode_cursor

FREE = {
    ("Login", "password"),
    ("Login", "code"),
    ("Login", "device"),
    ("InvitationAnswer", "token"),
    ("InvitationAnswer", "password"),
    ("PasswordChange", "old"),
    ("PasswordChange", "new"),
    ("PasswordChange", "code"),
}
"""Texts that are hashed or compared, never kept or shown: the only ones that may be anything."""

CURSORS = (
    encode_cursor((2**63, "a")),
    encode_cursor((-(2**70),)),
    encode_cursor(("a\x00b",)),
    encode_cursor((1, "a\x00b")),
)
"""Such as no page gave out, with what no database holds."""


@dataclass(frozen=True)
class Route:
    endpoint: str
    method: str
    path: str
    view: Any


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> APIFlask:
    return made_app(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def tokens(app: APIFlask) -> Mapping[AccessRole, str]:
    """A session in each role that people have, without the work of a login."""
    exchange, found = context_of(app).exchange, dict[AccessRole, str]()
    with exchange.log.transaction() as batch:
        for organisation in (BANK, TAX, SUPERVISOR):
            for role in sorted(roles_of(KINDS[organisation])):
                member = Member(
                    f"{organisation}-{role}", organisation, role, "甲", (role,), None, MemberState.ACTIVE
                )
                token = f"vms_{organisation}-{role}"
                members.add(batch.connection, member, token, 0)
                now = context_of(app).setting.clock()
                sessions.add(batch.connection, credentials.digest(token), member.id, now)
                found.setdefault(role, token)
    return found


def routes(app: APIFlask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(rule.endpoint, method, rule.rule, app.view_functions[rule.endpoint])


def paths(app: APIFlask, route: Route, text: str) -> str:
    """The route's path with this text at each place for one."""
    made = route.path
    for rule in app.url_map.iter_rules(route.endpoint):
        for name, converter in rule._converters.items():
            value = "1" if isinstance(converter, IntegerConverter) else quote(text, safe="")
            written = next(each for each in made.split("/") if each.endswith(f"{name}>"))
            made = made.replace(written, value, 1)
    return made


def header(tokens: Mapping[AccessRole, str], view: Any) -> dict[str, str]:
    """The bearer token of somebody to whom the route is open, if it is to any person."""
    permission = needed(view)
    for role, token in tokens.items():
        if permission is not None and allows(matrix.load().permissions([role]), permission):
            return {"Authorization": f"Bearer {token}"}
    return {}


def require_harmless(response: Any, texts: tuple[str, ...], asked: str) -> None:
    """Whatever it answers is no failure of the server, and gives none of the texts back as it came."""
    shown = response.get_data(as_text=True)
    assert response.status_code < 500, f"{asked}: {response.status_code} {shown}"
    assert response.headers.get("X-Content-Type-Options") == "nosniff", asked
    is_page = response.mimetype == "text/html"
    for text in texts:
        if is_page or text in MARKS:  # markup in JSON is a text
            assert text not in shown, f"{asked}: {shown}"


def test_no_text_of_any_body_takes_marks_that_nobody_sees(app: APIFlask) -> None:
    checked, loose = 0, set()
    for route in routes(app):
        form: Form[Any] | None = getattr(route.view, "takes", None)
        if form is None or form.described in (bytes, str):
            continue
        info = inspect.type_info(form.described)
        name = getattr(form.described, "__name__", "")
        for place, kind in texts_of(info):
            checked += 1
            if (name, place[-1]) in FREE:
                continue
            takes = [mark for mark in MARKS if kind.pattern is None or re.search(kind.pattern, mark)]
            if takes:
                loose.add((name, ".".join(place)))
    assert not loose, sorted(loose)
    assert checked > 100


@pytest.mark.parametrize("text", [*MARKS, MARKUP, QUOTES])
def test_no_path_is_asked_with_them(app: APIFlask, tokens: Mapping[AccessRole, str], text: str) -> None:
    client, asked = app.test_client(), 0
    for route in routes(app):
        if "<" not in route.path:
            continue
        path = paths(app, route, text)
        response = client.open(path, base_url=URL, method=route.method, headers=header(tokens, route.view))
        require_harmless(response, (text,), f"{route.method} {path}")
        asked += 1
    assert asked > 60


@pytest.mark.parametrize("text", [*MARKS, MARKUP, QUOTES, "9" * 25, *CURSORS])
def test_no_query_is_asked_with_them(app: APIFlask, tokens: Mapping[AccessRole, str], text: str) -> None:
    client, asked = app.test_client(), 0
    for route in routes(app):
        path = paths(app, route, "nothing")
        for name in queries_of(route.view):
            response = client.open(
                f"{path}?{urlencode({name: text})}",
                base_url=URL,
                method=route.method,
                headers=header(tokens, route.view),
            )
            require_harmless(response, (text,), f"{path}?{name}")
            asked += 1
    assert asked > 30


@pytest.mark.parametrize("text", [*MARKS[:2], MARKS[4], MARKUP])
def test_no_body_is_taken_with_them(app: APIFlask, tokens: Mapping[AccessRole, str], text: str) -> None:
    client: FlaskClient = app.test_client()
    asked = 0
    for route in routes(app):
        form: Form[Any] | None = getattr(route.view, "takes", None)
        if form is None or form.media_type != JSON or form.described in (bytes, str):
            continue
        body = filled(inspect.type_info(form.described), text)
        response = client.open(
            paths(app, route, "nothing"),
            base_url=URL,
            method=route.method,
            json=body,
            headers=header(tokens, route.view) | {"If-Match": '"x"'},
        )
        if next(texts_of(inspect.type_info(form.described)), None) is not None:
            assert response.status_code >= 400, f"{route.path}: {response.status_code} {response.get_data()!r}"
        require_harmless(response, (text,), f"{route.method} {route.path}")
        asked += 1
    assert asked > 40
