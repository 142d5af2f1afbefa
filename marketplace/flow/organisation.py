"""Organisations: whoever takes part applies, is reviewed by two at the operator, and can be stopped.

A party is an organisation's node key; it has no state of its own: an organisation that is suspended suspends its
party with all permits, and there is nothing beside that could say otherwise.
"""

import hashlib
from dataclasses import dataclass, replace

from catalog import uscc
from compute.canonical import encode
from compute.market.organisations import Desk, OrganisationProfile
from compute.records import PartyKind
from marketplace.errors import ConflictError, ForbiddenError, InvalidError, StaleError
from marketplace.flow.actor import Actor
from marketplace.flow.states import ORGANISATION, Move, OrganisationState, Role, advance

UNKNOWN_CODE = "-" * 18
"""Of an organisation from before organisations were recorded, until the operator completes it."""


@dataclass(frozen=True)
class Organisation:
    """An organisation, from its application on."""

    name: str
    profile: OrganisationProfile
    state: OrganisationState
    since: int
    """When the state began: UTC, milliseconds since 1970-01-01."""
    application: str
    """SHA-256 of the application's token, in hex: what the log has of an applicant, whose name it never learns."""
    entered_by: str | None = None
    """The operator's member who entered it, or the operator's name for its key; None if it applied by itself."""
    reason: str | None = None
    opinion: str | None = None
    is_enrolled: bool = False
    """Whether a node's key of it is."""

    @property
    def kind(self) -> PartyKind:
        """What it is."""
        return self.profile.kind

    @property
    def revision(self) -> str:
        """What changes with whatever is said of it, 64 hex digits."""
        said = (self.name, self.state, self.since, encode(self.profile).hex())
        return hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()

    def require(self, revision: str) -> None:
        """Return if this is the revision that was read; raise `StaleError` if not."""
        if revision != self.revision:
            raise StaleError(f"{self.name} has changed since you read it", "read it again, then change it")

    def seen_by_others(self) -> "Organisation":
        """Give what those see who are neither of it nor of the operator."""
        return replace(self, reason=None, opinion=None, entered_by=None)

    @property
    def is_incomplete(self) -> bool:
        """Whether what it is was never said: an earlier version recorded its node only."""
        return self.profile.code == UNKNOWN_CODE

    @property
    def is_in(self) -> bool:
        """Whether it takes part, stopped or not."""
        return self.state in {OrganisationState.ADMITTED, OrganisationState.SUSPENDED}


def apply(
    name: str, profile: OrganisationProfile, actor: Actor | None, application: str, now: int
) -> Organisation:
    """Give the new application; `actor` is who of the operator enters it, None for the applicant itself.

    Raises `InvalidError` that names the fields. That the name is free the store decides.
    """
    check(profile)
    entered_by = None if actor is None else actor.member or actor.name
    return Organisation(name, profile, OrganisationState.APPLIED, now, application, entered_by)


def found(name: str, profile: OrganisationProfile, now: int) -> Organisation:
    """Give the operator's own organisation, which nobody admits; raise as `apply` does."""
    check(profile)
    return Organisation(name, profile, OrganisationState.ADMITTED, now, "")


def correct(old: Organisation, profile: OrganisationProfile, now: int) -> Organisation:
    """Give the application with other particulars, applied for again; raise as `apply` and `advance` do."""
    state = advance(ORGANISATION, old.name, old.state, Move.RESUBMIT, Role.APPLICANT)
    check(profile)
    return replace(old, profile=profile, state=state, since=now, reason=None, opinion=None)


def review(
    old: Organisation, move: Move, actor: Actor, reason: str | None, opinion: str | None, now: int
) -> Organisation:
    """Give what the operator has admitted, returned, rejected, suspended or reinstated.

    1. The operator moves it, and the state allows it: as `advance` says.
    2. Who has entered an application does not admit it: four eyes.
    """
    state = advance(ORGANISATION, old.name, old.state, move, actor.office)  # 1
    if move is Move.ADMIT and old.entered_by == (actor.member or actor.name):  # 2
        raise ForbiddenError("you have entered this application", "have somebody else admit it")
    return replace(old, state=state, since=now, reason=reason, opinion=opinion)


def require_second(found: Organisation, actor: Actor) -> None:
    """Return if the actor may hand over the second half of an application's token; raise `ForbiddenError` if not.

    1. It is the operator.
    2. Who has entered the application holds the first half, and nobody holds both but the applicant.
    """
    if actor.office is not Role.OPERATOR:  # 1
        raise ForbiddenError("to hand an application over is not yours", "ask the operator")
    if found.entered_by == (actor.member or actor.name):  # 2
        raise ForbiddenError("you have entered this application", "have somebody else hand it over")


def require_unlike(new: Organisation, other: str | None) -> None:
    """Return unless another organisation that takes part has the same code; raise `ConflictError`."""
    if other is not None and other != new.name:
        raise ConflictError(f"{other} takes part with the same code", "return or reject the application")


def complete(old: Organisation, profile: OrganisationProfile) -> Organisation:
    """Give the organisation as what it really is; `flow.intervention` has the checks."""
    return replace(old, profile=profile)


def relocate(old: Organisation, desk: Desk, address: str) -> Organisation:
    """Give the organisation where it is reached from now on."""
    profile = OrganisationProfile(
        title_zh=old.profile.title_zh,
        title_en=old.profile.title_en,
        code=old.profile.code,
        kind=old.profile.kind,
        desk=desk,
        address=address,
    )
    return replace(old, profile=profile)


def check(profile: OrganisationProfile) -> None:
    """Return if the profile can be one; raise `InvalidError` that names the fields."""
    if (fault := uscc.fault(profile.code)) is not None:
        raise InvalidError(
            "the code is no unified social credit code",
            "correct it",
            fields={"profile.code": f"Not a USCC: {fault}."},
        )
