"""A reviewer's node without a network: the real routes over the small market, asked as the examiner named."""

import json
from types import SimpleNamespace
from typing import Any

import flask
from apiflask import APIFlask
from world import REVIEWER, World

from compute.node.app import ERRORS
from compute.node.console import reviewing
from compute.node.console.client import NodeClient
from compute.web import problems
from compute.web.errors import PeerProblemError, ProblemError


class Wire:
    """Stands where `compute.web.client.PeerClient` does; a refusal is raised as there."""

    def __init__(self, app: APIFlask, examiner: str) -> None:
        self._client, self._examiner = app.test_client(), examiner

    def request(
        self,
        method: str,
        path: str,
        *,
        expected: type[bytes],
        content: bytes | None = None,
        content_type: str = "application/json",
        **_: Any,
    ) -> bytes:
        assert expected is bytes
        headers = {"Examiner": self._examiner}
        response = self._client.open(path, method=method, data=content, content_type=content_type, headers=headers)
        if response.status_code >= 400:
            raise PeerProblemError(REVIEWER, response.status_code, json.loads(response.data))
        return response.data


def node_app(world: World) -> APIFlask:
    """The app of the reviewer's console; who asks stands in a header instead of a signature."""
    app = APIFlask(__name__)
    site: Any = SimpleNamespace(settings=SimpleNamespace(name=REVIEWER), journal=world.journal(REVIEWER))
    app.register_blueprint(reviewing.routes(site, world.desk, world.cases))
    problems.install(app, REVIEWER)

    def known(error: Exception) -> flask.Response:
        status, slug, remedy = ERRORS[type(error)]
        return problems.render(status, slug, str(error), remedy)

    for kind in ERRORS:
        if not issubclass(kind, ProblemError):
            app.register_error_handler(kind, known)

    @app.before_request
    def ask() -> None:
        flask.g.party = flask.request.headers["Examiner"]

    return app


def node_of(world: World, examiner: str) -> NodeClient:
    """The node as this examiner's programs see it."""
    return NodeClient(Wire(node_app(world), examiner))  # type: ignore[arg-type]
