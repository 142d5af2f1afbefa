"""A marketplace's app in this process, and one sender of requests for each role of the matrix."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import flask
import pyotp
from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from entry import admit, profile_of
from flask.testing import FlaskClient
from locks import unlock
from market import BANK, KEYS, KINDS, RECORDS, SUPERVISOR
from marketplace_api.process import lay_policy, prepare
from werkzeug.routing import IntegerConverter, Rule
from werkzeug.test import TestResponse

from compute.records import PartyKind
from compute.signing import sign
from compute.web import messages
from compute.web.keyfile import load_or_make
from marketplace import matrix
from marketplace.api.app import create_app
from marketplace.api.context import EXTENSION, Context
from marketplace.commands.members import Invited
from marketplace.flow.actor import Principal
from marketplace.flow.member import roles_of
from marketplace.flow.permission import AccessRole
from marketplace.settings import load

PORT = 8443
PASSWORD = "Regen auf Hainan im Juni"  # noqa: S105 -- of accounts that are made here
URL = f"https://127.0.0.1:{PORT}"


@dataclass(frozen=True)
class Place:
    """One method of one endpoint, and a path that leads there."""

    endpoint: str
    method: str
    path: str


def made_app(folder: Path) -> APIFlask:
    config = prepare(folder, PORT)
    lay_policy(folder, PORT)
    app = create_app(load(config), load_or_make(folder / "identity.jwe", unlock))
    for name, record in RECORDS.items():
        exchange = context_of(app).exchange
        admit(exchange, name, record.kind)
        exchange.enrol_party(
            "operator", sign(record, name, KEYS[name]), sign(record, "operator", KEYS["operator"])
        )
    return app


def context_of(app: APIFlask) -> Context:
    found: Context = app.extensions[EXTENSION]
    return found


def places(app: flask.Flask) -> Iterator[Place]:
    """Every method of every endpoint, about things that do not exist; logging out comes last."""
    adapter = app.url_map.bind("127.0.0.1", url_scheme="https")
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint == "sessions.logout"):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path = adapter.build(rule.endpoint, _values(rule), method=method, force_external=False)
            yield Place(rule.endpoint, method, path)


def _values(rule: Rule) -> Mapping[str, object]:
    return {
        name: 1 if isinstance(converter, IntegerConverter) else "nothing"
        for name, converter in rule._converters.items()
    }


@dataclass(frozen=True)
class Sender:
    """Sends requests in one role: signed, under a bearer token, or as nobody."""

    client: FlaskClient
    party: str | None = None
    key: Ed25519PrivateKey | None = None
    token: str | None = None

    def send(self, place: Place) -> TestResponse:
        request = messages.Request(place.method, URL + place.path, {})
        if self.party is not None and self.key is not None:
            messages.sign(request, self.party, self.key, b"", time.time())
        if self.token is not None:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return self.client.open(place.path, base_url=URL, method=place.method, headers=request.headers)


def enter(app: APIFlask, invited: Invited) -> Sender:
    """Have a person take the account and log in."""
    exchange, member = context_of(app).exchange, invited.member
    taken = exchange.members.take(invited.token, PASSWORD, "a host")
    code = pyotp.TOTP(taken.totp).now()
    opened = exchange.sessions.login(member.organisation, member.login, PASSWORD, code, "a host")
    return Sender(app.test_client(), token=opened.token)


def administrators(app: APIFlask) -> dict[str, Principal]:
    """The first administrator of the operator, of a bank, and of a supervisor."""
    exchange = context_of(app).exchange
    profile = profile_of("operator", PartyKind.OPERATOR)
    enter(app, exchange.organisations.found_operator(profile, "first", "甲"))
    found = {}
    for name, role in (
        ("operator", "operator_administrator"),
        (BANK, "administrator"),
        (SUPERVISOR, "administrator"),
    ):
        permissions = matrix.load().permissions([AccessRole(role)])
        found[name] = Principal(name, "member-0", permissions=permissions)
    return found


def people(app: APIFlask) -> dict[str, Sender]:
    """One person for each role that people have, each in an organisation where it can be had."""
    exchange, found = context_of(app).exchange, {}
    for name, administrator in administrators(app).items():
        kind = None if name == "operator" else KINDS[name]
        for role in sorted(roles_of(kind)):
            if role.value not in found:
                invited = exchange.members.invite(administrator, f"is-{role}", "乙", [role], None)
                found[role.value] = enter(app, invited)
    return found


def machine(app: APIFlask) -> Sender:
    """A program of the bank's, with all that programs may do."""
    exchange = context_of(app).exchange
    everything = sorted(roles_of(KINDS[BANK]))
    administrator = Principal(BANK, "member-0", permissions=matrix.load().permissions([AccessRole.ADMINISTRATOR]))
    invited = exchange.members.invite(administrator, "everything", "丙", everything, None)
    enter(app, invited)
    issuer = Principal(BANK, invited.member.id, permissions=matrix.load().permissions(everything))
    of_machines = matrix.load().permissions([AccessRole.MACHINE])
    _, secret = exchange.api_keys.issue(issuer, "对账", of_machines, 30)
    return Sender(app.test_client(), token=secret)


def signers(client: FlaskClient) -> dict[str, Sender]:
    return {
        "node": Sender(client, BANK, KEYS[BANK]),
        "operator_key": Sender(client, "operator", KEYS["operator"]),
        "anonymous": Sender(client),
    }
