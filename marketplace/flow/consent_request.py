"""A consumer's request to one subject for its consent, and what the subject decides on it.

The link to it holds 256 random bits, of which only SHA-256 is kept, and serves one subject for three days at most.
A link alone decides nothing: who opens it is identified first, and must act for the very subject that is asked.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, replace

from compute.canonical import DAY, HOUR
from compute.market.consent_requests import ConsentRequestDraft
from compute.records import (
    Capacity,
    ConsentDecision,
    ConsentReceipt,
    SubjectType,
    opened,
)
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, WrongStateError, missing
from marketplace.flow.actor import Actor
from marketplace.flow.consent_states import CONSENT_REQUEST, ConsentRequestState
from marketplace.flow.contract import Contract, require_consumer
from marketplace.flow.states import Move, Role, advance
from marketplace.flow.subject import Acting, require_code, tag

LINK_HOURS = 72
"""The longest life of a link."""
MOST_AHEAD = 3 * 365 * DAY
"""The longest consent, in milliseconds."""
TOKEN_BYTES = 32
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_CHARACTERS, _GROUP = 16, 4


@dataclass(frozen=True)
class ConsentRequest:
    """A request as the marketplace keeps it."""

    id: str
    contract: str
    consumer: str
    reference: str
    """The consumer's own, once per contract."""
    tag: bytes
    subject_type: SubjectType
    commitment: bytes
    contact: str
    """Where the consumer is reached about it."""
    at: int
    until: int
    """When the link ends."""
    expires: int
    """When the consent ends."""
    token: bytes
    """SHA-256 of the link's token."""
    state: ConsentRequestState


@dataclass(frozen=True)
class PowerOfAttorney:
    """What an agent states of the document 授权委托书 by which it acts."""

    reference: str
    until: int
    """When it ends: UTC, milliseconds."""
    document: bytes
    """SHA-256."""


def new_token() -> str:
    """Draw the token of a link."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_digest(token: str) -> bytes:
    """Give what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def new_code() -> str:
    """Draw a verification code: 80 bits in Crockford's base 32, in four groups."""
    drawn = "".join(secrets.choice(_CROCKFORD) for _ in range(_CODE_CHARACTERS))
    return "-".join(drawn[first : first + _GROUP] for first in range(0, _CODE_CHARACTERS, _GROUP))


def request_name(contract: str, reference: str) -> str:
    """Give the name of a request: it follows from both, so that a repeated one is seen as the same."""
    digest = hashlib.sha256(f"consent-request\n{contract}\n{reference}".encode()).digest()
    return "consent-" + base64.b16encode(digest[:16]).decode().lower()


def ask(
    contract: Contract, draft: ConsentRequestDraft, actor: Actor, tag_key: bytes, token: str, now: int
) -> ConsentRequest:
    """Give the request; that its reference is new the store decides.

    1. The contract's consumer asks.
    2. The contract is in force, and its legal basis is consent.
    3. The code is one of such a subject.
    4. The consent ends after the link can be opened, no later than the contract.

    Raises the `MarketplaceError` of the check that failed. The code is in nothing that is given.
    """
    require_consumer(contract, actor)  # 1
    terms = contract.terms
    if not contract.in_force(now) or terms.legal_basis != "consent":  # 2
        raise WrongStateError(f"contract {terms.contract} is {contract.state}, over, or needs no consent")
    require_code(draft.subject, draft.subject_type, "subject")  # 3
    if not now < draft.expires <= min(terms.not_after, now + MOST_AHEAD):  # 4
        raise InvalidError(
            f"the consent would end at {draft.expires}, not between now and the end of the contract",
            f"end it by {terms.not_after}",
            fields={"expires": f"From {now} to {terms.not_after}."},
        )
    return ConsentRequest(
        id=request_name(terms.contract, draft.reference),
        contract=terms.contract,
        consumer=terms.consumer,
        reference=draft.reference,
        tag=tag(tag_key, draft.subject),
        subject_type=draft.subject_type,
        commitment=opened(draft.opening, draft.subject),
        contact=draft.contact,
        at=now,
        until=min(now + draft.hours * HOUR, draft.expires),
        expires=draft.expires,
        token=token_digest(token),
        state=ConsentRequestState.OPEN,
    )


def require_subject(request: ConsentRequest, acting: Acting) -> None:
    """Return if whoever was identified acts for the subject that is asked.

    Raises `NotFoundError` for everybody else: a forwarded link tells nothing more than that there is one.
    """
    if request.tag != acting.tag:
        raise missing("request", request.id)


def decide(
    request: ConsentRequest,
    contract: Contract,
    acting: Acting,
    decision: ConsentDecision,
    now: int,
    *,
    separately: bool,
    attorney: PowerOfAttorney | None,
) -> ConsentRequest:
    """Give the request once the subject has decided.

    1. The very subject that is asked decides.
    2. It does so once, and while the link lasts.
    3. To grant, the contract is in force.
    4. A sole trader or a person has agreed to the recipient separately (PIPL 23): `separately`.
    5. An agent names a power of attorney that lasts; nobody else does.

    Raises the `MarketplaceError` of the check that failed.
    """
    require_subject(request, acting)  # 1
    move = Move.GRANT if decision is ConsentDecision.GRANTED else Move.REFUSE
    state = advance(CONSENT_REQUEST, request.id, request.state, move, Role.SUBJECT)  # 2
    if now >= request.until:  # 2
        raise WrongStateError(f"the time to decide on {request.id} is over")
    if decision is ConsentDecision.GRANTED:
        if not contract.in_force(now):  # 3
            raise WrongStateError(f"contract {request.contract} is {contract.state} or its term is over")
        if request.subject_type is not SubjectType.ENTERPRISE and not separately:  # 4
            raise InvalidError(
                "a separate consent is given expressly", "tick the box", fields={"separately": "Tick the box."}
            )
    _check_attorney(acting, attorney, now)  # 5
    return replace(request, state=state)


def _check_attorney(acting: Acting, attorney: PowerOfAttorney | None, now: int) -> None:
    if (acting.capacity is Capacity.AGENT) != (attorney is not None):
        raise ForbiddenError("an agent, and nobody else, acts by a power of attorney", "state who you are")
    if attorney is not None and attorney.until <= now:
        raise InvalidError(
            "the power of attorney is over", "have a new one signed", fields={"attorney_until": "It is over."}
        )


def receipt(
    request: ConsentRequest,
    acting: Acting,
    decision: ConsentDecision,
    text: bytes,
    attorney: PowerOfAttorney | None,
    code: str,
    now: int,
) -> ConsentReceipt:
    """Give what the marketplace states of a decision; `text` is the digest of what the subject was shown."""
    return ConsentReceipt(
        code=code,
        request=request.id,
        contract=request.contract,
        consumer=request.consumer,
        commitment=request.commitment,
        subject_type=request.subject_type,
        decision=decision,
        text=text,
        method=acting.method,
        capacity=acting.capacity,
        power_of_attorney=None if attorney is None else attorney.document,
        at=now,
        expires=request.expires,
    )


def require_unended(ended: int) -> None:
    """Return unless subjects have themselves ended consents that are claimed again: `ended` is their number.

    Raises `ConflictError`: only a request that the subject grants brings such a consent back.
    """
    if ended:
        raise ConflictError(
            f"{ended} of the subjects have withdrawn or denied their consent themselves",
            "leave them out, and ask each by a request",
        )
