"""A data resource 数据资源: what a registrar says of it, as its department enters it; made elsewhere."""

from dataclasses import dataclass, replace
from datetime import date

from catalog.errors import TextError
from catalog.registration import check_registration_code
from compute.records import PartyKind
from marketplace.errors import ForbiddenError, InvalidError, missing
from marketplace.flow.actor import Actor
from marketplace.flow.clocks import day_of
from marketplace.flow.states import RESOURCE, Move, ResourceState, Role, advance


@dataclass(frozen=True)
class Registration:
    """The registrar's words: a name, and the first and last day of validity; without a last day it has no end."""

    name: str
    first_day: str
    last_day: str | None


@dataclass(frozen=True)
class Resource:
    """A registration under the registrar's number, and what the registrar last did to it."""

    provider: str
    code: str
    """The registrar's number: 登记结果查询码."""
    registration: Registration
    state: ResourceState

    @property
    def key(self) -> tuple[str, str]:
        """Provider and number: what one department mistypes is in no other's way."""
        return self.provider, self.code

    def has_ended(self, now: int) -> bool:
        """Whether it is cancelled, or its last day is over."""
        last = self.registration.last_day
        return self.state is ResourceState.CANCELLED or (last is not None and last < day_of(now))

    def is_valid(self, now: int) -> bool:
        """Whether products may come from it today."""
        return self.registration.first_day <= day_of(now) and not self.has_ended(now)


def enter(code: str, registration: Registration, state: ResourceState, actor: Actor) -> Resource:
    """Give the resource of the actor's that the registrar has under this number, in the state it has there.

    1. A department enters its own.
    2. The number can be a registrar's, the days are days in order.
    3. A cancelled registration is not entered any more.

    Raises `ForbiddenError` for the first, `InvalidError` naming the field for the others.
    """
    if actor.kind is not PartyKind.PROVIDER:  # 1
        who = actor.kind or actor.office
        raise ForbiddenError(f"{actor.name} takes part as {who}", "a data provider enters its resources")
    try:
        check_registration_code(code)  # 2
    except TextError as error:
        raise _invalid("code", str(error)) from error
    _check(registration)
    if state is ResourceState.CANCELLED:  # 3
        raise _invalid("state", "a cancelled registration cannot be entered; name one that is valid")
    return Resource(actor.name, code, registration, state)


def move(old: Resource, move: Move, registration: Registration, actor: Actor) -> Resource:
    """Give the resource after what the registrar did to it; raises as `advance` and `enter` do."""
    state = advance(RESOURCE, old.code, old.state, move, role_of(old, actor))
    _check(registration)
    return replace(old, registration=registration, state=state)


def role_of(resource: Resource, actor: Actor) -> Role:
    """Give the actor's role; raises `NotFoundError` for everybody but its provider and the offices."""
    if resource.provider == actor.name:
        return Role.PROVIDER
    if actor.office is None:
        raise missing("resource", resource.code)
    return actor.office


def _check(registration: Registration) -> None:
    for field in ("first_day", "last_day"):
        if (day := getattr(registration, field)) is not None and not _is_day(day):
            raise _invalid(field, f"{day} is no day of the calendar; write it as YYYY-MM-DD")
    if registration.last_day is not None and registration.last_day < registration.first_day:
        raise _invalid("last_day", "it ends before it begins; exchange the days")


def _is_day(day: str) -> bool:
    try:
        return date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False


def _invalid(field: str, told: str) -> InvalidError:
    problem, _, remedy = told.partition("; ")
    return InvalidError(f"{field}: {problem}", remedy, fields={field: told})
