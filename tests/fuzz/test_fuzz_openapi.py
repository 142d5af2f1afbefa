"""Every operation of each process's document, asked by everybody for what its schema allows and what it does not.

Nothing may answer with a server error, with a status or a media type that the document does not name, or with a
body that is not as it is described. A body goes out as it was generated or, where that is possible, in canonical
form, so that also what lies behind the parser is asked.
"""

import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import requests
import rfc8785
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from compute.web import messages
from veilmart.demo.data import EXAMPLES, PROVIDERS, load_scorecard
from veilmart.demo.processes import Process, processes_of
from veilmart.demo.sites import BANK, MARKET, OPERATOR, REVIEWER, SUPERVISOR, Site, Sites, lay_out
from veilmart.demo.story import agree, onboard, publish, staff

pytestmark = pytest.mark.long

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
MARKET_REGULATION = "market-regulation"
NAMES = [MARKET, BANK, REVIEWER, SUPERVISOR, *sorted(PROVIDERS)]
CASES = 5
"""Of each operation, all sent by everybody."""
JSON = "application/json"


@dataclass(frozen=True)
class Signer(requests.auth.AuthBase):
    """Signs a request as a party or a person, when all else of it stands."""

    name: str
    key: Ed25519PrivateKey

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else body
        kind = request.headers.get("Content-Type")
        asked = messages.Request(str(request.method), str(request.url), {"Content-Type": kind} if kind else {})
        messages.sign(asked, self.name, self.key, content, time.time())
        request.headers.update(asked.headers)
        return request


@schemathesis.serializer("application/toml")
def toml(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """What is sent where a product's description belongs."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


@dataclass(frozen=True)
class Running:
    """All servers, a contract in force, and everybody's key."""

    sites: Sites
    contract: str

    def site(self, name: str) -> Site:
        return self.sites.market if name == MARKET else self.sites.nodes[name]

    def signers(self, name: str) -> list[Signer | None]:
        """Who asks a process: the operator or its own staff, the other parties, and nobody who says so."""
        parties = {node: Signer(node, site.identity) for node, site in self.sites.nodes.items()}
        if name == MARKET:
            return [Signer(OPERATOR, self.sites.operator_key), *parties.values(), None]
        own = self.sites.nodes[name]
        people = [Signer(person, own.key_of(person)) for person in own.people]
        return [*people, *(parties[other] for other in (BANK, REVIEWER, MARKET_REGULATION)), None]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Servers only: what needs a worker stays a job."""
    folder = tmp_path_factory.mktemp("fuzzed")
    sites, card = lay_out(folder / "sites", EXAMPLES, 2048), load_scorecard(EXAMPLES)
    servers = [process for process in processes_of(sites) if process.ready is not None]
    with ExitStack() as stack:
        stack.callback(stop, servers)
        for server in servers:
            server.start()
        for server in servers:
            server.wait_until_ready()
        onboard(sites, lambda *_: None)
        publish(sites, lambda *_: None)
        with staff(sites.nodes[BANK]) as analyst:
            terms = agree(sites, analyst, card, lambda *_: None)
        yield Running(sites, terms.contract)


def stop(servers: Sequence[Process]) -> None:
    """Ask all to end, then see that each does."""
    for server in servers:
        if server.running is not None:
            server.running.terminate()
    for server in servers:
        server.stop()


def document(site: Site) -> dict[str, Any]:
    """The process's own, without the answers that it leaves open: what is not named is not allowed."""
    context = ssl.create_default_context(cafile=site.authority)
    found: dict[str, Any] = httpx.get(f"{site.url}/openapi.json", verify=context, trust_env=False).json()
    for operations in found["paths"].values():
        for operation in operations.values():
            del operation["responses"]["default"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_request_gets_a_server_error_or_what_the_document_does_not_say(running: Running, name: str) -> None:
    site = running.site(name)
    schema = schemathesis.openapi.from_dict(document(site))
    known = {"contract": running.contract, "provider": MARKET_REGULATION}
    signers, statuses, failures = running.signers(name), set[int](), list[BaseException]()
    with requests.Session() as session:
        session.trust_env = False
        for found in schema.get_all_operations():
            try:
                statuses |= ask(found.ok(), session, site, signers, known)
            except FailureGroup as failure:
                failures.append(failure)
    if failures:
        raise BaseExceptionGroup("operations that break their document", failures)
    assert statuses >= {200, 400, 401, 403}  # who is refused, who is not, and what


def ask(
    operation: Any,
    session: requests.Session,
    site: Site,
    signers: Sequence[Signer | None],
    known: Mapping[str, str],
) -> set[int]:
    """Send cases that the schema allows and some that it does not, by everybody; give the answers' statuses."""
    statuses: set[int] = set()
    names = {part.name for part in operation.path_parameters}
    real = {name: value for name, value in known.items() if name in names}
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if real:
        right |= operation.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters=real)

    @settings(
        max_examples=CASES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=wrong | right, canonical=st.booleans())
    def send(case: Any, *, canonical: bool) -> None:
        more: dict[str, Any] = {"base_url": site.url, "session": session, "verify": str(site.authority)}
        if canonical and case.media_type == JSON:
            more |= {"data": _canonical(case.body), "headers": {"Content-Type": JSON}}
        for signer in signers:
            response = case.call(auth=signer, **more)
            case.validate_response(response, checks=CHECKS)
            statuses.add(response.status_code)

    send()
    return statuses


def _canonical(body: Any) -> bytes:
    try:
        return rfc8785.dumps(body)
    except (rfc8785.CanonicalizationError, TypeError, AttributeError):
        return json.dumps(str(body)).encode()
