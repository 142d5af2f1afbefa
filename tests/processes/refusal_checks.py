"""How a test asks for what must be refused, and what every refusal has."""

import secrets
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from locks import load_beside
from processes.live_market import MARKET_REGULATION, Market

from compute.canonical import FormatError, Message, decode
from compute.protocols.risk_score.job import subjects_root
from compute.protocols.risk_score.messages import JobStatement, Query, RegisterTables
from compute.signing import sign
from compute.web import messages
from compute.web.client import PeerClient
from compute.web.errors import PeerProblemError
from veilmart.demo.sites import BANK, HOST, Site

MEMBERS = {"type", "title", "status", "detail", "remedy"}
JSON = "application/json"


def problem_of(error: PeerProblemError) -> dict[str, object]:
    """Give the problem document, which has all that RFC 9457 and the house want."""
    problem = error.problem
    assert problem.keys() >= MEMBERS
    assert str(problem["type"]).startswith("urn:veilmart:problem:")
    assert problem["status"] == error.status
    assert all(problem[member] for member in MEMBERS)
    return problem


def asked(peer: PeerClient, method: str, path: str, content: bytes | None = None) -> dict[str, object]:
    with pytest.raises(PeerProblemError) as caught:
        peer.request(method, path, expected=bytes, content=content, content_type=JSON)
    return problem_of(caught.value)


def refused(market: Market, message: Message | bytes, provider: str = MARKET_REGULATION) -> dict[str, object]:
    """Give how the provider refuses the bank's message, and see that the log has this refusal."""
    before = len([entry for entry in market.refusals() if entry.node == provider])
    with pytest.raises(PeerProblemError) as caught:
        market.send(message, provider)
    problem = problem_of(caught.value)
    (entry,) = [entry for entry in market.refusals() if entry.node == provider][before:]
    assert entry.detail["check"] == problem["check"]
    if isinstance(message, Message):
        assert entry.detail["message"] == type(message).__name__
    return problem


def kind(problem: dict[str, object]) -> tuple[object, str]:
    return problem["status"], str(problem["type"]).removeprefix("urn:veilmart:problem:")


def seen(market: Market, expected: type[Query] | type[RegisterTables]) -> Iterator[Query | RegisterTables]:
    """Give the messages of this type that passed to a provider."""
    for exchange in market.exchanges():
        if exchange.server == MARKET_REGULATION and exchange.path == "/messages":
            try:
                yield decode(exchange.asked, expected)
            except FormatError:
                continue


def forge(market: Market, query: Query, subjects: tuple[str, ...] | None = None, **changes: object) -> Query:
    """Make another query of it, signed with the bank's own key: its owner may send what its node never would."""
    listed = query.subjects if subjects is None else subjects
    fresh = {
        "nonce": secrets.token_bytes(32),
        "rows": len(listed),
        "subjects_root": subjects_root(query.salt, listed),
        "outputs": query.job.statement.layout.outputs(len(listed)),
    }
    job: JobStatement = msgspec.structs.replace(query.job.statement, **(fresh | changes))
    return Query(job=sign(job, BANK, market.bank.identity), salt=query.salt, subjects=listed)


def send(site: Site, request: messages.Request, body: bytes, port: int | None = None) -> httpx.Response:
    """Send a request that is signed already, and take whatever comes."""
    context = ssl.create_default_context(cafile=site.authority)
    address = f"https://{HOST}:{port or site.public_port}{urlsplit(request.url).path}"
    fields = messages.pick_fields(request.headers.get)
    with httpx.Client(verify=context, trust_env=False) as client:
        return client.post(address, content=body, headers=fields)


def send_signed(
    site: Site, party: str, key: Path, path: str, body: bytes, port: int | None = None
) -> httpx.Response:
    request = messages.Request("POST", f"{site.url}{path}", {"Content-Type": JSON})
    messages.sign(request, party, load_beside(key), body, time.time())
    return send(site, request, body, port)
