"""The errors of the marketplace; each refusal says what was wrong, with which input, and what to do next."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from audit.errors import LogError


class MarketplaceError(Exception):
    """A command was refused, and has changed nothing."""

    code: ClassVar[str]
    """The reason in the audit log."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")
        self.problem, self.remedy = problem, remedy


class NotFoundError(MarketplaceError):
    """There is no such thing, or whether there is one is none of the actor's business."""

    code = "not_found"


class ForbiddenError(MarketplaceError):
    """The actor may know of the thing but not do this with it."""

    code = "forbidden"


class PermissionDeniedError(MarketplaceError):
    """None of the actor's roles has the permission that the route needs."""

    code = "permission_denied"

    def __init__(self, permission: str) -> None:
        super().__init__(
            f"this needs the permission {permission}, which you do not have",
            "ask your organisation's administrator for a role that has it",
        )
        self.permission = permission


class NodeRequiredError(ForbiddenError):
    """The command rests on a key of the organisation's own, and none is enrolled."""

    code = "node_required"

    def __init__(self, organisation: str) -> None:
        super().__init__(
            f"{organisation} has no node yet, and this rests on a node's key",
            "start a node and give the operator its identity.json, who enrols the key: "
            "veilmart marketplace enrol --config operator.toml identity.json",
        )


class InvalidError(MarketplaceError):
    """What was sent breaks a rule by itself or against what it refers to; `fields` says it of each, if it can."""

    code = "invalid"

    def __init__(self, problem: str, remedy: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(problem, remedy)
        self.fields = dict(fields or {})


class BadSignatureError(MarketplaceError):
    """A statement is not signed by the enrolled key of the party whose word it must be."""

    code = "bad_signature"


class ConflictError(MarketplaceError):
    """Somebody was there first: a name is taken, a signature given, a state changed."""

    code = "conflict"


class StaleError(MarketplaceError):
    """Somebody has changed the thing since the actor read it."""

    code = "stale"


class TooManyError(MarketplaceError):
    """Somebody asks too often; `wait` has the milliseconds after which it may be asked again."""

    code = "too_many"

    def __init__(self, problem: str, wait: int) -> None:
        self.seconds = -(-wait // 1000)
        super().__init__(problem, f"try again in {self.seconds} s")


class NotProvenError(MarketplaceError):
    """Who logs in, or takes an account, is not proven; it does not tell what was wrong."""

    code = "not_proven"


class OutOfOrderError(MarketplaceError):
    """The counter of a node's event is not the next: an earlier event was not sent, or the node has lost some."""

    code = "out_of_order"


class WrongStateError(MarketplaceError):
    """The thing is not in a state for this move; `allowed` has the moves that the actor could make now."""

    code = "wrong_state"

    def __init__(self, problem: str, allowed: Iterable[str] = ()) -> None:
        self.allowed = tuple(allowed)
        super().__init__(problem, f"possible now: {', '.join(self.allowed) or 'nothing'}")


class RevisionError(LogError):
    """The database's tables are not of this version: nothing is read from them, and nothing written."""


class BackupError(LogError):
    """A backup cannot be made, is damaged or of another marketplace, or contradicts itself or what others know."""


def missing(noun: str, name: str) -> NotFoundError:
    """Give the one error for what does not exist and for what is secret, so that nobody can tell them apart."""
    return NotFoundError(f"there is no {noun} {name:.80} for you", "check the name, and who you act for")
