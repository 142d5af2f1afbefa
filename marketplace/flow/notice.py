"""What organisations are told of: a topic, the name of what it is about, and what a reader needs besides.

A notice is for an organisation, for those who have a role in it, or for one of its members.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import rfc8785


class Topic(StrEnum):
    """Every occasion on which somebody is told."""

    ORGANISATION_ADMITTED = "organisation_admitted"
    PRODUCT_REVIEWED = "product_reviewed"
    PRODUCT_STOPPED = "product_stopped"
    RESOURCE_ENDED = "resource_ended"
    APPLICATION_SUBMITTED = "application_submitted"
    APPLICATION_DECIDED = "application_decided"
    CONTRACT_DRAFTED = "contract_drafted"
    CONTRACT_ACTIVATED = "contract_activated"
    CONTRACT_STOPPED = "contract_stopped"
    AMENDMENT_PROPOSED = "amendment_proposed"
    AMENDMENT_ENDED = "amendment_ended"
    DESTRUCTION_CERTIFIED = "destruction_certified"
    STEP_OVERDUE = "step_overdue"
    APPROVAL_WAITING = "approval_waiting"
    APPROVAL_DECIDED = "approval_decided"
    DEPUTY_NAMED = "deputy_named"
    DELIVERY_FAILED = "delivery_failed"
    ACCOUNT_CHANGED = "account_changed"
    ADDRESS_ENTERED = "address_entered"
    ADDRESS_REPLACED = "address_replaced"
    ACCOUNT_WAITING = "account_waiting"
    PRICE_OFFERED = "price_offered"
    PRICE_ACCEPTED = "price_accepted"
    MANDATE_ENTERED = "mandate_entered"
    MANDATE_ENDED = "mandate_ended"
    STATEMENT_ISSUED = "statement_issued"
    STATEMENT_CONFIRMED = "statement_confirmed"
    STATEMENT_DISPUTED = "statement_disputed"
    DEMAND_MATCHED = "demand_matched"
    DEMAND_ANSWERED = "demand_answered"
    DEMAND_CLOSED = "demand_closed"
    CONSENT_DECIDED = "consent_decided"
    CONSENT_ENDED = "consent_ended"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_CLOSED = "dispute_closed"
    INTERVENTION_PROPOSED = "intervention_proposed"
    INTERVENTION_DECIDED = "intervention_decided"


@dataclass(frozen=True)
class Notice:
    """One notice to one organisation; it names things by their names, and no subject."""

    organisation: str
    topic: Topic
    about: str
    at: int
    """UTC, milliseconds since 1970-01-01."""
    role: str | None = None
    """For those of the organisation's members who have this role; None for all of it."""
    member: str | None = None
    """For one member of the organisation."""
    data: Mapping[str, str | int] = field(default_factory=dict)
    """What a reader needs besides; `addresses` that it goes to besides, with a space between."""

    @property
    def shown(self) -> dict[str, str | int]:
        """The data for readers, an organisation's programs too: without addresses, which are a person's."""
        return {name: value for name, value in self.data.items() if name != "addresses"}

    @property
    def encoded(self) -> bytes:
        """The data as canonical JSON."""
        return rfc8785.dumps(dict(self.data))


@dataclass(frozen=True)
class Reader:
    """Who reads: a member with its roles, or, as one reader, the organisation's node and machines."""

    organisation: str
    member: str | None = None
    roles: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """What its marks of having read stand under."""
        return f"{self.organisation}/{self.member or ''}"

    def is_told_of(self, notice: Notice) -> bool:
        """Whether the notice is for this reader; an organisation's node may read them all."""
        if notice.organisation != self.organisation:
            return False
        if self.member is None:
            return True
        return notice.role in {None, *self.roles} and notice.member in {None, self.member}


@dataclass(frozen=True)
class Preference:
    """Of what a member is told by e-mail, and in which language."""

    organisation: str
    member: str
    email: str
    language: str
    topics: frozenset[Topic]
    confirmed: int | None = None
    """When its reader confirmed the address: UTC, milliseconds since 1970-01-01. Nothing goes there before."""
