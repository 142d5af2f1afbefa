"""The commands about data resources: what the registrar did, as the department enters it."""

from collections.abc import Sequence

from audit.entry import EntryKind as Kind
from marketplace.commands.products import Products, Who
from marketplace.errors import missing
from marketplace.flow import resource as registering
from marketplace.flow.event import MOVED
from marketplace.flow.notice import Topic
from marketplace.flow.resource import Registration, Resource
from marketplace.flow.states import RESOURCE, Move, ResourceState
from marketplace.gate import Gate
from marketplace.store import resources
from marketplace.transaction import Transaction


class Resources:
    """The commands about resources, behind the exchange's gate."""

    def __init__(self, gate: Gate, products: Products) -> None:
        self._gate, self._products = gate, products

    def enter(self, actor: Who, code: str, registration: Registration, state: ResourceState) -> Resource:
        """Enter one of the actor's resources under the registrar's number."""
        with self._gate.command("enter_resource", actor) as step:
            resource = registering.enter(code, registration, state, step.actor)
            resources.add(step.connection, resource, step.now)
            self._record(step, Kind.RESOURCE_ENTERED, resource)
            return resource

    def change(self, actor: Who, key: tuple[str, str], registration: Registration) -> Resource:
        """Enter that the registrar changed the registration, its renewal too."""
        return self._move("change_resource", actor, key, Move.CHANGE, registration)

    def correct(self, actor: Who, key: tuple[str, str], registration: Registration) -> Resource:
        """Enter that the registrar corrected the registration."""
        return self._move("correct_resource", actor, key, Move.CORRECT, registration)

    def cancel(self, actor: Who, key: tuple[str, str]) -> Resource:
        """Enter that the registrar cancelled the registration: what comes from it is suspended."""
        return self._move("cancel_resource", actor, key, Move.CANCEL, None)

    def load(self, actor: Who, key: tuple[str, str]) -> Resource:
        """Give one resource, for its provider and the offices."""
        with self._gate.query("resource", actor) as step:
            return self._load(step, key)

    def page(self, actor: Who, after: tuple[str, str], limit: int) -> Sequence[Resource]:
        """Give a page of resources: a provider its own, the offices all."""
        with self._gate.query("resources", actor) as step:
            own = None if step.actor.office is not None else step.actor.name
            return resources.page(step.connection, own, after, limit)

    def due(self, step: Transaction) -> int:
        """State the end of each resource whose last day is over, and suspend what comes from it."""
        ended = resources.due(step.connection, step.now)
        for key in ended:
            resource = self._load(step, key)
            resources.state_end(step.connection, key, step.now)
            self._record(step, Kind.RESOURCE_ENDED, resource)
            self._end(step, resource)
        return len(ended)

    def _move(
        self, command: str, actor: Who, key: tuple[str, str], move: Move, registration: Registration | None
    ) -> Resource:
        with self._gate.command(command, actor) as step:
            old = self._load(step, key)
            new = registering.move(old, move, registration or old.registration, step.actor)
            resources.move(step.connection, old, new, step.now)
            self._record(step, MOVED[RESOURCE.noun, move], new)
            if not new.is_valid(step.now):
                self._end(step, new)
            return new

    def _end(self, step: Transaction, resource: Resource) -> None:
        stopped = self._products.stop_ended(step, resource.key)
        step.notify(
            resource.provider, Topic.RESOURCE_ENDED, resource.code, state=resource.state.value, stopped=stopped
        )

    def _load(self, step: Transaction, key: tuple[str, str]) -> Resource:
        if (found := resources.load(step.connection, key)) is None:
            raise missing("resource", key[1])
        registering.role_of(found, step.actor)
        return found

    def _record(self, step: Transaction, kind: Kind, resource: Resource) -> None:
        detail = {"resource": resource.code, "state": resource.state.value}
        step.record(kind, counterparty=resource.provider, **detail)
