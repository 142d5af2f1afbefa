"""Who takes part: a party is enrolled under a name and a key on its own signature and the operator's."""

from dataclasses import dataclass
from enum import StrEnum

from compute.records import PartyKind, PartyRecord
from compute.signing import Pins, Signed
from marketplace.errors import ForbiddenError, InvalidError, NodeRequiredError
from marketplace.flow import agreement
from marketplace.flow.actor import Actor
from marketplace.flow.organisation import Organisation
from marketplace.flow.signature import verified
from marketplace.flow.states import OrganisationState, Role


class PartyState(StrEnum):
    """Whether a party takes part: it follows from its organisation's state."""

    ENROLLED = "enrolled"
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class Party:
    """An organisation's node in the market: the key by which it signs, and where it listens."""

    record: PartyRecord
    state: PartyState

    @property
    def is_active(self) -> bool:
        """Whether it takes part now."""
        return self.state is PartyState.ENROLLED


@dataclass(frozen=True)
class Standing:
    """What decides whether an organisation may act at this moment."""

    kind: PartyKind
    state: OrganisationState
    is_enrolled: bool
    """Whether a party of this name is."""
    accepted: int | None
    """The newest version of the entry agreement that it has accepted."""
    newest: int | None
    due: int | None
    """The newest version, and when it must have been accepted."""


def enrol(
    application: Signed[PartyRecord],
    admission: Signed[PartyRecord],
    actor: Actor,
    reserved: Pins,
    organisation: Organisation | None,
) -> Party:
    """Give the enrolled party; `reserved` are the names and keys of operator and marketplace themselves.

    1. The operator enrols.
    2. Name and key are not those of the operator or the marketplace.
    3. The party signed its record with the key that stands in it.
    4. The operator signed the same record.
    5. An organisation of this name and kind is admitted.

    That the name is free the store decides. Raises the `MarketplaceError` of the check that failed.
    """
    record = application.statement
    if actor.office is not Role.OPERATOR:  # 1
        raise ForbiddenError(f"to enrol party {record.name} is not yours", "ask its operator")
    if record.name in reserved or record.public_key in {pin.key for pin in reserved.values()}:  # 2
        raise InvalidError(f"{record.name}: the market's own names and keys are taken", "choose others")
    verified(application, record.name, record.kind.signing_role, {record.name: record.pin})  # 3
    if verified(admission, actor.name, "operator", reserved) != record:  # 4
        raise InvalidError(f"the operator admitted another record of {record.name}", "sign the record applied for")
    if organisation is None or organisation.state is not OrganisationState.ADMITTED:  # 5
        raise InvalidError(
            f"no organisation {record.name} is admitted", "have it apply and admit it before its node is enrolled"
        )
    if organisation.kind is not record.kind:  # 5
        raise InvalidError(
            f"{record.name} is admitted as {organisation.kind}, not as {record.kind}", "sign a record of that kind"
        )
    return Party(record, PartyState.ENROLLED)


def admit(name: str, standing: Standing | None, now: int, *, suspended_too: bool, enrolled: bool) -> Actor:
    """Give the actor behind a proven name; raise `ForbiddenError` unless it may act now.

    1. The organisation is admitted.
    2. It is not suspended, and has accepted the entry agreement in time, unless the command is for those who stop.
    3. If `enrolled` says so its node is enrolled, whose key others rely on: `NodeRequiredError` if not.
    """
    if standing is None or standing.state not in {OrganisationState.ADMITTED, OrganisationState.SUSPENDED}:  # 1
        raise ForbiddenError(f"{name} does not take part", "apply to take part: veilmart market apply")
    if not suspended_too:  # 2
        if standing.state is OrganisationState.SUSPENDED:
            raise ForbiddenError(f"{name} is {standing.state}", "settle it with the operator")
        agreement.require_in_time(standing.newest, standing.due, standing.accepted, now)
    if enrolled and not standing.is_enrolled:  # 3
        raise NodeRequiredError(name)
    supervises = standing.kind is PartyKind.SUPERVISOR
    return Actor(name, standing.kind, Role.SUPERVISOR if supervises else None)
