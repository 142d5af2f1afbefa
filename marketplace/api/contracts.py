"""Contracts: their documents, signatures, stops and ends; and the permits that follow from them."""

import flask
from apiflask import APIBlueprint

from compute.agreement.documents import agreement_digest
from compute.market.applications import ApplicationRecord, RenewalRequest
from compute.market.contracts import (
    AgreementDigests,
    Certificates,
    ContractRecord,
    DestructionCertificate,
    IssuedPermit,
)
from compute.market.legend import Legend
from compute.market.reasons import Why
from compute.signing import Signed
from compute.terms import Terms
from compute.web.body import Raw, answers, gives, message, takes
from compute.web.forms import form
from marketplace.api import render
from marketplace.api.access import needs
from marketplace.api.context import actor, exchange, expire_due
from marketplace.api.queries import Document, Text, Under
from marketplace.api.waiting import may_wait
from marketplace.store.contract_versions import Agreement

routes = APIBlueprint("contracts", __name__, url_prefix="/contracts")
routes.before_request(expire_due)
POLICY, TEXT = "application/ld+json", "text/markdown"


@routes.post("/sign")
@needs("contract:sign")
@takes(message(Signed[Terms]))
@gives(ContractRecord)
def sign(signed: Signed[Terms]) -> ContractRecord:
    """Add one's signature; the last one puts the contract in force and issues the permits. For its parties."""
    return render.contract(exchange().contracts.sign(actor(), signed))


@routes.get("/<contract>")
@needs("contract:read")
@routes.input(Under, location="query", arg_name="query")
@gives(ContractRecord)
def contract(contract: str, query: dict[str, str | None]) -> ContractRecord:
    """A contract with its signatures so far, for its parties, the operator, and a supervisor under a case."""
    return render.contract(exchange().contracts.load(actor(), contract, query["case"]))


@routes.get("/<contract>/policy")
@needs("contract:read")
@routes.input(Document, location="query", arg_name="query")
@answers({200: Raw(POLICY)})
def policy(contract: str, query: dict[str, str | int | None]) -> flask.Response:
    """The machine policy of a version, ODRL in JSON-LD; the ETag is the agreement's digest, which was signed."""
    found = _agreement(contract, query)
    return _document(found, found.policy, POLICY)


@routes.get("/<contract>/text")
@needs("contract:read")
@routes.input(Text, location="query", arg_name="query")
@answers({200: Raw(TEXT)})
def text(contract: str, query: dict[str, str | int | None]) -> flask.Response:
    """The readable contract in Chinese or English, Markdown; the ETag as with the policy."""
    found = _agreement(contract, query)
    return _document(found, found.zh if query["language"] == "zh" else found.en, TEXT)


@routes.get("/<contract>/legend")
@needs("contract:read")
@routes.input(Document, location="query", arg_name="query")
@gives(Legend)
def legend(contract: str, query: dict[str, str | int | None]) -> Legend:
    """What the identifiers of a version are called, in both languages: beside the contract, and no part of it."""
    return exchange().contracts.legend(actor(), contract, *_version(query))


@routes.get("/<contract>/versions")
@needs("contract:read")
@routes.input(Under, location="query", arg_name="query")
@gives(AgreementDigests)
def versions(contract: str, query: dict[str, str | None]) -> AgreementDigests:
    """Every version of a contract that was drafted, with the digest of its agreement."""
    found = exchange().contracts.versions(actor(), contract, query["case"])
    digests = {str(terms.version): terms.agreement or agreement_digest(terms) for terms in found}
    return AgreementDigests(contract=contract, versions=digests)


@routes.get("/<contract>/permits/<provider>")
@needs("permit:read")
@routes.input(Under, location="query", arg_name="query")
@gives(IssuedPermit)
def permit(contract: str, provider: str, query: dict[str, str | None]) -> IssuedPermit:
    """The permit for one provider, for the consumer, that provider, the operator, a supervisor under a case."""
    return render.permit(exchange().permits.load(actor(), contract, provider, query["case"]))


@routes.post("/<contract>/suspend")
@needs("contract:suspend")
@takes(form(Why))
@may_wait
@gives(ContractRecord)
def suspend(why: Why, contract: str) -> ContractRecord:
    """Stop a contract for a time: no permit under it stands. For any of its sides."""
    return render.contract(exchange().contracts.suspend(actor(), contract, why))


@routes.post("/<contract>/reinstate")
@needs("contract:reinstate")
@gives(ContractRecord)
def reinstate(contract: str) -> ContractRecord:
    """End one's own suspension of a contract."""
    return render.contract(exchange().contracts.reinstate(actor(), contract))


@routes.post("/<contract>/terminate")
@needs("contract:terminate")
@takes(form(Why))
@may_wait
@gives(ContractRecord)
def terminate(why: Why, contract: str) -> ContractRecord:
    """End a contract, or a draft, before its time. For its parties."""
    return render.contract(exchange().contracts.terminate(actor(), contract, why))


@routes.post("/<contract>/revoke")
@needs("contract:revoke")
@takes(form(Why))
@may_wait
@gives(ContractRecord)
def revoke(why: Why, contract: str) -> ContractRecord:
    """End a contract at once, for a cause. For any of its sides."""
    return render.contract(exchange().contracts.revoke(actor(), contract, why))


@routes.post("/<contract>/renew")
@needs("application:submit")
@takes(form(RenewalRequest))
@may_wait
@gives(ApplicationRecord, 201)
def renew(request: RenewalRequest, contract: str) -> ApplicationRecord:
    """Apply for a contract's successor; its subjects are asked again. For the consumer."""
    made = exchange().applications.renew(
        actor(), contract, request.reference, request.max_uses, request.not_before, request.not_after
    )
    return render.application(made)


@routes.get("/<contract>/certificates")
@needs("contract:read")
@routes.input(Under, location="query", arg_name="query")
@gives(Certificates)
def certificates(contract: str, query: dict[str, str | None]) -> Certificates:
    """What the parties of an ended contract certified to have destroyed, and who owes it."""
    return exchange().contracts.certificates(actor(), contract, query["case"])


@routes.post("/certificates")
@needs("contract:certify")
@takes(message(Signed[DestructionCertificate]))
@gives(DestructionCertificate, 201)
def certify(signed: Signed[DestructionCertificate]) -> DestructionCertificate:
    """Certify what one destroyed of a contract that is over. For its parties."""
    return exchange().contracts.certify(actor(), signed)


def _agreement(contract: str, query: dict[str, str | int | None]) -> Agreement:
    return exchange().contracts.agreement(actor(), contract, *_version(query))


def _version(query: dict[str, str | int | None]) -> tuple[int | None, str | None]:
    """Give which version is asked for, and under which case."""
    version, case = query["version"], query["case"]
    return version if isinstance(version, int) else None, case if isinstance(case, str) else None


def _document(found: Agreement, content: bytes, media_type: str) -> flask.Response:
    response = flask.Response(content, content_type=f"{media_type}; charset=utf-8")
    response.set_etag(found.terms.agreement or agreement_digest(found.terms))
    return response
