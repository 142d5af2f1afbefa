"""Who takes part: a party is enrolled under a name and a key on its own signature and the operator's."""

from dataclasses import dataclass

from compute.records import PartyKind, PartyRecord
from compute.signing import Pins, Signed
from marketplace.errors import ForbiddenError, InvalidError
from marketplace.flow.actor import Actor
from marketplace.flow.signature import verified
from marketplace.flow.states import PARTY, Move, PartyState, Role, advance


@dataclass(frozen=True)
class Party:
    """An organisation in the market."""

    record: PartyRecord
    state: PartyState

    @property
    def is_active(self) -> bool:
        """Whether it takes part now."""
        return self.state is PartyState.ENROLLED


def enrol(application: Signed[PartyRecord], admission: Signed[PartyRecord], actor: Actor, reserved: Pins) -> Party:
    """Give the enrolled party; `reserved` are the names and keys of operator and marketplace themselves.

    1. The operator enrols.
    2. Name and key are not those of the operator or the marketplace.
    3. The party signed its record with the key that stands in it.
    4. The operator signed the same record.

    That the name is free the store decides. Raises the `MarketplaceError` of the check that failed.
    """
    record = application.statement
    state = advance(PARTY, record.name, PartyState.APPLIED, Move.ENROL, actor.office)  # 1
    if record.name in reserved or record.public_key in {pin.key for pin in reserved.values()}:  # 2
        raise InvalidError(f"{record.name}: the market's own names and keys are taken", "choose others")
    verified(application, record.name, record.kind.signing_role, {record.name: record.pin})  # 3
    if verified(admission, actor.name, "operator", reserved) != record:  # 4
        raise InvalidError(f"the operator admitted another record of {record.name}", "sign the record applied for")
    return Party(record, state)


def admit(name: str, party: Party | None, *, suspended_too: bool) -> Actor:
    """Give the actor behind a verified name; raise `ForbiddenError` unless the party may act now."""
    if party is None:
        raise ForbiddenError(f"{name} is not enrolled", "enrol with the operator first")
    if not party.is_active and not suspended_too:
        raise ForbiddenError(f"{name} is {party.state}", "settle it with the operator")
    supervises = party.record.kind is PartyKind.SUPERVISOR
    return Actor(name, party.record.kind, Role.SUPERVISOR if supervises else None)
