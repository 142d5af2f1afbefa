"""Interventions 代办: what the operator does for an organisation that cannot do it by itself, on its request."""

from typing import Literal

from compute.canonical import Hex32, Line, Message, Milliseconds, Name, Prose
from compute.market.organisations import OrganisationProfile

InterventionReason = Literal[
    "records_incomplete", "administrators_left", "accounts_lost", "authority_order", "other"
]
"""Why the operator has to."""


class ProfileProposal(Message, frozen=True):
    """What an organisation is, which nobody had said when it came from an earlier version."""

    profile: OrganisationProfile
    evidence: Hex32
    """SHA-256 of the paper that it rests on."""


class AdministratorProposal(Message, frozen=True):
    """Who becomes administrator of an organisation that has lost its own."""

    login: Name
    name: Line
    reason: InterventionReason
    evidence: Hex32
    """SHA-256 of the organisation's written request."""
    invitation: Hex32
    """SHA-256 of the token that this person has drawn, as the request states it: nobody else has the token."""


class InterventionOpinion(Message, frozen=True):
    """Why a proposal is not carried out."""

    opinion: Prose


class InterventionRecord(Message, frozen=True):
    """A proposal and what has become of it, as the organisation, the operator and supervisors see it."""

    intervention: Name
    organisation: Name
    matter: str
    reason: InterventionReason
    evidence: Hex32
    proposal: ProfileProposal | AdministratorProposal
    state: str
    proposer: str
    """Who of the operator asks; somebody else of it confirms."""
    proposed_at: Milliseconds
    not_before: Milliseconds
    """Until then an administrator of the organisation can object, and nobody can confirm."""
    decider: str | None
    decided_at: Milliseconds | None
    opinion: Prose | None
    revision: str


class Interventions(Message, frozen=True):
    """A page of proposals, the newest first."""

    items: tuple[InterventionRecord, ...]
    next: str | None
