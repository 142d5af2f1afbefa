"""The machine policy: an ODRL 2.2 Agreement in JSON-LD (W3C Recommendation, 15 February 2018).

    permission   one for each provider: the consumer may use its product's fields,
                 under constraints of purpose, count, begin and end, for the operation only
    duty         of each permission: consent of every subject or anonymised results, the log told of every use
    prohibition  to hand on or to reproduce what was learned of the data
    obligation   the consumer's, once the term is over: to delete, and to certify it

Terms of ODRL's common vocabulary only; what it has no word for (operation, fields, model reviewer) is a refinement
of the target or a constraint by the left operands of the profile that the policy names.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785

from compute.terms import DraftTerms, Grant

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
PROFILE = "urn:veilmart:odrl:2"
"""The left operands that ODRL does not have are of this profile (ODRL Information Model, section 3)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def policy(terms: DraftTerms) -> bytes:
    """Give the policy as canonical JSON (RFC 8785)."""
    return rfc8785.dumps(build(terms))


def build(terms: DraftTerms) -> dict[str, Any]:
    """Give the policy as a JSON-LD object."""
    consumer = _party(terms.consumer)
    members: dict[str, Any] = {
        "@context": [CONTEXT, {"veilmart": f"{PROFILE}:"}],
        "@type": "Agreement",
        "uid": f"urn:veilmart:contract:{terms.contract}:{terms.version}",
        "profile": PROFILE,
        "conflict": "prohibit",
        "assignee": consumer,
        "permission": [_permission(terms, grant) for grant in terms.grants],
        "prohibition": [
            {
                "target": _target(grant),
                "assigner": _party(grant.provider),
                "assignee": consumer,
                "action": action,
            }
            for grant in terms.grants
            for action in ("distribute", "reproduce")
        ],
        "obligation": [_destruction(terms, grant) for grant in terms.grants],
        "veilmart:policyVersion": terms.policy_version,
        "veilmart:version": terms.version,
    }
    if terms.renews is not None:
        members["veilmart:renews"] = f"urn:veilmart:contract:{terms.renews}"
    return members


def _permission(terms: DraftTerms, grant: Grant) -> dict[str, Any]:
    return {
        "target": _target(grant),
        "assigner": _party(grant.provider),
        "assignee": _party(terms.consumer),
        "action": "use",
        "constraint": [
            _constraint("purpose", "eq", f"{PROFILE}:purpose:{terms.purpose}"),
            _constraint("count", "lteq", _typed(terms.max_uses, "xsd:integer")),
            _constraint("dateTime", "gteq", _time(terms.not_before)),
            _constraint("dateTime", "lt", _time(terms.not_after)),
            _constraint("veilmart:operation", "eq", f"{PROFILE}:operation:{terms.operation}"),
            _constraint("veilmart:field", "isAnyOf", list(grant.fields)),
            _constraint("veilmart:modelReviewer", "eq", _party(terms.model_reviewer)),
            _constraint("veilmart:legalBasis", "eq", f"{PROFILE}:basis:{terms.legal_basis}"),
            _constraint("veilmart:subjectType", "isAnyOf", list(terms.subject_types)),
        ],
        "duty": [
            {"action": "obtainConsent" if terms.legal_basis == "consent" else "anonymize"},
            {"action": "inform", "informedParty": _party(grant.provider)},
        ],
    }


def _destruction(terms: DraftTerms, grant: Grant) -> dict[str, Any]:
    """Give the duty that outlives the permission: what is left of the provider's data is deleted."""
    return {
        "assigner": _party(grant.provider),
        "assignee": _party(terms.consumer),
        "target": _target(grant),
        "action": "delete",
        "constraint": [_constraint("dateTime", "gteq", _time(terms.not_after))],
    }


def _target(grant: Grant) -> str:
    return f"urn:veilmart:product:{grant.provider}:{grant.product}:{grant.product_version}"


def _party(name: str) -> str:
    return f"urn:veilmart:party:{name}"


def _constraint(left: str, operator: str, right: object) -> dict[str, object]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _typed(value: object, kind: str) -> dict[str, object]:
    return {"@value": str(value), "@type": kind}


def _time(time: int) -> dict[str, object]:
    """Give a time as xsd:dateTime in UTC; in milliseconds since 1970 where no calendar reaches."""
    try:
        moment = _EPOCH + timedelta(milliseconds=time)
    except OverflowError:
        return _typed(time, "xsd:integer")
    return _typed(f"{moment:%Y-%m-%dT%H:%M:%S}.{time % 1000:03}Z", "xsd:dateTime")
