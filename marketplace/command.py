"""Commands that an organisation may have steps of its own for: what they are called, and how they are kept.

    @in_steps("approve_application", Matter.APPLICATION_APPROVE, about="contract")
    def approve(self, actor: str | Principal, contract: str, terms_digest: str) -> Application: ...

is all that a noun writes. The command then goes on at once, or raises `ApprovalStarted` and goes on when the last
step is passed (`marketplace.commands.approvals`). Its arguments are kept as canonical JSON of their types, those
of its signature; the table of these commands, `COMMANDS`, is closed once all nouns are imported.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, get_type_hints

import msgspec
import rfc8785

from marketplace.flow.actor import Principal
from marketplace.flow.office import Approval, Matter

if TYPE_CHECKING:
    from marketplace.gate import Gate  # which knows commands


class ApprovalStarted(Exception):  # noqa: N818 -- no error: the command waits, and nothing was refused
    """A command waits for its organisation's own steps."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(f"{approval.command} waits as {approval.id}")
        self.approval = approval


class Commands(Protocol):
    """A class of commands over the gate."""

    _gate: "Gate"


@dataclass(frozen=True)
class Command:
    """A command that can be kept, and carried out later."""

    name: str
    """Under which it is kept, for ever."""
    matter: Matter
    owner: str
    """The qualified name of its method."""
    about: Callable[[msgspec.Struct], str]
    """Gives the name of what it is about from its arguments."""
    arguments: type[msgspec.Struct]

    def encode(self, arguments: msgspec.Struct) -> bytes:
        """Give the arguments as canonical JSON."""
        return rfc8785.dumps(msgspec.to_builtins(arguments))

    def decode(self, data: bytes) -> dict[str, Any]:
        """Give the arguments that `encode` wrote, by their names."""
        found = msgspec.json.decode(data, type=self.arguments)
        return {name: getattr(found, name) for name in self.arguments.__struct_fields__}


COMMANDS: dict[str, Command] = {}
"""Every command that can be kept, by its name."""

C = TypeVar("C", bound=Commands)
P = ParamSpec("P")
T = TypeVar("T")
Method = Callable[Concatenate[C, str | Principal, P], T]


def in_steps(
    name: str, matter: Matter, *, about: str | Callable[[Any], str]
) -> Callable[[Method[C, P, T]], Method[C, P, T]]:
    """Have an organisation's steps for this matter come before the command.

    `about` is the argument that names what the command is about, or gives the name from all of them: of one
    command about one thing an organisation has one open approval.
    """

    def decorate(method: Method[C, P, T]) -> Method[C, P, T]:
        signature = inspect.signature(method)
        hints, names = get_type_hints(method), tuple(signature.parameters)[2:]
        fields = [(each, hints[each]) for each in names]
        names_it: Callable[[Any], str] = _reader_of(about) if isinstance(about, str) else about
        command = Command(
            name,
            matter,
            method.__qualname__,
            names_it,
            msgspec.defstruct(name, fields, forbid_unknown_fields=True),
        )
        if COMMANDS.setdefault(name, command).owner != command.owner:
            raise ValueError(f"{name} is {COMMANDS[name].owner} already")

        @functools.wraps(method)
        def intercepted(self: C, actor: str | Principal, /, *args: P.args, **kwargs: P.kwargs) -> T:
            gate = self._gate
            if gate.office is not None and not gate.is_joined:
                bound = signature.bind(self, actor, *args, **kwargs)
                bound.apply_defaults()
                gate.office.intercept(
                    command, actor, command.arguments(**{each: bound.arguments[each] for each in names})
                )
            return method(self, actor, *args, **kwargs)

        intercepted.__dict__["command"] = command
        return intercepted

    return decorate


def _reader_of(name: str) -> Callable[[Any], str]:
    """Give what reads one argument."""

    def read(arguments: Any) -> str:  # noqa: ANN401 -- a structure made from a signature
        return str(getattr(arguments, name))

    return read


def methods_of(*owners: object) -> dict[str, Callable[..., object]]:
    """Give the commands of these objects that can be kept, by their names, bound."""
    found: dict[str, Callable[..., object]] = {}
    for owner in owners:
        for name, function in inspect.getmembers(type(owner), inspect.isfunction):  # no property is asked
            if (command := getattr(function, "command", None)) is not None:
                found[command.name] = getattr(owner, name)
    return found
