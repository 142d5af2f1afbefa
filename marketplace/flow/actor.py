"""Who gives a command, and what he is in the matter that it is about."""

from dataclasses import dataclass

from compute.records import PartyKind
from compute.terms import Terms
from marketplace.errors import missing
from marketplace.flow.states import Role


@dataclass(frozen=True)
class Principal:
    """Who sent a request: an organisation, by its node's signature or through one of its people or machines."""

    organisation: str
    member: str | None = None
    """The person's id within the organisation; a node's signature and a machine's key have none."""
    key: str | None = None
    """The id of a machine's key, if a machine sent it."""
    permissions: frozenset[str] = frozenset()
    """`scope:resource:action`, each."""


@dataclass(frozen=True)
class Actor:
    """A verified party; `office` is the role that it has in every matter, if it has one."""

    name: str
    kind: PartyKind | None
    office: Role | None
    case: str | None = None
    """The approved case under which a supervisor reads."""
    member: str | None = None
    """Who of the organisation, if a person acts."""
    permissions: frozenset[str] = frozenset()


def role_in(noun: str, terms: Terms, actor: Actor) -> Role:
    """Give the actor's role under these terms, applied for or agreed.

    Raises `NotFoundError` for everybody else: what others contract about is not told, to a supervisor only under a
    case.
    """
    if actor.name == terms.consumer:
        return Role.CONSUMER
    if actor.name in terms.parties:
        return Role.PROVIDER
    if actor.office is not None and (actor.office is not Role.SUPERVISOR or actor.case is not None):
        return actor.office
    raise missing(noun, terms.contract)
