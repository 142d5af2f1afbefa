"""The matrix role × endpoint: whoever a request is from, the route opens by the matrix and by nothing else."""

import pytest
from apiflask import APIFlask
from marketplace_api.principals import Place, Sender, context_of, machine, made_app, people, places, signers

from audit.entry import EntryKind
from compute.web.access import is_public
from marketplace import matrix
from marketplace.api.access import needed, needs
from marketplace.flow.permission import AccessRole, Matrix, MatrixError, allows, parse


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> APIFlask:
    return made_app(tmp_path_factory.mktemp("permissions"))


@pytest.fixture(scope="module")
def senders(app: APIFlask) -> dict[str, Sender]:
    return signers(app.test_client()) | people(app) | {"machine": machine(app)}


def outcome(sender: Sender, place: Place) -> str:
    """What stopped the request, if it was the door and not what lies behind it."""
    response = sender.send(place)
    problem = (response.get_json(silent=True) or {}).get("type", "").rpartition(":")[2]
    if response.status_code == 401 and problem.startswith("signature-"):
        return "nobody"
    return "denied" if (response.status_code, problem) == (403, "permission-denied") else "open"


def expected(app: APIFlask, role: AccessRole, place: Place) -> str:
    view = app.view_functions[place.endpoint]
    permission = needed(view)
    if is_public(view) or (permission is None and role is not AccessRole.ANONYMOUS):
        return "open"
    if role is AccessRole.ANONYMOUS:
        return "nobody"
    return "open" if permission and allows(matrix.load().permissions([role]), permission) else "denied"


@pytest.mark.parametrize("role", [each.value for each in AccessRole if each is not AccessRole.SUBJECT])
def test_every_endpoint_opens_by_the_matrix(app: APIFlask, senders: dict[str, Sender], role: str) -> None:
    found = {place: outcome(senders[role], place) for place in places(app)}
    assert found == {place: expected(app, AccessRole(role), place) for place in found}
    assert len(found) > 60


def test_a_key_can_have_whatever_machines_may(senders: dict[str, Sender]) -> None:
    identity = senders["machine"].send(Place("sessions.current", "GET", "/sessions/current")).get_json()
    assert set(identity["permissions"]) == matrix.load().permissions([AccessRole.MACHINE])
    assert (identity["member"], identity["organisation"]) == (None, "bank")


def test_nothing_is_listed_that_no_route_needs(app: APIFlask) -> None:
    used = {permission for view in app.view_functions.values() if (permission := needed(view)) is not None}
    assert {each.partition(":")[2] for each in matrix.load().known} == used


def test_a_denial_names_the_permission_and_is_in_the_log(app: APIFlask, senders: dict[str, Sender]) -> None:
    log = context_of(app).exchange.log
    before = len(list(log.entries()))
    response = senders["node"].send(Place("organisations.suspend", "POST", "/organisations/bank/suspend"))
    assert response.status_code == 403
    assert response.get_json()["permission"] == "organisation:suspend"
    (entry,) = list(log.entries())[before:]
    assert (entry.kind, entry.counterparty) == (EntryKind.REFUSED, "bank")
    assert entry.detail == {"command": "organisation:suspend", "reason": "permission_denied"}


def test_who_proves_nothing_leaves_no_trace_in_the_log(app: APIFlask, senders: dict[str, Sender]) -> None:
    log, client = context_of(app).exchange.log, app.test_client()
    before = len(list(log.entries()))
    forged = ("x" * 43, "vmk_" + "x" * 43, "")
    for sender in (senders["anonymous"], *(Sender(client, token=each) for each in forged)):
        response = sender.send(Place("parties.directory", "GET", "/parties"))
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Signature realm="market", Bearer realm="market"'
    assert len(list(log.entries())) == before


def test_a_signed_request_is_its_signer_s_whatever_token_it_carries(senders: dict[str, Sender]) -> None:
    signer = senders["node"]
    both = Sender(signer.client, signer.party, signer.key, token="x" * 43)
    assert both.send(Place("parties.directory", "GET", "/parties")).status_code == 200


# --- the matrix itself ----------------------------------------------------------------------------------------


def written(**changes: str) -> bytes:
    """A matrix in which each role has nothing, but for these lines."""
    empty = 'zh = "角色"\nen = "Role"\npermissions = []'
    return "\n".join(f"[{role}]\n{changes.get(role, empty)}" for role in AccessRole).encode()


def test_a_matrix_is_whole_and_well_formed() -> None:
    assert parse(written()).known == frozenset()
    label = 'zh = "角色"\nen = "Role"\n'
    for entry in (
        'permissions = ["party:list"]',
        'permissions = ["all:party:list"]',
        'permissions = ["own:party:list", "own:party:list"]',
        'permissions = ["own:party:*"]',
        "",
        "permissions = []\nmore = 1",
    ):
        with pytest.raises(MatrixError):
            parse(written(node=label + entry))
    with pytest.raises(MatrixError, match="has no anonymous"):
        parse(written().replace(b"[anonymous]", b"[node.x]").partition(b"[node.x]")[0])
    with pytest.raises(MatrixError):
        parse(written() + b"\n[clerk]\n" + label.encode() + b"permissions = []")


def test_matrix_and_routes_fit_or_nothing_starts() -> None:
    found: Matrix = matrix.load()
    used = {each.partition(":")[2] for each in found.known}
    found.check(used)
    with pytest.raises(MatrixError, match=r"routes need party:dissolve"):
        found.check(used | {"party:dissolve"})
    with pytest.raises(MatrixError, match=r"no route needs party:list"):
        found.check(used - {"party:list"})
    with pytest.raises(ValueError, match="is no resource:action"):
        needs("own:party:list")
