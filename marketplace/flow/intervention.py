"""Interventions 代办: the operator acts for an organisation that cannot by itself, on its written request.

    proposed by one member of the operator → (its administrators may object) → confirmed by another: it is done

Two matters: an organisation of before organisations were recorded is completed, and one that has lost its
administrators gets one. Both would hand an organisation to whoever asks, if one person could do them.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from compute.canonical import encode
from compute.market.interventions import AdministratorProposal, InterventionReason, ProfileProposal
from compute.market.organisations import OrganisationProfile
from compute.records import PartyKind
from marketplace.errors import ConflictError, ForbiddenError, InvalidError
from marketplace.flow import working_days
from marketplace.flow.actor import Actor
from marketplace.flow.organisation import Organisation
from marketplace.flow.organisation import check as check_profile
from marketplace.flow.states import Machine, Move, Role, advance

OBJECTION_DAYS = 3
"""Working days in which the administrators that an organisation still has can object."""
CONFIRMATION_DAYS = 5
"""Working days within which the operator decides."""
RECORDS_INCOMPLETE: InterventionReason = "records_incomplete"


class InterventionMatter(StrEnum):
    """What the operator does for the organisation."""

    PROFILE = "profile"
    ADMINISTRATOR = "administrator"


class InterventionState(StrEnum):
    """A proposal waits, was carried out, or came to nothing."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


INTERVENTION = Machine(
    "intervention",
    {
        # Confirmed never by who proposed it; rejected by who of the operator finds it wrong, its proposer too.
        (InterventionState.PROPOSED, Move.CONFIRM): (InterventionState.CONFIRMED, frozenset({Role.OPERATOR})),
        (InterventionState.PROPOSED, Move.REJECT): (
            InterventionState.REJECTED,
            frozenset({Role.OPERATOR, Role.ORGANISATION}),
        ),
    },
)

Proposal = ProfileProposal | AdministratorProposal


@dataclass(frozen=True)
class Intervention:
    """A proposal, and what has become of it."""

    id: str
    organisation: str
    matter: InterventionMatter
    reason: InterventionReason
    proposal: Proposal
    read: str
    """The organisation's revision that the proposer has read."""
    proposer: str
    """Who of the operator asks, a member's id."""
    proposed_at: int
    """UTC, milliseconds since 1970-01-01; so are the other times."""
    not_before: int
    """From when on it can be confirmed."""
    state: InterventionState = InterventionState.PROPOSED
    decider: str | None = None
    decided_at: int | None = None
    opinion: str | None = None

    @property
    def evidence(self) -> str:
        """SHA-256 of the paper that it rests on, in hex."""
        return self.proposal.evidence


def propose(
    name: str,
    organisation: Organisation,
    proposal: Proposal,
    actor: Actor,
    operator: str,
    *,
    administrators: int,
    now: int,
) -> Intervention:
    """Give the proposal; `administrators` is how many the organisation has who have taken their accounts.

    1. A member of the operator proposes: a key is no person, of whom there must be two.
    2. The organisation takes part, and is not the operator's own.
    3. A profile is completed where it is unknown, as what the organisation is admitted as.
    4. An administrator is invited for a reason that fits.
    """
    member = _member(actor)  # 1
    if not organisation.is_in or organisation.name == operator:  # 2
        raise ConflictError(
            f"for {organisation.name} the operator does not act",
            "an applicant corrects its application; the operator's own first account comes from its host",
        )
    not_before = now
    if isinstance(proposal, ProfileProposal):
        matter, reason = InterventionMatter.PROFILE, RECORDS_INCOMPLETE
        _check_completion(organisation, proposal.profile)  # 3
    else:
        matter, reason = InterventionMatter.ADMINISTRATOR, proposal.reason
        if reason == RECORDS_INCOMPLETE:  # 4
            raise InvalidError(
                f"{reason} is no reason for another administrator",
                "say why the organisation has none",
                fields={"reason": "About records, not about people."},
            )
        if administrators:
            not_before = working_days.due(now, OBJECTION_DAYS)
    return Intervention(
        name, organisation.name, matter, reason, proposal, organisation.revision, member, now, not_before
    )


def confirm(
    old: Intervention, organisation: Organisation, actor: Actor, *, stands: bool, now: int
) -> Intervention:
    """Give what is carried out; `stands` says whether its proposer is a confirmed member still.

    1. The operator confirms, and the state allows it: as `advance` says.
    2. A member does, and not who proposed it: four eyes.
    3. Who proposed it is still there to answer for it.
    4. The time to object is over.
    5. The organisation is what the proposer has read.
    """
    state = advance(INTERVENTION, old.id, old.state, Move.CONFIRM, actor.office)  # 1
    if (member := _member(actor)) == old.proposer:  # 2
        raise ForbiddenError("you have proposed this", "have somebody else of the operator confirm it")
    if not stands:  # 3
        raise ConflictError(
            "who proposed it is no confirmed member of the operator any more", "reject it, and propose it anew"
        )
    if now < old.not_before:  # 4
        raise ConflictError(
            f"administrators of {old.organisation} can object until {old.not_before}", "confirm it after that"
        )
    if not organisation.is_in or organisation.revision != old.read:  # 5
        raise ConflictError(
            f"{old.organisation} has changed since this was proposed", "reject it, and propose it anew"
        )
    return replace(old, state=state, decider=member, decided_at=now)


def reject(old: Intervention, actor: Actor, opinion: str, now: int) -> Intervention:
    """Give what comes to nothing: the operator takes it back, or an administrator of the organisation objects."""
    role = Role.ORGANISATION if actor.name == old.organisation else actor.office
    state = advance(INTERVENTION, old.id, old.state, Move.REJECT, role)
    return replace(old, state=state, decider=actor.member or actor.name, decided_at=now, opinion=opinion)


def is_visible(found: Intervention, actor: Actor) -> bool:
    """Whether the actor is told of it: the organisation, the operator and supervisors are."""
    return actor.name == found.organisation or actor.office in {Role.OPERATOR, Role.SUPERVISOR}


def encoded(proposal: Proposal) -> bytes:
    """Give the proposal in canonical form."""
    return encode(proposal)


def _check_completion(organisation: Organisation, profile: OrganisationProfile) -> None:
    if not organisation.is_incomplete:
        raise ConflictError(
            f"{organisation.name} is complete", "its administrator changes where it is reached; the rest stands"
        )
    if profile.kind is not organisation.kind:
        raise InvalidError(
            f"{organisation.name} takes part as {organisation.kind}",
            "name that kind",
            fields={"profile.kind": f"It is {PartyKind(organisation.kind).value}."},
        )
    check_profile(profile)


def _member(actor: Actor) -> str:
    if actor.office is not Role.OPERATOR or actor.member is None:
        raise ForbiddenError(
            "two members of the operator do this, each by name", "log in as a member of the operator"
        )
    return actor.member
